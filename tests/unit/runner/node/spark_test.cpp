// Real Spark through the node: slow, so labelled.

#include <filesystem>

#include "base/json.h"
#include "tests/support/catch.h"
#include "tests/unit/runner/node/node_bed.h"

namespace {

std::string spark_home(const std::string& environment) {
  const std::filesystem::path lib =
      std::filesystem::path(SPARKCRON_SOURCE_DIR) / environment / "lib";
  for (const auto& entry : std::filesystem::directory_iterator(lib))
    if (std::filesystem::exists(entry.path() / "site-packages" / "pyspark" / "jars"))
      return (entry.path() / "site-packages" / "pyspark").string();
  return {};
}

}  // namespace

TEST_CASE("a real PySpark driver with local[1] runs to its end") {
  struct Case {
    std::string name;
    std::string environment;
  };
  const Case cases[] = {{.name = "4.0.1", .environment = ".venv"},
                        {.name = "3.5.8", .environment = ".venv-3.5"}};
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      tests::NodeBed bed;
      bed.options.spark_home = spark_home(c.environment);
      REQUIRE_FALSE(bed.options.spark_home.empty());
      bed.start();
      bed.api.create(kube::config_maps(),
                     tests::driver_config_map("pi",
                                              "spark.kubernetes.driver.master=local[1]\n"
                                              "spark.master=k8s\\://https\\://10.0.0.1\n"
                                              "spark.kubernetes.driver.pod.name=pi\n"
                                              "spark.kubernetes.submitInDriver=true\n"
                                              "spark.kubernetes.container.image=x\n"
                                              "spark.kubernetes.namespace=default\n"
                                              "spark.app.id=spark-1\n"
                                              "spark.app.name=pi\n"
                                              "spark.ui.enabled=false\n"
                                              "spark.driver.host=pi-svc.default.svc\n"
                                              "spark.driver.port=7078\n"
                                              "spark.driver.blockManager.port=7079\n"
                                              "spark.driver.memory=512m\n"));
      bed.create(
          tests::driver_pod("pi", {"--class", "org.apache.spark.deploy.PythonRunner",
                                   "local:///opt/spark/examples/src/main/python/pi.py", "2"}));
      REQUIRE(bed.await_phase("pi", "Running"));
      const bool succeeded = bed.await_phase("pi", "Succeeded");
      INFO(bed.log("pi"));
      CHECK(succeeded);
      CHECK(bed.log("pi").find("Pi is roughly 3.1") != std::string::npos);
      CHECK(bed.terminated("pi").value("exitCode", -1) == 0);
    }
  }
}
