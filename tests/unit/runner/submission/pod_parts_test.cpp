#include <filesystem>

#include "tests/support/catch.h"
#include "tests/unit/runner/submission/application.h"
#include "tests/unit/runner/submission/yaml_documents.h"

using namespace runner::submission;
using namespace runner::submission::test;
using nlohmann::json;

namespace {

Submission build_with(const json& spec) {
  return must_build(with(scala_application(), {{"spec", spec}}));
}

json pod_of(const Submission& built) {
  return built.driver_pod["spec"];
}
json executor_container(const Submission& built) {
  return executor_template(built)["spec"]["containers"][0];
}

json by_name(const json& list, const std::string& name) {
  for (const json& item : list) {
    if (item["name"] == name) return item;
  }
  return nullptr;
}

}  // namespace

TEST_CASE("a driver's environment comes after Spark's own and wins") {
  const Submission built =
      build_with({{"driver", {{"env", {{{"name", "SPARK_CONF_DIR"}, {"value", "/mine"}}}}}}});
  CHECK(driver_container(built)["env"].back() ==
        json({{"name", "SPARK_CONF_DIR"}, {"value", "/mine"}}));
}

TEST_CASE("volumes come along with their mounts, each once") {
  const json volumes = {{{"name", "data"}, {"persistentVolumeClaim", {{"claimName", "d"}}}},
                        {{"name", "host"}, {"hostPath", {{"path", "/mnt"}}}},
                        {{"name", "unused"}, {"emptyDir", json::object()}}};
  const json mounts = {{{"name", "data"}, {"mountPath", "/a"}, {"subPath", "a"}},
                       {{"name", "data"}, {"mountPath", "/b"}},
                       {{"name", "host"}, {"mountPath", "/c"}, {"readOnly", true}}};
  const Submission built = build_with({{"volumes", volumes},
                                       {"driver", {{"volumeMounts", mounts}}},
                                       {"executor", {{"volumeMounts", mounts}}}});
  for (const json& spec : {pod_of(built), executor_template(built)["spec"]}) {
    CHECK(by_name(spec["volumes"], "data")["persistentVolumeClaim"]["claimName"] == "d");
    CHECK(by_name(spec["volumes"], "unused").is_null());
    size_t datas = 0;
    for (const json& volume : spec["volumes"])
      datas += volume["name"] == "data" ? 1 : 0;
    CHECK(datas == 1);
    CHECK(spec["containers"].back()["volumeMounts"].size() >= 3);
  }
}

TEST_CASE("scratch volumes go through the configuration") {
  const json volumes = {{{"name", "spark-local-dir-1"}, {"emptyDir", {{"sizeLimit", "2Gi"}}}}};
  const json mounts = {{{"name", "spark-local-dir-1"}, {"mountPath", "/scratch"}}};
  const Submission built = build_with({{"volumes", volumes},
                                       {"driver", {{"volumeMounts", mounts}}},
                                       {"executor", {{"volumeMounts", mounts}}}});
  const Conf conf = properties(built);
  for (const char* role : {"driver", "executor"}) {
    const std::string prefix =
        "spark.kubernetes." + std::string(role) + ".volumes.emptyDir.spark-local-dir-1.";
    CHECK(conf.at(prefix + "mount.path") == "/scratch");
    CHECK(conf.at(prefix + "options.sizeLimit") == "2Gi");
  }
  CHECK(by_name(pod_of(built)["volumes"], "spark-local-dir-1")["emptyDir"]["sizeLimit"] == "2Gi");
  CHECK(by_name(driver_container(built)["env"], "SPARK_LOCAL_DIRS")["value"] == "/scratch");
}

TEST_CASE("ConfigMaps are mounted, configuration folders announced") {
  const Submission built =
      build_with({{"sparkConfigMap", "spark-conf"},
                  {"hadoopConfigMap", "hadoop-conf"},
                  {"driver", {{"configMaps", {{{"name", "dummy.cm"}, {"path", "/mnt/cm"}}}}}}});
  const json spec = pod_of(built);
  CHECK(by_name(spec["volumes"], "spark-configmap-volume")["configMap"]["name"] == "spark-conf");
  const json& container = driver_container(built);
  CHECK(by_name(container["volumeMounts"], "hadoop-configmap-volume")["mountPath"] ==
        "/etc/hadoop/conf");
  CHECK(container["env"].back()["value"] == "/etc/spark/conf");  // after Spark's own
  const json volume = [&] {
    for (const json& each : spec["volumes"]) {
      if (each.contains("configMap") && each["configMap"]["name"] == "dummy.cm") return each;
    }
    return json();
  }();
  REQUIRE(volume.is_object());
  const std::string name = volume["name"].get<std::string>();
  CHECK(name.starts_with("dummy-cm-vol-"));  // changed, so it carries a hash
  CHECK(by_name(container["volumeMounts"], name)["mountPath"] == "/mnt/cm");
  // Spark would put its own SPARK_CONF_DIR after the template's.
  CHECK(properties(built).at("spark.executorEnv.SPARK_CONF_DIR") == "/etc/spark/conf");
  CHECK(by_name(executor_container(built)["volumeMounts"], "spark-configmap-volume").is_object());
}

TEST_CASE("limits are set beside Spark's requests") {
  const Submission built = build_with(
      {{"driver", {{"memoryLimit", "2g"}, {"gpu", {{"name", "nvidia.com/gpu"}, {"quantity", 2}}}}},
       {"executor", {{"gpu", {{"name", "nvidia.com/gpu"}, {"quantity", 1}}}}}});
  CHECK(driver_container(built)["resources"] ==
        json({{"requests", {{"cpu", "1"}, {"memory", "896Mi"}}},
              {"limits", {{"memory", "2Gi"}, {"nvidia.com/gpu", "2"}}}}));
  CHECK(executor_container(built)["resources"]["limits"]["nvidia.com/gpu"] == "1");
}

TEST_CASE("placement, security and neighbours reach both pods") {
  const json role = {{"affinity", {{"nodeAffinity", json::object()}}},
                     {"tolerations", {{{"key", "k"}, {"operator", "Exists"}}}},
                     {"nodeSelector", {{"pool", "x"}}},
                     {"securityContext", {{"runAsUser", 185}}},
                     {"podSecurityContext", {{"fsGroup", 185}}},
                     {"hostNetwork", true},
                     {"dnsConfig", {{"searches", {"s"}}}},
                     {"hostAliases", {{{"ip", "10.0.0.1"}, {"hostnames", {"h"}}}}},
                     {"priorityClassName", "high"},
                     {"schedulerName", "mine"},
                     {"terminationGracePeriodSeconds", 9},
                     {"shareProcessNamespace", true},
                     {"lifecycle", {{"preStop", {{"exec", {{"command", {"x"}}}}}}}},
                     {"ports", {{{"name", "m"}, {"containerPort", 9}, {"protocol", "TCP"}}}},
                     {"initContainers", {{{"name", "init"}, {"image", "i"}}}},
                     {"sidecars", {{{"name", "side"}, {"image", "s"}}}}};
  const Submission built = build_with({{"driver", role}, {"executor", role}});
  const json executor = executor_template(built)["spec"];
  for (const json& spec : {pod_of(built), executor}) {
    CHECK(spec["affinity"] == role["affinity"]);
    CHECK(spec["tolerations"] == role["tolerations"]);
    CHECK(spec["nodeSelector"]["pool"] == "x");
    CHECK(spec["securityContext"] == role["podSecurityContext"]);
    CHECK(spec["hostNetwork"] == true);
    CHECK(spec["dnsPolicy"] == "ClusterFirstWithHostNet");
    CHECK(spec["dnsConfig"] == role["dnsConfig"]);
    CHECK(spec["hostAliases"] == role["hostAliases"]);
    CHECK(spec["priorityClassName"] == "high");
    CHECK(spec["schedulerName"] == "mine");
    CHECK(spec["terminationGracePeriodSeconds"] == 9);
    CHECK(spec["shareProcessNamespace"] == true);
    CHECK(spec["initContainers"] == role["initContainers"]);
    CHECK(spec["containers"].size() == 2);
    CHECK(spec["containers"][1]["name"] == "side");
    CHECK_FALSE(spec["containers"][1].contains("terminationMessagePolicy"));
    CHECK(spec["containers"][0]["securityContext"] == role["securityContext"]);
    CHECK(spec["containers"][0]["lifecycle"] == role["lifecycle"]);
    CHECK(spec["enableServiceLinks"] == false);
  }
  CHECK(executor["containers"][0]["ports"] == role["ports"]);
}

TEST_CASE("a template's words are kept, but not against Spark's") {
  const Submission built =
      build_with({{"driver",
                   {{"template",
                     {{"metadata", {{"labels", {{"cost", "4711"}}}}},
                      {"spec",
                       {{"enableServiceLinks", true},
                        {"restartPolicy", "Always"},
                        {"containers",
                         {{{"name", "agent"}, {"image", "a"}},
                          {{"name", "spark-kubernetes-driver"},
                           {"terminationMessagePolicy", "File"},
                           {"env", {{{"name", "GREETING"}, {"value", "hello"}}}}}}}}}}}}}});
  CHECK(built.driver_pod["metadata"]["labels"]["cost"] == "4711");
  CHECK(pod_of(built)["enableServiceLinks"] == true);
  CHECK(pod_of(built)["restartPolicy"] == "Never");
  CHECK(driver_container(built)["terminationMessagePolicy"] == "File");
  CHECK(driver_container(built)["env"][0]["value"] == "hello");
  CHECK(pod_of(built)["containers"][0]["name"] == "agent");
}

TEST_CASE("Prometheus: agent, port, annotations and one ConfigMap") {
  const json monitoring = {{"exposeDriverMetrics", true},
                           {"exposeExecutorMetrics", false},
                           {"prometheus", {{"jmxExporterJar", "/jmx.jar"}, {"port", 9090}}}};
  const Submission built =
      build_with({{"monitoring", monitoring}, {"driver", {{"javaOptions", "-Da=b"}}}});
  const Conf conf = properties(built);
  CHECK(conf.at("spark.driver.extraJavaOptions") ==
        "-Da=b -javaagent:/jmx.jar=9090:/etc/metrics/conf/prometheus.yaml");
  CHECK_FALSE(conf.contains("spark.executor.extraJavaOptions"));
  CHECK(conf.at("spark.metrics.namespace") == "jobs.pi");
  CHECK(conf.at("spark.metrics.conf") == "/etc/metrics/conf/metrics.properties");
  const json& annotations = built.driver_pod["metadata"]["annotations"];
  CHECK(annotations["prometheus.io/port"] == "9090");
  CHECK(annotations["prometheus.io/scrape"] == "true");
  CHECK(annotations["prometheus.io/path"] == "/metrics");
  CHECK(by_name(driver_container(built)["ports"], "jmx-exporter")["containerPort"] == 9090);
  const json& map = object(built, "ConfigMap", "pi-prom-conf");
  CHECK(map["data"].contains("metrics.properties"));
  CHECK(read_yaml(map["data"]["prometheus.yaml"].get<std::string>()).front()["rules"].size() == 3);
  CHECK(by_name(pod_of(built)["volumes"], "pi-prom-conf-vol")["configMap"]["name"] ==
        "pi-prom-conf");
  CHECK(by_name(executor_container(built)["volumeMounts"], "pi-prom-conf-vol").is_object());
}

TEST_CASE("secrets are mounted and typed ones announced") {
  const Submission built =
      build_with({{"driver",
                   {{"secrets",
                     {{{"name", "gcp"}, {"path", "/mnt/gcp"}, {"secretType", "GCPServiceAccount"}},
                      {{"name", "plain"}, {"path", "/mnt/plain"}, {"secretType", "Generic"}}}},
                    {"envSecretKeyRefs", {{"PASSWORD", {{"name", "db"}, {"key", "word"}}}}}}}});
  const json& container = driver_container(built);
  CHECK(by_name(container["env"], "GOOGLE_APPLICATION_CREDENTIALS")["value"] ==
        "/mnt/gcp/key.json");
  CHECK(by_name(container["env"], "PASSWORD")["valueFrom"]["secretKeyRef"]["key"] == "word");
  CHECK(by_name(container["volumeMounts"], "plain-volume")["mountPath"] == "/mnt/plain");
}

TEST_CASE("the samples build without a warning") {
  size_t built = 0;
  const std::string folder = std::string(SPARKCRON_SOURCE_DIR) + "/config/samples";
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() != ".yaml") continue;
    DYNAMIC_SECTION(file.path().filename().string()) {
      for (json document :
           read_yaml(read_project_file("config/samples/" + file.path().filename().string()))) {
        const bool scheduled = document["kind"] == "ScheduledSparkApplication";
        if (!scheduled && document["kind"] != "SparkApplication") continue;
        if (scheduled) {
          const json spec = document["spec"]["template"];
          document["spec"] = spec;
          document["metadata"]["annotations"]["sparkoperator.k8s.io/scheduled-time"] =
              "2026-03-08T07:00:00Z";
        }
        CHECK(must_build(document).warnings.empty());
        ++built;
      }
      CHECK(built == 1);
    }
  }
}
