#include "runner/submission/without_effect.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "runner/submission/memory.h"

namespace runner::submission {
namespace {

using nlohmann::json;
using Warnings = std::vector<std::string>;

bool says_something(const json* value) {
  return value != nullptr && !value->is_null() && *value != json(false) &&
         !(value->is_structured() && value->empty());
}

// Those of `names` that `owner` gives a value, as paths.
template <class Names>
std::string given(const json* owner, const std::string& path, const Names& names) {
  std::string list;
  if (owner == nullptr || !owner->is_object()) return list;
  for (const char* name : names) {
    if (!says_something(base::find(*owner, {name}))) continue;
    list += (list.empty() ? "" : ", ") + path + "." + name;
  }
  return list;
}

void dynamic_allocation(const json& application, Warnings& warnings) {
  constexpr std::array kOthers = {"initialExecutors", "minExecutors", "maxExecutors",
                                  "shuffleTrackingEnabled", "shuffleTrackingTimeout"};
  const json* dynamic = base::find(application, {"spec", "dynamicAllocation"});
  if (dynamic == nullptr || says_something(base::find(*dynamic, {"enabled"}))) return;
  const std::string list = given(dynamic, "spec.dynamicAllocation", kOthers);
  if (!list.empty())
    warnings.push_back("without spec.dynamicAllocation.enabled these have no effect: " + list);
}

void monitoring(const json& application, Warnings& warnings) {
  const json* part = base::find(application, {"spec", "monitoring"});
  if (part == nullptr || says_something(base::find(*part, {"prometheus"}))) return;
  constexpr std::array kFlags = {"exposeDriverMetrics", "exposeExecutorMetrics"};
  const std::string list = given(part, "spec.monitoring", kFlags);
  if (!list.empty())
    warnings.push_back("without spec.monitoring.prometheus these have no effect: " + list);
}

// Cores, instances and memory say how large a run is, whoever executes it.
void executors_as_threads(const json& application, const Conf& conf, Warnings& warnings) {
  if (!first_of(conf, {"spark.kubernetes.driver.master"}).starts_with("local")) return;
  constexpr std::array kOfPods = {
      "annotations",
      "configMaps",
      "deleteOnTermination",
      "env",
      "envFrom",
      "envSecretKeyRefs",
      "envVars",
      "initContainers",
      "javaOptions",
      "labels",
      "ports",
      "secrets",
      "serviceAccount",
      "sidecars",
      "template",
      "terminationGracePeriodSeconds",
      "volumeMounts",
  };
  const std::string list =
      given(base::find(application, {"spec", "executor"}), "spec.executor", kOfPods);
  if (!list.empty())
    warnings.push_back("executors are threads of the driver, so these have no effect: " + list);
  const std::string master = base::string_at(application, {"spec", "driver", "kubernetesMaster"});
  if (!master.empty() && !master.starts_with("local"))
    warnings.emplace_back(
        "executors are threads of the driver, so spec.driver.kubernetesMaster has no "
        "effect");
}

void add_mounted(const json* containers, std::set<std::string>& names) {
  if (containers == nullptr || !containers->is_array()) return;
  for (const json& container : *containers) {
    for (const char* list : {"volumeMounts", "volumeDevices"}) {
      const json* mounts = base::find(container, {list});
      if (mounts == nullptr || !mounts->is_array()) continue;
      for (const json& mount : *mounts)
        names.insert(base::string_at(mount, {"name"}));
    }
  }
}

void volumes(const json& application, Warnings& warnings) {
  const json* list = base::find(application, {"spec", "volumes"});
  if (list == nullptr || !list->is_array()) return;
  std::set<std::string> mounted;
  for (const char* role : {"driver", "executor"}) {
    const json* part = base::find(application, {"spec", role});
    if (part == nullptr) continue;
    const json itself = json::array({*part});  // its volumeMounts are the container's
    add_mounted(&itself, mounted);
    for (const char* containers : {"sidecars", "initContainers"})
      add_mounted(base::find(*part, {containers}), mounted);
    for (const char* containers : {"containers", "initContainers"})
      add_mounted(base::find(*part, {"template", "spec", containers}), mounted);
  }
  for (size_t i = 0; i < list->size(); ++i) {
    const std::string name = base::string_at((*list)[i], {"name"});
    if (!name.empty() && !mounted.contains(name))
      warnings.push_back("spec.volumes[" + std::to_string(i) + "] (" + name +
                         ") is mounted by no container");
  }
}

void overruled_conf(const json& application, const Conf& conf, Warnings& warnings) {
  const json* user = base::find(application, {"spec", "sparkConf"});
  if (user == nullptr || !user->is_object()) return;
  Conf settled = conf;
  settled["spark.app.name"] = base::string_at(application, {"metadata", "name"});
  for (const auto& [key, value] : user->items()) {
    const std::string* used = find(settled, key);
    if (used == nullptr || !key.starts_with("spark.")) continue;
    const std::string written =
        value.is_string() ? value.get<std::string>() : base::dump_json(value);
    // Monitoring appends to Java options, sizes are rewritten, a mounted keytab becomes local.
    const bool appended = key.ends_with("JavaOptions") && used->starts_with(written);
    const bool in_effect = *used == written || appended || used->ends_with("://" + written) ||
                           spark_size(written) == *used;
    if (!in_effect)
      warnings.push_back("spec.sparkConf: " + key +
                         " has no effect, since another field or the "
                         "service sets it");
  }
}

}  // namespace

std::vector<std::string> without_effect(const json& application, const Conf& conf) {
  Warnings warnings;
  dynamic_allocation(application, warnings);
  monitoring(application, warnings);
  executors_as_threads(application, conf, warnings);
  volumes(application, warnings);
  overruled_conf(application, conf, warnings);
  return warnings;
}

}  // namespace runner::submission
