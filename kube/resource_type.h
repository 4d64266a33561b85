#pragma once

// ResourceType and ObjectKey: which kind of object, and which one.
//
// Threads: plain values.

#include <compare>
#include <string>

namespace kube {

// The kind of a resource and where it lives in the API.
struct ResourceType {
  std::string group;    // "" for the core group
  std::string version;  // "v1"
  std::string plural;   // "pods"
  std::string kind;     // "Pod"
  bool namespaced = true;

  // "v1", "sparkoperator.k8s.io/v1beta2".
  [[nodiscard]] std::string api_version() const {
    return group.empty() ? version : group + "/" + version;
  }
  bool operator==(const ResourceType&) const = default;
};

const ResourceType& pods();
const ResourceType& services();
const ResourceType& config_maps();
const ResourceType& secrets();
const ResourceType& persistent_volume_claims();
const ResourceType& nodes();
const ResourceType& namespaces();
const ResourceType& events();  // events.k8s.io/v1
const ResourceType& core_events();
const ResourceType& leases();
const ResourceType& custom_resource_definitions();

struct ObjectKey {
  std::string ns;  // "" for cluster-scoped objects
  std::string name;
  auto operator<=>(const ObjectKey&) const = default;
  [[nodiscard]] std::string to_string() const { return ns.empty() ? name : ns + "/" + name; }
};

}  // namespace kube
