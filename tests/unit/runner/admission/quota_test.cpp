#include "runner/admission/quota.h"

#include <string>

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/unit/runner/submission/application.h"

using namespace runner::submission;
using namespace runner::submission::test;
using nlohmann::json;

namespace {

int64_t gibi(double amount) {
  return static_cast<int64_t>(amount * 1024 * 1024 * 1024 * 1000);
}

int64_t mebi(int64_t amount) {
  return amount * 1024 * 1024 * 1000;
}

json quota(const json& hard, const json& used, const json& spec = json::object()) {
  return {{"metadata", {{"name", "team"}}},
          {"spec", spec},
          {"status", {{"hard", hard}, {"used", used}}}};
}

std::string refusal_of(const std::vector<json>& quotas) {
  const auto checked =
      runner::admission::check_quotas({{"pods", 3000}, {"requests.memory", gibi(3)}}, quotas);
  return checked ? "" : checked.error().message;
}

}  // namespace

TEST_CASE("what a run takes of a quota is what Spark asks for") {
  struct Case {
    const char* what;
    json spec;
    std::string resource;
    int64_t amount;
  };
  // A heap of 512 MiB has the least overhead, 384 MiB.
  const Case cases[] = {
      {"driver and executors", json::object(), "pods", 3000},
      {"memory with its overhead", json::object(), "requests.memory", mebi(3 * 896)},
      {"its limit", json::object(), "limits.memory", mebi(3 * 896)},
      {"cores", {{"executor", {{"cores", 4}}}}, "requests.cpu", 9000},
      {"the short name", {{"executor", {{"cores", 4}}}}, "cpu", 9000},
      {"a request of its own", {{"executor", {{"coreRequest", "250m"}}}}, "requests.cpu", 1500},
      {"limits only where they are given",
       {{"executor", {{"coreLimit", "2"}}}},
       "limits.cpu",
       4000},
      {"a factor",
       {{"memoryOverheadFactor", "0.5"},
        {"driver", {{"memory", "2g"}}},
        {"executor", {{"memory", "4g"}}}},
       "requests.memory",
       gibi(3 + 2 * 6)},
      {"a plain overhead",
       {{"executor", {{"memoryOverhead", "1g"}}}},
       "requests.memory",
       mebi(896 + 2 * 1536)},
      {"Python's memory",
       {{"type", "Python"},
        {"mainClass", nullptr},
        {"mainApplicationFile", "local:///opt/app/etl.py"},
        {"sparkConf", {{"spark.executor.pyspark.memory", "256m"}}}},
       "requests.memory",
       mebi(896 + 2 * (896 + 256))},
      {"off-heap memory",
       {{"sparkConf",
         {{"spark.memory.offHeap.enabled", "true"}, {"spark.memory.offHeap.size", "1g"}}}},
       "requests.memory",
       mebi(896 + 2 * (896 + 1024))},
      {"dynamic allocation at its start",
       {{"executor", {{"instances", nullptr}}},
        {"dynamicAllocation",
         {{"enabled", true}, {"minExecutors", 1}, {"initialExecutors", 4}, {"maxExecutors", 100}}}},
       "pods",
       5000},
      {"a side car",
       {{"executor",
         {{"sidecars", {{{"name", "side"}, {"resources", {{"limits", {{"cpu", "500m"}}}}}}}}}}},
       "requests.cpu",
       4000},
      {"graphics cards",
       {{"executor", {{"gpu", {{"name", "nvidia.com/gpu"}, {"quantity", 2}}}}}},
       "requests.nvidia.com/gpu",
       4000},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.what) {
      const auto demand = demand_of(with(scala_application(), {{"spec", c.spec}}), context());
      REQUIRE(demand.has_value());
      CHECK(demand->at(c.resource) == c.amount);
    }
  }
}

TEST_CASE("executors beyond all numbers ask for the largest one") {
  const auto demand = demand_of(
      with(scala_application(),
           {{"spec", {{"executor", {{"instances", 2147483647}, {"memory", "4000000g"}}}}}}),
      context());
  REQUIRE(demand.has_value());
  CHECK(demand->at("requests.memory") == std::numeric_limits<int64_t>::max());
}

TEST_CASE("a quota refuses what has no room in it") {
  const std::string too_much =
      "exceeded quota \"team\": the application asks for requests.memory=3072Mi, used: 6144Mi, "
      "limited: 8192Mi";
  CHECK(refusal_of({quota({{"requests.memory", "8Gi"}}, {{"requests.memory", "6Gi"}})}) ==
        too_much);
  CHECK(refusal_of({quota({{"requests.memory", "9Gi"}}, {{"requests.memory", "6Gi"}})}).empty());
  CHECK(refusal_of({quota({{"pods", "2"}}, json::object())}) ==
        "exceeded quota \"team\": the application asks for pods=3, used: 0, limited: 2");
  // Every quota counts.
  CHECK(refusal_of({quota({{"pods", "10"}}, json::object()),
                    quota({{"requests.memory", "8Gi"}}, {{"requests.memory", "6Gi"}})}) ==
        too_much);
}

TEST_CASE("a quota that is not for all pods, or cannot be read, refuses nothing") {
  const json full = {{"pods", "0"}};
  CHECK(refusal_of({quota(full, full, {{"scopes", {"BestEffort"}}})}).empty());
  CHECK(refusal_of({quota(full, full, {{"scopeSelector", json::object()}})}).empty());
  CHECK(refusal_of(
            {quota({{"pods", "x"}}, full), quota({{"pods", 1}}, full), json::object(), json(1)})
            .empty());
}
