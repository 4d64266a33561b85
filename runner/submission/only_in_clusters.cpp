#include "runner/submission/only_in_clusters.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"

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

// What a container without a command would run stands in its image, and images are not used.
bool has_command(const json& container) {
  const json* command = base::find(container, {"command"});
  return command != nullptr && command->is_array() && !command->empty();
}

enum class WithoutCommand { Stay, Go };

template <class Containers>
void leave_out_of_each(Containers& containers, const std::string& path, WithoutCommand fate,
                       const json* spark, std::vector<std::string>& left_out) {
  std::vector<json> kept;
  for (size_t i = 0; i < containers.size(); ++i) {
    json& one = containers[i];
    const bool goes = fate == WithoutCommand::Go && &one != spark && !has_command(one);
    if (goes) {
      left_out.push_back(element(path, i) + " (it has no command)");
    } else {
      drop(one, kOfContainer, element(path, i), left_out);
      kept.push_back(std::move(one));
    }
  }
  containers = std::move(kept);
}

// Of a template: the one of that name, else the first.
const json* sparks_container(const json& containers) {
  const auto named = std::find_if(containers.begin(), containers.end(), [](const json& one) {
    const std::string name = base::string_at(one, {"name"});
    return name == config::kDriverContainer || name == config::kExecutorContainer;
  });
  if (named != containers.end()) return &*named;
  return containers.empty() ? nullptr : &containers.front();
}

std::set<std::string> mounted_by(const std::vector<json>& containers) {
  std::set<std::string> volumes;
  for (const json& container : containers) {
    const json* mounts = base::find(container, {"volumeMounts"});
    if (mounts == nullptr || !mounts->is_array()) continue;
    for (const json& mount : *mounts)
      volumes.insert(base::string_at(mount, {"name"}));
  }
  return volumes;
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
  for (const auto& [list, fate] : {std::pair{"initContainers", WithoutCommand::Stay},
                                   std::pair{"containers", WithoutCommand::Go}}) {
    const auto containers = spec->find(list);
    if (containers == spec->end() || !containers->is_array()) continue;
    leave_out_of_each(*containers, path + ".spec." + list, fate, sparks_container(*containers),
                      left_out);
  }
}

void leave_out_of_side_containers(Fields& role, PodParts& parts) {
  std::set<std::string> unused = mounted_by(parts.sidecars);
  leave_out_of_each(parts.init_containers, role.path() + ".initContainers", WithoutCommand::Stay,
                    nullptr, role.left_out());
  leave_out_of_each(parts.sidecars, role.path() + ".sidecars", WithoutCommand::Go, nullptr,
                    role.left_out());
  // Volumes that only those mounted which are left out go with them.
  for (const std::vector<json>* kept : {&parts.sidecars, &parts.init_containers})
    for (const std::string& volume : mounted_by(*kept))
      unused.erase(volume);
  for (const json& mount : parts.mounts)
    unused.erase(base::string_at(mount, {"name"}));
  std::erase_if(parts.volumes, [&unused](const json& volume) {
    return unused.contains(base::string_at(volume, {"name"}));
  });
}

}  // namespace runner::submission
