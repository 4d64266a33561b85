# Sourced: writes the configuration of the node's parts into $run.

write_node_settings() {
  mkdir -p "$run/cni"
  : > "$run/resolv.conf"  # pods reach nothing outside
  # restrict_oom_score_adj: where root may not lower that score (no CAP_SYS_RESOURCE), runc would fail.
  cat > "$run/containerd.toml" <<TOML
version = 2
root = "$run/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "$containerd_socket"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "$run/cni"
TOML
  cat > "$run/cni/10-ptp.conflist" <<JSON
{"cniVersion": "0.4.0", "name": "ptp", "plugins": [
  {"type": "ptp", "ipMasq": false, "mtu": 1500,
   "ipam": {"type": "host-local", "dataDir": "/var/lib/cni/networks", "ranges": [[{"subnet": "$pod_network"}]],
            "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON
  cat > "$run/audit.yaml" <<YAML
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
  - {level: None, userGroups: ["system:serviceaccounts:kube-system"]}
  - {level: None, nonResourceURLs: ["*"]}
  - {level: Metadata, userGroups: ["system:serviceaccounts"]}
YAML
  cat > "$run/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: $node_ip
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
cgroupRoot: $1
clusterDNS: [$node_ip]
clusterDomain: cluster.local
containerRuntimeEndpoint: unix://$containerd_socket
enforceNodeAllocatable: [pods]
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%}
failCgroupV1: false
failSwapOn: false
imageGCHighThresholdPercent: 100
maxPods: 100
nodeStatusUpdateFrequency: 5s
resolvConf: $run/resolv.conf
YAML
  cat > "$run/Corefile" <<TEXT
.:53 {
  bind $node_ip
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig $run/dns.kubeconfig context
    ttl 1
  }
}
TEXT
}
