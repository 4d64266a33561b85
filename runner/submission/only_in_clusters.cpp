#include "runner/submission/only_in_clusters.h"

#include <array>

#include <nlohmann/json.hpp>

namespace runner::submission {
namespace {

using nlohmann::json;

// Images are no part of it: the node says of every pod that its image is not used.
constexpr std::array kOfSpec = {"batchScheduler", "batchSchedulerOptions",
                                "nodeSelector",   "driverIngressOptions",
                                "sparkUIOptions", "driverPodDisruptionBudget"};
constexpr std::array kOfRole = {"affinity",          "coreLimit",
                                "dnsConfig",         "gpu",
                                "hostAliases",       "hostNetwork",
                                "lifecycle",         "memoryLimit",
                                "nodeSelector",      "podSecurityContext",
                                "priorityClassName", "schedulerName",
                                "securityContext",   "shareProcessNamespace",
                                "tolerations"};
constexpr std::array kOfPod = {"affinity",          "dnsConfig",
                               "dnsPolicy",         "ephemeralContainers",
                               "hostAliases",       "hostIPC",
                               "hostNetwork",       "hostPID",
                               "imagePullSecrets",  "nodeSelector",
                               "overhead",          "priorityClassName",
                               "readinessGates",    "resourceClaims",
                               "runtimeClassName",  "schedulerName",
                               "schedulingGates",   "securityContext",
                               "setHostnameAsFQDN", "shareProcessNamespace",
                               "tolerations",       "topologySpreadConstraints"};
constexpr std::array kOfContainer = {"lifecycle",    "livenessProbe",   "readinessProbe",
                                     "resizePolicy", "securityContext", "startupProbe"};

template <class Names>
void drop(json& object, const Names& names, const std::string& path,
          std::vector<std::string>& left_out) {
  if (!object.is_object()) return;
  for (const char* name : names) {
    const auto found = object.find(name);
    if (found == object.end()) continue;
    if (says_something(*found)) left_out.push_back(path + "." + name);
    object.erase(found);
  }
}

std::string element(const std::string& path, size_t index) {
  return path + "[" + std::to_string(index) + "]";
}

}  // namespace

void leave_out_of_spec(Fields& spec) {
  for (const char* name : kOfSpec)
    spec.leave_out(name);
}

void leave_out_of_role(Fields& role) {
  for (const char* name : kOfRole)
    role.leave_out(name);
}

void leave_out_of_template(json& pod, const std::string& path, std::vector<std::string>& left_out) {
  if (!pod.is_object()) return;
  const auto spec = pod.find("spec");
  if (spec == pod.end()) return;
  drop(*spec, kOfPod, path + ".spec", left_out);
  if (!spec->is_object()) return;
  for (const char* list : {"initContainers", "containers"}) {
    const auto containers = spec->find(list);
    if (containers == spec->end() || !containers->is_array()) continue;
    for (size_t i = 0; i < containers->size(); ++i)
      drop((*containers)[i], kOfContainer, element(path + ".spec." + list, i), left_out);
  }
}

void leave_out_of_containers(std::vector<json>& containers, const std::string& path,
                             std::vector<std::string>& left_out) {
  for (size_t i = 0; i < containers.size(); ++i)
    drop(containers[i], kOfContainer, element(path, i), left_out);
}

}  // namespace runner::submission
