// Runs that are placed as a whole, drivers that are not drained, limits of executors.

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/unit/runner/submission/application.h"

using namespace runner::submission;
using namespace runner::submission::test;
using nlohmann::json;

namespace {

Submission built_with(const json& spec) {
  return must_build(with(scala_application(), {{"spec", spec}}));
}

// 896 MiB each: 512 MiB and the least overhead.
const json kThreePods = {{"cpu", "3"}, {"memory", "2688Mi"}};

}  // namespace

TEST_CASE("Volcano is told of a run's pods by what they will ask for") {
  const Submission built =
      built_with({{"batchScheduler", "volcano"},
                  {"batchSchedulerOptions", {{"queue", "q"}, {"priorityClassName", "high"}}}});
  const json& group = built.before_pod.front();
  CHECK(group["apiVersion"] == "scheduling.volcano.sh/v1beta1");
  CHECK(group["metadata"] == json({{"name", "spark-pi-pg"}, {"namespace", "jobs"}}));
  CHECK(group["spec"] == json({{"minMember", 1},
                               {"minResources", kThreePods},
                               {"queue", "q"},
                               {"priorityClassName", "high"}}));
  const json of_executors = executor_template(built);
  CHECK(built.driver_pod["spec"]["schedulerName"] == "volcano");
  CHECK(of_executors["spec"]["schedulerName"] == "volcano");
  CHECK(built.driver_pod["metadata"]["annotations"]["scheduling.k8s.io/group-name"] ==
        "spark-pi-pg");
  CHECK(properties(built).at("spark.kubernetes.executor.annotation.scheduling.k8s.io/group-name") ==
        "spark-pi-pg");
  CHECK(built.warnings.empty());
}

TEST_CASE("resources that people give for a group are taken as they are") {
  const json own = {{"cpu", "7"}, {"memory", "9Gi"}};
  const Submission built =
      built_with({{"batchScheduler", "volcano"}, {"batchSchedulerOptions", {{"resources", own}}}});
  CHECK(built.before_pod.front()["spec"]["minResources"] == own);
}

TEST_CASE("YuniKorn is told of both roles in the driver's annotation") {
  const Submission built =
      built_with({{"batchScheduler", "yunikorn"},
                  {"batchSchedulerOptions", {{"queue", "root.q"}}},
                  {"executor", {{"instances", 5}, {"nodeSelector", {{"pool", "batch"}}}}}});
  const json& meta = built.driver_pod["metadata"];
  const json groups =
      json::parse(meta["annotations"]["yunikorn.apache.org/task-groups"].get<std::string>());
  REQUIRE(groups.size() == 2);
  const json each = {{"cpu", "1"}, {"memory", "896Mi"}};
  CHECK(groups[0] == json({{"name", "spark-driver"}, {"minMember", 1}, {"minResource", each}}));
  CHECK(groups[1] == json({{"name", "spark-executor"},
                           {"minMember", 5},
                           {"minResource", each},
                           {"nodeSelector", {{"pool", "batch"}}}}));
  CHECK(meta["annotations"]["yunikorn.apache.org/task-group-name"] == "spark-driver");
  CHECK(meta["labels"]["queue"] == "root.q");
  const Conf conf = properties(built);
  CHECK(conf.at("spark.kubernetes.executor.label.queue") == "root.q");
  CHECK(conf.at("spark.kubernetes.executor.annotation.yunikorn.apache.org/task-group-name") ==
        "spark-executor");
  for (const json& object : built.before_pod)
    CHECK(object["kind"] != "PodGroup");
}

TEST_CASE("YuniKorn is told where executors may run by what Spark adds to their pods, too") {
  const auto executors = [](const json& spec) {
    const Submission built = built_with(with({{"batchScheduler", "yunikorn"}}, spec));
    return json::parse(
        built.driver_pod["metadata"]["annotations"]["yunikorn.apache.org/task-groups"]
            .get<std::string>())[1]["nodeSelector"];
  };
  CHECK(executors({{"nodeSelector", {{"pool", "batch"}}}}) == json({{"pool", "batch"}}));
  const json conf = {{"spark.kubernetes.executor.node.selector.disk", "ssd"}};
  CHECK(executors({{"sparkConf", conf}}) == json({{"disk", "ssd"}}));
  // Before 3.3 Spark does not know it.
  CHECK(executors({{"sparkConf", conf}, {"sparkVersion", "3.2.4"}}).is_null());
}

TEST_CASE("what executors need follows the rules of their Spark") {
  const auto memory = [](const std::string& version, const json& conf) {
    const Submission built = built_with(
        {{"batchScheduler", "yunikorn"}, {"sparkVersion", version}, {"sparkConf", conf}});
    return json::parse(
        built.driver_pod["metadata"]["annotations"]["yunikorn.apache.org/task-groups"]
            .get<std::string>())[1]["minResource"]["memory"];
  };
  const json least = {{"spark.executor.minMemoryOverhead", "1g"}};
  CHECK(memory("4.0.1", least) == "1536Mi");
  CHECK(memory("3.5.8", least) == "896Mi");
  const json factor = {{"spark.executor.memoryOverheadFactor", "1.0"}};
  CHECK(memory("3.5.8", factor) == "1024Mi");
  CHECK(memory("3.2.4", factor) == "896Mi");
}

TEST_CASE("any other batch scheduler is a kube-scheduler that knows PodGroups") {
  const Submission built = built_with(
      {{"batchScheduler", "scheduler-plugins"}, {"batchSchedulerOptions", {{"queue", "q"}}}});
  const json& group = built.before_pod.front();
  CHECK(group["apiVersion"] == "scheduling.x-k8s.io/v1alpha1");
  CHECK(group["metadata"]["name"] == "pi-pg");
  CHECK(group["spec"] == json({{"minMember", 1}, {"minResources", kThreePods}}));
  CHECK(built.driver_pod["metadata"]["labels"]["scheduling.x-k8s.io/pod-group"] == "pi-pg");
  CHECK(built.driver_pod["spec"]["schedulerName"] == "scheduler-plugins");
  CHECK(built.warnings == std::vector<std::string>{"spec.batchSchedulerOptions.queue has no effect "
                                                   "with scheduler-plugins"});
}

TEST_CASE("a driver with a disruption budget is the only pod of it") {
  const Submission built = built_with({{"driverPodDisruptionBudget", true}});
  const json& budget = object(built, "PodDisruptionBudget", "pi-driver");
  CHECK(budget["spec"]["minAvailable"] == 1);
  const json& labels = budget["spec"]["selector"]["matchLabels"];
  REQUIRE(labels.size() == 2);
  for (const auto& [key, value] : labels.items())
    CHECK(built.driver_pod["metadata"]["labels"][key] == value);
}

TEST_CASE("executors whose limit is higher than Spark's ask for the limit") {
  const Submission built = built_with({{"executor", {{"memoryLimit", "2Gi"}}}});
  // 512 MiB and 1536 MiB are two gibibytes.
  CHECK(properties(built).at("spark.executor.memoryOverhead") == "1536m");
  CHECK(built.warnings == std::vector<std::string>{
                              "spec.executor.memoryLimit: Spark limits executors to what they ask "
                              "for, so they ask for 2048Mi instead of 896Mi"});
  const Submission equal = built_with({{"executor", {{"memoryLimit", "896Mi"}}}});
  CHECK(equal.warnings.empty());
  CHECK_FALSE(properties(equal).contains("spark.executor.memoryOverhead"));
  const Submission python =
      must_build(with(python_application(), {{"spec", {{"executor", {{"memoryLimit", "4g"}}}}}}));
  CHECK(properties(python).at("spark.executor.memoryOverhead") == "3584m");
}
