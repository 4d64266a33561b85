#include "runner/submission/batch_scheduler.h"

#include <cstdint>
#include <map>
#include <string_view>

#include "base/json.h"
#include "base/properties.h"
#include "base/saturating.h"
#include "config/quantity.h"
#include "runner/submission/demand.h"
#include "runner/submission/names.h"

namespace runner::submission {
namespace {

using nlohmann::json;

constexpr std::string_view kVolcano = "volcano";
constexpr std::string_view kYuniKorn = "yunikorn";

void mark_pods(const std::string& kind, const std::string& key, const std::string& value,
               Conf& conf) {
  for (const char* role : {"driver", "executor"})
    conf[std::string("spark.kubernetes.") + role + "." + kind + "." + key] = value;
}

// {"cpu": "1500m", "memory": "1408Mi"}: what `times` pods of a role ask for.
void add_requests(const RoleDemand& role, std::map<std::string, int64_t>& sum) {
  constexpr std::string_view kRequests = "requests.";
  for (const auto& [name, amount] : role.each) {
    if (!name.starts_with(kRequests)) continue;
    int64_t& total = sum[name.substr(kRequests.size())];
    total = base::saturating_add(total, base::saturating_multiply(amount, role.count));
  }
}

json quantities(const std::map<std::string, int64_t>& amounts) {
  json found = json::object();
  for (const auto& [name, amount] : amounts)
    found[name] = name == "memory" ? config::format_bytes(amount / 1000) : milli_quantity(amount);
  return found;
}

json pod_group(const BatchScheduler& scheduler, const RunDemand& demand, const json& pod) {
  json resources = scheduler.resources;
  if (!resources.is_object() || resources.empty()) {
    std::map<std::string, int64_t> sum;
    add_requests(demand.driver, sum);
    add_requests(demand.executors, sum);
    resources = quantities(sum);
  }
  const bool volcano = scheduler.name == kVolcano;
  json spec = {{"minMember", 1}, {"minResources", std::move(resources)}};
  if (volcano && !scheduler.queue.empty()) spec["queue"] = scheduler.queue;
  if (volcano && !scheduler.priority_class.empty())
    spec["priorityClassName"] = scheduler.priority_class;
  return {
      {"apiVersion", volcano ? "scheduling.volcano.sh/v1beta1" : "scheduling.x-k8s.io/v1alpha1"},
      {"kind", "PodGroup"},
      {"metadata", {{"name", scheduler.group}, {"namespace", pod["metadata"]["namespace"]}}},
      {"spec", std::move(spec)}};
}

json task_group(const char* name, const RoleDemand& role, const json& pod) {
  RoleDemand one = role;
  one.count = 1;
  std::map<std::string, int64_t> each;
  add_requests(one, each);
  json group = {{"name", name}, {"minMember", role.count}, {"minResource", quantities(each)}};
  // Where they may run is part of whether they fit.
  for (const char* placement : {"nodeSelector", "tolerations", "affinity"}) {
    const json* value = base::find(pod, {"spec", placement});
    if (value != nullptr && !value->empty()) group[placement] = *value;
  }
  return group;
}

// What the template does not say: Spark puts these into executors' pods when it makes them.
void select_nodes(const Submission& built, json& executor) {
  for (const json& object : built.before_pod) {
    const json* properties = base::find(object, {"data", "spark.properties"});
    if (properties == nullptr) continue;
    const Conf conf = base::parse_properties(properties->get<std::string>());
    for (const std::string_view prefix :
         {"spark.kubernetes.node.selector.", "spark.kubernetes.executor.node.selector."}) {
      if (prefix.find("executor") != std::string_view::npos &&
          !built.version.has(Rule::DriverNodeSelector))
        continue;
      for (const auto& [key, value] : conf)
        if (key.starts_with(prefix))
          executor["spec"]["nodeSelector"][key.substr(prefix.size())] = value;
    }
  }
}

base::Status add_task_groups(const RunDemand& demand, Submission& built) {
  json groups = json::array({task_group("spark-driver", demand.driver, built.driver_pod)});
  for (const json& object : built.before_pod) {
    const json* text = base::find(object, {"data", "podspec-configmap-key"});
    if (text == nullptr || demand.executors.count == 0) continue;
    ASSIGN_OR_RETURN(json pod, base::parse_json(text->get<std::string>()));
    select_nodes(built, pod);
    groups.push_back(task_group("spark-executor", demand.executors, pod));
  }
  built.driver_pod["metadata"]["annotations"]["yunikorn.apache.org/task-groups"] =
      base::dump_json(groups);
  return {};
}

// Volcano knows all options, YuniKorn queues, coscheduling resources.
void tell_unused(const BatchScheduler& scheduler, std::vector<std::string>& warnings) {
  const bool volcano = scheduler.name == kVolcano;
  const bool yunikorn = scheduler.name == kYuniKorn;
  const auto tell = [&](bool given, const char* option) {
    if (given)
      warnings.push_back("spec.batchSchedulerOptions." + std::string(option) +
                         " has no effect with " + scheduler.name);
  };
  tell(!volcano && !yunikorn && !scheduler.queue.empty(), "queue");
  tell(!volcano && !scheduler.priority_class.empty(), "priorityClassName");
  tell(yunikorn && scheduler.resources.is_object(), "resources");
}

}  // namespace

BatchScheduler add_batch_scheduler(Fields& spec, const std::string& app_name, PodParts& driver,
                                   PodParts& executor, Conf& conf,
                                   std::vector<std::string>& warnings) {
  BatchScheduler scheduler;
  scheduler.name = spec.text("batchScheduler");
  if (scheduler.name.empty() && spec.has("batchSchedulerOptions"))
    warnings.emplace_back("spec.batchSchedulerOptions has no effect without spec.batchScheduler");
  Fields options = spec.child("batchSchedulerOptions");
  scheduler.queue = options.text("queue");
  scheduler.priority_class = options.text("priorityClassName");
  scheduler.resources = options.object("resources");
  options.refuse_rest();
  spec.adopt(options);
  if (scheduler.name.empty()) return scheduler;

  tell_unused(scheduler, warnings);
  for (PodParts* parts : {&driver, &executor})
    parts->pod_fields["schedulerName"] = scheduler.name;
  if (scheduler.name == kYuniKorn) {
    if (!scheduler.queue.empty()) mark_pods("label", "queue", scheduler.queue, conf);
    for (const char* role : {"driver", "executor"}) {
      conf[std::string("spark.kubernetes.") + role +
           ".annotation.yunikorn.apache.org/task-group-name"] = std::string("spark-") + role;
    }
  } else if (scheduler.name == kVolcano) {
    scheduler.group = name_beside("spark-" + app_name, "-pg");
    mark_pods("annotation", "scheduling.k8s.io/group-name", scheduler.group, conf);
  } else {
    scheduler.group = volume_name(app_name + "-pg");  // a label's value, too
    mark_pods("label", "scheduling.x-k8s.io/pod-group", scheduler.group, conf);
  }
  return scheduler;
}

base::Status finish_batch_scheduler(const BatchScheduler& scheduler, Submission& built) {
  if (scheduler.name.empty()) return {};
  ASSIGN_OR_RETURN(const RunDemand demand, demand_by_role(built));
  if (scheduler.name == kYuniKorn) return add_task_groups(demand, built);
  built.before_pod.insert(built.before_pod.begin(), pod_group(scheduler, demand, built.driver_pod));
  return {};
}

}  // namespace runner::submission
