# Sourced by every script here: where things are, and the addresses inside the node.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

# Where the machine has its cgroups: one tree, or one for each controller.
cgroup_hierarchies() {
  if [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
    echo /sys/fs/cgroup
  else
    ls -d /sys/fs/cgroup/{cpu,cpuacct,cpuset,memory,devices,freezer,blkio,pids,systemd} 2>/dev/null
  fi
}

# All that one cluster writes. Clusters of different folders do not meet.
run=${SPARKCRON_CLUSTER:-$root/build/cluster}
pids=$run/pids

# What is built once and used by every cluster: named after a hash of what it is built from.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sparkcron/cluster
hash_of() { cat "$@" | sha256sum | cut -c1-16; }
kubernetes=$cache/kubernetes-$(hash_of "$here"/kubernetes/{build,go.mod,go.sum,*.go})/kubernetes
tiny_images=$cache/tiny-images-$(hash_of "$here"/images/{tiny,oci.py,*.c,fake_spark.sh})
spark_image=$cache/spark-image-$(hash_of "$here"/images/{spark,oci.py,spark_entrypoint.sh})

# These exist in the node's own network only.
node_name=node
node_ip=10.77.0.2
api_port=6443
services=10.96.0.0/16 api_service_ip=10.96.0.1
pod_network=10.244.0.0/24
containerd_socket=/run/containerd/containerd.sock

say() { echo "cluster: $*"; }
die() { echo "cluster: $*" >&2; exit 1; }
