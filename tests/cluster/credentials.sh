# Sourced: certificates, tokens and kubeconfigs of a new cluster, all in $run/pki and $run/*.kubeconfig.

certificates() {
  local names=DNS:localhost,IP:127.0.0.1,IP:$api_service_ip,IP:$node_ip name=kubernetes
  for name in kubernetes{,.default{,.svc{,.cluster.local}}}; do names+=,DNS:$name; done
  (
    cd "$run/pki"
    openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -keyout ca.key -out ca.crt -subj /CN=sparkcron-test-cluster
    openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=kube-apiserver
    openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out server.crt \
      -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "$names")
    openssl genrsa -out service_accounts.key 2048
    openssl rsa -in service_accounts.key -pubout -out service_accounts.pub
  ) 2>"$run/openssl.log"
}

# kubeconfig NAME TOKEN SERVER
kubeconfig() {
  cat > "$run/$1.kubeconfig" <<YAML
apiVersion: v1
kind: Config
clusters: [{name: cluster, cluster: {server: "$3", certificate-authority: $run/pki/ca.crt}}]
users: [{name: user, user: {token: $2}}]
contexts: [{name: context, context: {cluster: cluster, user: user}}]
current-context: context
YAML
}

# credential FILE USER GROUP: a token that the API server knows, and the kubeconfig with it.
credential() {
  local token
  token=$(openssl rand -hex 16)
  echo "$token,$2,$2,$3" >> "$run/pki/tokens.csv"
  kubeconfig "$1" "$token" "https://$node_ip:$api_port"
}

make_credentials() {
  mkdir -p "$run/pki"
  certificates
  : > "$run/pki/tokens.csv"
  credential node-admin admin system:masters
  credential controller-manager system:kube-controller-manager ""
  credential scheduler system:kube-scheduler ""
  credential kubelet "system:node:$node_name" system:nodes
  credential proxy system:kube-proxy ""
  credential dns coredns ""
}
