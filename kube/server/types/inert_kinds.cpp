#include "kube/server/types/inert_kinds.h"

namespace kube::server::types {
namespace {

constexpr const char* kRbac = "rbac.authorization.k8s.io";
constexpr const char* kNetworking = "networking.k8s.io";
constexpr const char* kToken = "whoever has the token may do everything";
constexpr const char* kCapacity = "--node-capacity bounds what runs";
constexpr const char* kProcesses = "drivers are local processes";
constexpr const char* kFolders = "claims are folders of the data folder";

}  // namespace

const std::vector<InertKind>& inert_kinds() {
  static const std::vector<InertKind> kinds = {
      {.type = {kRbac, "v1", "roles", "Role", true},
       .singular = "role",
       .name = NameRule::PathSegment,
       .instead = kToken},
      {.type = {kRbac, "v1", "rolebindings", "RoleBinding", true},
       .singular = "rolebinding",
       .name = NameRule::PathSegment,
       .instead = kToken},
      {.type = {kRbac, "v1", "clusterroles", "ClusterRole", false},
       .singular = "clusterrole",
       .name = NameRule::PathSegment,
       .instead = kToken},
      {.type = {kRbac, "v1", "clusterrolebindings", "ClusterRoleBinding", false},
       .singular = "clusterrolebinding",
       .name = NameRule::PathSegment,
       .instead = kToken},
      {.type = {"", "v1", "resourcequotas", "ResourceQuota", true},
       .singular = "resourcequota",
       .short_names = {"quota"},
       .status = true,
       .instead = kCapacity},
      {.type = {"", "v1", "limitranges", "LimitRange", true},
       .singular = "limitrange",
       .short_names = {"limits"},
       .instead = kCapacity},
      {.type = {"", "v1", "persistentvolumes", "PersistentVolume", false},
       .singular = "persistentvolume",
       .short_names = {"pv"},
       .status = true,
       .instead = kFolders},
      {.type = {"storage.k8s.io", "v1", "storageclasses", "StorageClass", false},
       .singular = "storageclass",
       .short_names = {"sc"},
       .instead = kFolders},
      {.type = {"scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", false},
       .singular = "priorityclass",
       .short_names = {"pc"},
       .instead = "pods start in the order in which they were created"},
      {.type = {"policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true},
       .singular = "poddisruptionbudget",
       .short_names = {"pdb"},
       .status = true,
       .generation = true,
       .instead = "nothing evicts pods"},
      {.type = {kNetworking, "v1", "networkpolicies", "NetworkPolicy", true},
       .singular = "networkpolicy",
       .short_names = {"netpol"},
       .generation = true,
       .instead = kProcesses},
      {.type = {kNetworking, "v1", "ingresses", "Ingress", true},
       .singular = "ingress",
       .short_names = {"ing"},
       .status = true,
       .generation = true,
       .instead = kProcesses},
      {.type = {kNetworking, "v1", "ingressclasses", "IngressClass", false},
       .singular = "ingressclass",
       .generation = true,
       .instead = kProcesses},
  };
  return kinds;
}

std::string warning_of(const InertKind& kind) {
  return kind.type.kind + " has no effect in sparkcron standalone: " + kind.instead;
}

}  // namespace kube::server::types
