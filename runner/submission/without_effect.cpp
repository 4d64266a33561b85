#include "runner/submission/without_effect.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "runner/submission/fields.h"
#include "runner/submission/memory.h"

namespace runner::submission {
namespace {

using nlohmann::json;
using Warnings = std::vector<std::string>;

bool is_given(const json* value) {
  return value != nullptr && says_something(*value);
}

void join(std::string& list, const std::string& more) {
  if (!list.empty() && !more.empty()) list += ", ";
  list += more;
}

// Those of `names` that `owner` gives a value, as paths.
template <class Names>
std::string given(const json* owner, const std::string& path, const Names& names) {
  std::string list;
  if (owner == nullptr || !owner->is_object()) return list;
  for (const char* name : names) {
    if (is_given(base::find(*owner, {name}))) join(list, path + "." + name);
  }
  return list;
}

void dynamic_allocation(const json& application, Warnings& warnings) {
  constexpr std::array kOthers = {"initialExecutors", "minExecutors", "maxExecutors",
                                  "shuffleTrackingEnabled", "shuffleTrackingTimeout"};
  const json* dynamic = base::find(application, {"spec", "dynamicAllocation"});
  if (dynamic == nullptr || is_given(base::find(*dynamic, {"enabled"}))) return;
  const std::string list = given(dynamic, "spec.dynamicAllocation", kOthers);
  if (!list.empty())
    warnings.push_back("without spec.dynamicAllocation.enabled these have no effect: " + list);
}

void monitoring(const json& application, Warnings& warnings) {
  const json* part = base::find(application, {"spec", "monitoring"});
  if (part == nullptr) return;
  constexpr std::array kFlags = {"exposeDriverMetrics", "exposeExecutorMetrics"};
  const json* exporter = base::find(*part, {"prometheus"});
  const std::string flags = given(part, "spec.monitoring", kFlags);
  if (!is_given(exporter)) {
    if (!flags.empty())
      warnings.push_back("without spec.monitoring.prometheus these have no effect: " + flags);
  } else if (flags.empty()) {
    warnings.emplace_back(
        "spec.monitoring.prometheus exposes nothing without exposeDriverMetrics or "
        "exposeExecutorMetrics");
  }
  const auto overruled = [&](const json* owner, const std::string& path, const char* by,
                             const char* field) {
    if (owner != nullptr && !base::string_at(*owner, {by}).empty() &&
        !base::string_at(*owner, {field}).empty())
      warnings.push_back(path + "." + field + " has no effect beside " + by);
  };
  overruled(part, "spec.monitoring", "metricsPropertiesFile", "metricsProperties");
  overruled(exporter, "spec.monitoring.prometheus", "configFile", "configuration");
}

// What the Spark of this run does not know any more, or not yet.
void other_lines(const json& application, const SparkVersion& version, Warnings& warnings) {
  if (!version.has(Rule::ServiceLabels) &&
      is_given(base::find(application, {"spec", "driver", "serviceLabels"})))
    warnings.emplace_back("spec.driver.serviceLabels has no effect before Spark 3.4");
  const std::string python = base::string_at(application, {"spec", "pythonVersion"});
  if (!python.empty() && python != "3" && version.has(Rule::PythonByInterpreter))
    warnings.push_back(
        "spec.pythonVersion has no effect since Spark 3.1: the image's Python runs, "
        "not " +
        python);
}

void routes(const json& application, const Context& context, Warnings& warnings) {
  if (context.pods == PodsRunAs::Processes) return;
  constexpr std::array kOfRoutes = {"ingressAnnotations", "ingressTLS"};
  constexpr std::array kCertificates = {"ingressTLS"};
  const json* ui = base::find(application, {"spec", "sparkUIOptions"});
  const bool routed = !context.exposure.ui_url_format.empty();
  const std::string unrouted = routed ? "" : given(ui, "spec.sparkUIOptions", kOfRoutes);
  if (!unrouted.empty())
    warnings.push_back("this service has no URL format for UIs, so these have no effect: " +
                       unrouted);
  if (context.exposure.gateway.empty()) return;
  std::string list = routed ? given(ui, "spec.sparkUIOptions", kCertificates) : "";
  const json* exposed = base::find(application, {"spec", "driverIngressOptions"});
  for (size_t i = 0; exposed != nullptr && exposed->is_array() && i < exposed->size(); ++i)
    join(list, given(&(*exposed)[i], "spec.driverIngressOptions[" + std::to_string(i) + "]",
                     kCertificates));
  if (!list.empty())
    warnings.push_back("routes use the certificates of the Gateway " + context.exposure.gateway +
                       ", so these bring none: " + list);
}

// Numbers and pauses that the type of the policy does not ask for.
void restarts(const json& application, Warnings& warnings) {
  const json* policy = base::find(application, {"spec", "restartPolicy"});
  if (policy == nullptr) return;
  constexpr std::array kOfNever = {"onFailureRetries", "onFailureRetryInterval",
                                   "onSubmissionFailureRetries"};
  constexpr std::array kOfAlways = {"onFailureRetries", "onSubmissionFailureRetries"};
  const std::string type = base::string_at(*policy, {"type"});
  if (type == "OnFailure") return;
  const std::string list = type == "Always" ? given(policy, "spec.restartPolicy", kOfAlways)
                                            : given(policy, "spec.restartPolicy", kOfNever);
  if (!list.empty())
    warnings.push_back("with restartPolicy " + (type.empty() ? "Never" : type) +
                       " these have no effect: " + list);
}

// A Secret of a type that Spark has no variable for is mounted, and that is all.
void secret_types(const json& application, Warnings& warnings) {
  constexpr std::array<std::string_view, 4> kKnown = {"", "GCPServiceAccount",
                                                      "HadoopDelegationToken", "Generic"};
  for (const char* role : {"driver", "executor"}) {
    const json* secrets = base::find(application, {"spec", role, "secrets"});
    if (secrets == nullptr || !secrets->is_array()) continue;
    for (size_t i = 0; i < secrets->size(); ++i) {
      const std::string type = base::string_at((*secrets)[i], {"secretType"});
      if (std::find(kKnown.begin(), kKnown.end(), type) != kKnown.end()) continue;
      warnings.push_back(std::string("spec.") + role + ".secrets[" + std::to_string(i) +
                         "].secretType " + type +
                         " is none that sets a variable: the Secret is mounted as a Generic one");
    }
  }
}

void gpus(const json& application, Warnings& warnings) {
  for (const char* role : {"driver", "executor"})
    if (base::integer_at(application, {"spec", role, "gpu", "quantity"}) == 0)
      warnings.push_back(std::string("spec.") + role + ".gpu asks for no GPU: its quantity is 0");
}

// Cores, instances and memory say how large a run is, whoever executes it, and stand in every
// manifest.
constexpr std::array kOfExecutorPods = {
    "affinity",
    "annotations",
    "configMaps",
    "coreLimit",
    "coreRequest",
    "deleteOnTermination",
    "dnsConfig",
    "env",
    "envFrom",
    "envSecretKeyRefs",
    "envVars",
    "gpu",
    "hostAliases",
    "hostNetwork",
    "image",
    "initContainers",
    "javaOptions",
    "labels",
    "lifecycle",
    "memoryLimit",
    "memoryOverhead",
    "nodeSelector",
    "podSecurityContext",
    "ports",
    "priorityClassName",
    "schedulerName",
    "secrets",
    "securityContext",
    "serviceAccount",
    "shareProcessNamespace",
    "sidecars",
    "template",
    "terminationGracePeriodSeconds",
    "tolerations",
    "volumeMounts",
};

void executors_as_threads(const json& application, const FirstStage& made, Warnings& warnings) {
  const std::string master = first_of(made.conf, {"spark.kubernetes.driver.master"});
  if (!master.starts_with("local")) return;
  // What only a cluster has is told there, and that no image is used.
  std::vector<const char*> names;
  for (const char* name : kOfExecutorPods) {
    const bool told =
        std::find(made.left_out.begin(), made.left_out.end(),
                  "spec.executor." + std::string(name)) != made.left_out.end() ||
        (made.context.pods == PodsRunAs::Processes && std::string_view(name) == "image");
    if (!told) names.push_back(name);
  }
  std::string list = given(base::find(application, {"spec", "executor"}), "spec.executor", names);
  const json* dynamic = base::find(application, {"spec", "dynamicAllocation"});
  if (dynamic != nullptr && is_given(base::find(*dynamic, {"enabled"})))
    join(list, "spec.dynamicAllocation");
  if (!list.empty())
    warnings.push_back("executors are threads of the driver, so these have no effect: " + list);
  std::string keys;
  const json* user = base::find(application, {"spec", "sparkConf"});
  if (user != nullptr && user->is_object()) {
    for (const auto& [key, value] : user->items())
      if (key.starts_with("spark.executorEnv.") || key.starts_with("spark.kubernetes.executor."))
        join(keys, key);
  }
  if (!keys.empty())
    warnings.push_back(
        "executors are threads of the driver, so these keys of spec.sparkConf have no effect: " +
        keys);
  const std::string written = base::string_at(application, {"spec", "driver", "kubernetesMaster"});
  if (!written.empty() && written != master)
    warnings.push_back("spec.driver.kubernetesMaster has no effect: the driver's master is " +
                       master);
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
    // Monitoring appends to Java options, sizes are rewritten, and a keytab is told as Spark needs
    // it.
    const bool appended = key.ends_with("JavaOptions") && used->starts_with(written);
    const bool in_effect = *used == written || appended || key == "spark.kerberos.keytab" ||
                           spark_size(written) == *used;
    if (!in_effect)
      warnings.push_back("spec.sparkConf: " + key +
                         " has no effect, since another field or the "
                         "service sets it");
  }
}

}  // namespace

std::vector<std::string> without_effect(const json& application, const FirstStage& made) {
  Warnings warnings;
  dynamic_allocation(application, warnings);
  monitoring(application, warnings);
  other_lines(application, made.version, warnings);
  routes(application, made.context, warnings);
  restarts(application, warnings);
  secret_types(application, warnings);
  gpus(application, warnings);
  executors_as_threads(application, made, warnings);
  volumes(application, warnings);
  overruled_conf(application, made.conf, warnings);
  return warnings;
}

}  // namespace runner::submission
