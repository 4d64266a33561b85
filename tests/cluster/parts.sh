# Sourced inside the node's namespaces: the processes of a cluster, each with its command line; how they start and end.
# Pids are those of the node's namespace, hence they are kept on its own /run.

node_pids=/run/sparkcron-pids

# run_part NAME: becomes the process.
run_part() {
  case $1 in
    containerd) exec containerd --config "$run/containerd.toml" ;;
    etcd)
      # Durability is not what is tested: no fsync.
      exec "$kubernetes" etcd --data-dir "$run/etcd" --unsafe-no-fsync --log-level warn \
        --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
        --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 \
        --initial-cluster default=http://127.0.0.1:2380
      ;;
    kube-apiserver)
      # Pods of a lost node are evicted after seconds, not after minutes. Owners are checked as on OpenShift, and what
      # service accounts of tests ask for is written down.
      exec "$kubernetes" kube-apiserver --etcd-servers=http://127.0.0.1:2379 --profiling=false \
        --secure-port=$api_port --bind-address=0.0.0.0 --advertise-address=$node_ip \
        --tls-cert-file="$run/pki/server.crt" --tls-private-key-file="$run/pki/server.key" \
        --service-account-key-file="$run/pki/service_accounts.pub" \
        --service-account-signing-key-file="$run/pki/service_accounts.key" \
        --service-account-issuer=https://kubernetes.default.svc --token-auth-file="$run/pki/tokens.csv" \
        --service-cluster-ip-range=$services --authorization-mode=Node,RBAC --allow-privileged=true \
        --enable-admission-plugins=OwnerReferencesPermissionEnforcement \
        --audit-policy-file="$run/audit.yaml" --audit-log-path="$run/log/audit.log" --audit-log-maxsize=200 --audit-log-maxbackup=1 \
        --kubelet-preferred-address-types=InternalIP --shutdown-delay-duration=0s \
        --default-not-ready-toleration-seconds=5 --default-unreachable-toleration-seconds=5
      ;;
    kube-controller-manager)
      exec "$kubernetes" kube-controller-manager --kubeconfig="$run/controller-manager.kubeconfig" --leader-elect=false \
        --use-service-account-credentials=true --root-ca-file="$run/pki/ca.crt" \
        --service-account-private-key-file="$run/pki/service_accounts.key" \
        --secure-port=0 --profiling=false --kube-api-qps=100 --kube-api-burst=200
      ;;
    kube-scheduler)
      exec "$kubernetes" kube-scheduler --kubeconfig="$run/scheduler.kubeconfig" --leader-elect=false --secure-port=0 \
        --profiling=false
      ;;
    kubelet)
      exec "$kubernetes" kubelet --kubeconfig="$run/kubelet.kubeconfig" --config="$run/kubelet.yaml" \
        --hostname-override=$node_name --node-ip=$node_ip
      ;;
    kube-proxy)
      # The limits of connection tracking belong to the machine: zero leaves them alone.
      exec "$kubernetes" kube-proxy --kubeconfig="$run/proxy.kubeconfig" --hostname-override=$node_name \
        --proxy-mode=iptables --cluster-cidr=$pod_network --bind-address=$node_ip --conntrack-max-per-core=0 \
        --conntrack-tcp-timeout-established=0s --conntrack-tcp-timeout-close-wait=0s
      ;;
    coredns) exec "$kubernetes" coredns -conf "$run/Corefile" ;;
    *) die "no part of a cluster is called $1" ;;
  esac
}

part_runs() { [[ -s $node_pids/$1 ]] && kill -0 "$(cat "$node_pids/$1")" 2>/dev/null; }

start_part() {
  part_runs "$1" && return
  (run_part "$1") >> "$run/log/$1.log" 2>&1 < /dev/null 9>&- &
  echo $! > "$node_pids/$1"
}

# stop_part NAME: ends it, by force after 20 s, and comes back when it is gone.
stop_part() {
  local i
  part_runs "$1" && kill -TERM "$(cat "$node_pids/$1")"
  for ((i = 0; i < 400; i++)); do
    part_runs "$1" || break
    sleep 0.05
  done
  while part_runs "$1"; do
    kill -KILL "$(cat "$node_pids/$1")" || true
    sleep 0.05
  done
  rm -f "$node_pids/$1"
}
