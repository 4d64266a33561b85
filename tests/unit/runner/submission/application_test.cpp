#include "tests/unit/runner/submission/application.h"

#include "tests/support/catch.h"

using namespace runner::submission;
using namespace runner::submission::test;
using nlohmann::json;

TEST_CASE("a Scala application becomes ConfigMaps, a Service and a driver pod") {
  const Submission built = must_build(scala_application());
  CHECK(built.warnings.empty());

  const Conf conf = properties(built);
  CHECK(conf.at("spark.app.name") == "pi");
  CHECK(conf.at("spark.app.id") == "spark-0123456789abcdef0123456789abcdef");
  CHECK(conf.at("spark.master") == "k8s://https://10.96.0.1:443");
  CHECK(conf.at("spark.kubernetes.namespace") == "jobs");
  CHECK(conf.at("spark.executor.instances") == "2");
  CHECK(conf.at("spark.kubernetes.driver.pod.name") == "pi-driver");
  CHECK(conf.at("spark.driver.host") == "pi-a1b2c3d4e5f60718-driver-svc.jobs.svc");
  CHECK(conf.at("spark.jars") == "local:///opt/spark/examples/jars/spark-examples.jar");
  CHECK(conf.at("spark.kubernetes.executor.label.sparkoperator.k8s.io/app-name") == "pi");

  const json& pod = built.driver_pod;
  CHECK(pod["metadata"]["name"] == "pi-driver");
  CHECK(pod["metadata"]["namespace"] == "jobs");
  CHECK(pod["metadata"]["labels"]["sparkoperator.k8s.io/app-name"] == "pi");
  CHECK(pod["metadata"]["labels"]["sparkoperator.k8s.io/launched-by-spark-operator"] == "true");
  CHECK(pod["metadata"]["labels"]["sparkoperator.k8s.io/submission-id"] == "submission-1");
  CHECK(pod["metadata"]["labels"]["spark-version"] == "4.0.1");
  CHECK(pod["spec"]["serviceAccountName"] == "spark");
  CHECK(pod["spec"]["enableServiceLinks"] == false);
  const json& container = driver_container(built);
  CHECK(container["terminationMessagePolicy"] == "FallbackToLogsOnError");
  CHECK(container["image"] == "apache/spark:4.0.1");
  CHECK(container["resources"]["requests"] == json({{"cpu", "1"}, {"memory", "896Mi"}}));
  CHECK(container["args"] ==
        json({"driver", "--properties-file", "/opt/spark/conf/spark.properties", "--class",
              "org.apache.spark.examples.SparkPi",
              "local:///opt/spark/examples/jars/spark-examples.jar", "1000"}));
  CHECK(object(built, "Service", "pi-")["spec"]["selector"] == pod["metadata"]["labels"]);
  for (const json& each : built.before_pod)
    CHECK(each["metadata"]["namespace"] == "jobs");
}

TEST_CASE("a Python application gets Spark's runner and Python's overhead") {
  const Submission built = must_build(python_application());
  const json& container = driver_container(built);
  CHECK(container["args"] ==
        json({"driver", "--properties-file", "/opt/spark/conf/spark.properties", "--class",
              "org.apache.spark.deploy.PythonRunner", "local:///opt/app/etl.py", "1000"}));
  CHECK(properties(built).at("spark.kubernetes.memoryOverheadFactor") == "0.4");
  CHECK(properties(built).at("spark.kubernetes.resource.type") == "python");
}
