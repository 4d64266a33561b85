#include "runner/submission/demand.h"

#include <algorithm>
#include <limits>
#include <optional>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/properties.h"
#include "base/saturating.h"
#include "config/names.h"
#include "config/quantity.h"
#include "runner/submission/memory.h"

namespace runner::submission {
namespace {

using nlohmann::json;
// Of one container or pod, by "requests.cpu" and the like.
using Amounts = std::map<std::string, int64_t>;

void add(Amounts& sum, const Amounts& more) {
  for (const auto& [name, amount] : more)
    sum[name] = base::saturating_add(sum[name], amount);
}

void raise_to(Amounts& floor, const Amounts& least) {
  for (const auto& [name, amount] : least)
    floor[name] = std::max(floor[name], amount);
}

base::Status read(const json& resources, const char* kind, Amounts& amounts) {
  const json* given = base::find(resources, {kind});
  if (given == nullptr || !given->is_object()) return {};
  for (const auto& [name, quantity] : given->items()) {
    const std::string text =
        quantity.is_string() ? quantity.get<std::string>() : base::dump_json(quantity);
    ASSIGN_OR_RETURN(amounts[std::string(kind) + "." + name], config::parse_milli(text));
  }
  return {};
}

// What has only a limit asks for as much, as the API fills in.
base::Result<Amounts> of_container(const json& container) {
  Amounts amounts;
  const json* resources = base::find(container, {"resources"});
  if (resources == nullptr) return amounts;
  RETURN_IF_ERROR(read(*resources, "requests", amounts));
  Amounts limits;
  RETURN_IF_ERROR(read(*resources, "limits", limits));
  for (const auto& [name, amount] : limits)
    amounts.try_emplace("requests" + name.substr(name.find('.')), amount);
  add(amounts, limits);
  return amounts;
}

// Containers run together, init containers one after the other before them.
base::Result<Amounts> of_pod(const json& pod) {
  Amounts amounts;
  const auto each = [&pod](const char* list, const auto& take) -> base::Status {
    const json* containers = base::find(pod, {"spec", list});
    if (containers == nullptr || !containers->is_array()) return {};
    for (const json& container : *containers) {
      ASSIGN_OR_RETURN(const Amounts one, of_container(container));
      take(one);
    }
    return {};
  };
  RETURN_IF_ERROR(each("containers", [&](const Amounts& one) { add(amounts, one); }));
  RETURN_IF_ERROR(each("initContainers", [&](const Amounts& one) { raise_to(amounts, one); }));
  return amounts;
}

const json* object_with(const Submission& built, const char* key) {
  for (const json& object : built.before_pod)
    if (const json* found = base::find(object, {"data", key})) return found;
  return nullptr;
}

// As Utils.getDynamicAllocationInitialExecutors.
base::Result<int64_t> executors_at_start(const Conf& conf) {
  const bool dynamic = lower(first_of(conf, {"spark.dynamicAllocation.enabled"})) == "true";
  ASSIGN_OR_RETURN(const int64_t instances,
                   integer_or(conf, "spark.executor.instances", dynamic ? 0 : 2));
  if (!dynamic) return instances;
  ASSIGN_OR_RETURN(const int64_t least,
                   integer_or(conf, "spark.dynamicAllocation.minExecutors", 0));
  ASSIGN_OR_RETURN(const int64_t first,
                   integer_or(conf, "spark.dynamicAllocation.initialExecutors", least));
  return std::max({instances, least, first});
}

base::Result<Amounts> of_executor(const json& pod_template, const Conf& conf,
                                  const SparkVersion& version) {
  json pod = pod_template;
  ASSIGN_OR_RETURN(const int64_t memory, executor_mebibytes(conf, version));
  const std::string cores = first_of(conf, {"spark.executor.cores"}, "1");
  json& containers = pod["spec"]["containers"];
  for (json& container : containers) {
    if (base::string_at(container, {"name"}) != config::kExecutorContainer) continue;
    // Spark writes these over what a template says.
    json& resources = container["resources"];
    const std::string size = std::to_string(memory) + "Mi";
    resources["requests"]["memory"] = size;
    resources["limits"]["memory"] = size;
    resources["requests"]["cpu"] =
        first_of(conf, {"spark.kubernetes.executor.request.cores"}, cores);
    if (const std::string limit = first_of(conf, {"spark.kubernetes.executor.limit.cores"});
        !limit.empty())
      resources["limits"]["cpu"] = limit;
  }
  return of_pod(pod);
}

}  // namespace

base::Result<int64_t> executor_mebibytes(const Conf& conf, const SparkVersion& version) {
  ASSIGN_OR_RETURN(const int64_t heap, mebibytes_or(conf, "spark.executor.memory", "1g"));
  std::optional<double> own_factor;
  if (version.has(Rule::DriverOverheadFactor)) {
    ASSIGN_OR_RETURN(own_factor, real(conf, "spark.executor.memoryOverheadFactor"));
  }
  ASSIGN_OR_RETURN(const auto both_factor, real(conf, "spark.kubernetes.memoryOverheadFactor"));
  int64_t least = 384;
  if (version.has(Rule::MinimumOverheads)) {
    ASSIGN_OR_RETURN(least, mebibytes_or(conf, "spark.executor.minMemoryOverhead", "384m"));
  }
  const double product = own_factor.value_or(both_factor.value_or(0.1)) * static_cast<double>(heap);
  int64_t overhead =
      std::max(static_cast<int64_t>(std::clamp(
                   product, 0.0, static_cast<double>(std::numeric_limits<int32_t>::max()))),
               least);
  if (has(conf, "spark.executor.memoryOverhead")) {
    ASSIGN_OR_RETURN(overhead, mebibytes_or(conf, "spark.executor.memoryOverhead", ""));
  }
  int64_t sum = base::saturating_add(heap, overhead);
  if (first_of(conf, {"spark.kubernetes.resource.type"}) == "python") {
    ASSIGN_OR_RETURN(const int64_t python,
                     mebibytes_or(conf, "spark.executor.pyspark.memory", "0"));
    sum = base::saturating_add(sum, python);
  }
  if (lower(first_of(conf, {"spark.memory.offHeap.enabled"})) == "true") {
    const auto bytes =
        parse_size(first_of(conf, {"spark.memory.offHeap.size"}, "0"), SizeUnit::Byte);
    sum = base::saturating_add(sum, bytes.value_or(0) >> 20);
  }
  return sum;
}

base::Result<RunDemand> demand_by_role(const Submission& built) {
  try {
    RunDemand demand;
    ASSIGN_OR_RETURN(demand.driver.each, of_pod(built.driver_pod));
    demand.driver.count = 1;
    const json* properties = object_with(built, "spark.properties");
    const json* of_executors = object_with(built, "podspec-configmap-key");
    if (properties == nullptr || of_executors == nullptr) return demand;
    const Conf conf = base::parse_properties(properties->get<std::string>());
    ASSIGN_OR_RETURN(const json pod, base::parse_json(of_executors->get<std::string>()));
    ASSIGN_OR_RETURN(demand.executors.each, of_executor(pod, conf, built.version));
    ASSIGN_OR_RETURN(demand.executors.count, executors_at_start(conf));
    return demand;
  } catch (const json::exception&) {
    return base::failure(base::Code::InvalidArgument,
                         "spec.executor has a part that no pod can have");
  }
}

std::string milli_quantity(int64_t thousandths) {
  return thousandths % 1000 == 0 ? std::to_string(thousandths / 1000)
                                 : std::to_string(thousandths) + "m";
}

base::Result<Demand> demand_of(const json& application, const Context& context) {
  ASSIGN_OR_RETURN(const Submission built, build_submission(application, context));
  ASSIGN_OR_RETURN(RunDemand demand, demand_by_role(built));
  Demand sum = std::move(demand.driver.each);
  const int64_t count = demand.executors.count;
  for (const auto& [name, amount] : demand.executors.each)
    sum[name] = base::saturating_add(sum[name], base::saturating_multiply(amount, count));
  for (const char* name : {"cpu", "memory"})
    if (const auto found = sum.find(std::string("requests.") + name); found != sum.end())
      sum[name] = found->second;
  sum["pods"] = sum["count/pods"] = base::saturating_multiply(base::saturating_add(1, count), 1000);
  return sum;
}

}  // namespace runner::submission
