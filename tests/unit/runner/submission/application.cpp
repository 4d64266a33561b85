#include "tests/unit/runner/submission/application.h"

#include "base/properties.h"
#include "tests/support/catch.h"

namespace runner::submission::test {

using nlohmann::json;

json scala_application() {
  return json::parse(R"({
    "apiVersion": "sparkoperator.k8s.io/v1beta2",
    "kind": "SparkApplication",
    "metadata": {"name": "pi", "namespace": "jobs", "uid": "u-1"},
    "spec": {
      "type": "Scala",
      "mode": "cluster",
      "sparkVersion": "4.0.1",
      "image": "apache/spark:4.0.1",
      "imagePullPolicy": "IfNotPresent",
      "mainClass": "org.apache.spark.examples.SparkPi",
      "mainApplicationFile": "local:///opt/spark/examples/jars/spark-examples.jar",
      "arguments": ["1000"],
      "restartPolicy": {"type": "Never"},
      "driver": {"cores": 1, "memory": "512m", "serviceAccount": "spark"},
      "executor": {"instances": 2, "cores": 1, "memory": "512m"}
    }
  })");
}

json python_application() {
  return with(scala_application(), {{"spec",
                                     {{"type", "Python"},
                                      {"mainClass", nullptr},
                                      {"mainApplicationFile", "local:///opt/app/etl.py"}}}});
}

json with(json application, const json& changes) {
  application.merge_patch(changes);
  return application;
}

json with_spec(const json& spec) {
  return with(scala_application(), {{"spec", spec}});
}

Context context() {
  return {.app_id = "spark-0123456789abcdef0123456789abcdef",
          .unique_id = "a1b2c3d4e5f60718",
          .submission_id = "submission-1",
          .master_url = "https://10.96.0.1:443",
          .submit_time = base::WallTime{std::chrono::milliseconds{1700000000123}},
          .default_conf = {},
          .forced_conf = {}};
}

Context on_a_machine() {
  Context where = context();
  where.pods = PodsRunAs::Processes;
  return where;
}

Submission must_build(const json& application, const Context& where) {
  auto built = build_submission(application, where);
  if (!built) FAIL("refused: " << built.error().message);
  return *std::move(built);
}

std::string refusal(const json& application, const Context& context) {
  const auto built = build_submission(application, context);
  return built ? "" : built.error().message;
}

const json& object(const Submission& submission, const std::string& kind,
                   const std::string& name_part) {
  for (const json& candidate : submission.before_pod) {
    if (candidate["kind"] == kind &&
        candidate["metadata"]["name"].get<std::string>().find(name_part) != std::string::npos) {
      return candidate;
    }
  }
  FAIL("no " << kind << " whose name has " << name_part);
  throw std::logic_error("unreachable");
}

Conf properties(const Submission& submission) {
  const json& map = object(submission, "ConfigMap", "spark-drv-");
  return base::parse_properties(map["data"]["spark.properties"].get<std::string>());
}

const json& driver_container(const Submission& submission) {
  for (const json& container : submission.driver_pod["spec"]["containers"]) {
    if (container["name"] == "spark-kubernetes-driver") return container;
  }
  FAIL("no driver container");
  throw std::logic_error("unreachable");
}

json executor_template(const Submission& submission) {
  const json& map = object(submission, "ConfigMap", "podspec");
  return json::parse(map["data"]["podspec-configmap-key"].get<std::string>());
}

}  // namespace runner::submission::test
