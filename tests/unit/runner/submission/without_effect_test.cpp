// What changes nothing is said, what is there twice is merged, and neither stops a run.

#include <algorithm>

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/unit/runner/submission/application.h"

using namespace runner::submission;
using namespace runner::submission::test;
using nlohmann::json;

namespace {

Submission built_with(const json& spec, const Context& where = context()) {
  return must_build(with(scala_application(), {{"spec", spec}}), where);
}

std::vector<json> named(const json& list, const char* key, const std::string& name) {
  std::vector<json> found;
  for (const json& element : list)
    if (element.value(key, json()) == json(name)) found.push_back(element);
  return found;
}

bool says(const std::vector<std::string>& warnings, const std::string& text) {
  return std::find(warnings.begin(), warnings.end(), text) != warnings.end();
}

}  // namespace

TEST_CASE("what people wrote without effect is told by its path") {
  struct Case {
    json spec;
    const char* warning;
  };
  const json claim = json::array({{{"name", "v"}, {"emptyDir", json::object()}}});
  const Case cases[] = {
      {{{"dynamicAllocation", {{"minExecutors", 1}, {"maxExecutors", 4}}}},
       "without spec.dynamicAllocation.enabled these have no effect: "
       "spec.dynamicAllocation.minExecutors, spec.dynamicAllocation.maxExecutors"},
      {{{"monitoring", {{"exposeDriverMetrics", true}}}},
       "without spec.monitoring.prometheus these have no effect: "
       "spec.monitoring.exposeDriverMetrics"},
      {{{"monitoring",
         {{"exposeDriverMetrics", true}, {"metricsPropertiesFile", "/m"}, {"prometheus", {}}}}},
       "without spec.monitoring.prometheus these have no effect: "
       "spec.monitoring.exposeDriverMetrics"},
      {{{"monitoring", {{"prometheus", {{"jmxExporterJar", "/j"}}}}}},
       "spec.monitoring.prometheus exposes nothing without exposeDriverMetrics or "
       "exposeExecutorMetrics"},
      {{{"monitoring", {{"metricsProperties", "a=b"}, {"metricsPropertiesFile", "/m"}}}},
       "spec.monitoring.metricsProperties has no effect beside metricsPropertiesFile"},
      {{{"monitoring",
         {{"exposeDriverMetrics", true},
          {"prometheus",
           {{"jmxExporterJar", "/j"}, {"configFile", "/c"}, {"configuration", "x"}}}}}},
       "spec.monitoring.prometheus.configuration has no effect beside configFile"},
      {{{"sparkVersion", "3.3.4"}, {"driver", {{"serviceLabels", {{"a", "b"}}}}}},
       "spec.driver.serviceLabels has no effect before Spark 3.4"},
      {{{"pythonVersion", "2"}},
       "spec.pythonVersion has no effect since Spark 3.1: the image's Python runs, not 2"},
      {{{"sparkUIOptions", {{"ingressTLS", json::array({{{"secretName", "s"}}})}}}},
       "this service has no URL format for UIs, so these have no effect: "
       "spec.sparkUIOptions.ingressTLS"},
      {{{"volumes", claim}}, "spec.volumes[0] (v) is mounted by no container"},
      {{{"batchSchedulerOptions", {{"resources", {{"cpu", "2"}}}}}},
       "spec.batchSchedulerOptions has no effect without spec.batchScheduler"},
      {{{"restartPolicy",
         {{"type", "Never"},
          {"onFailureRetries", 3},
          {"onFailureRetryInterval", 10},
          {"onSubmissionFailureRetryInterval", 20}}}},
       "with restartPolicy Never these have no effect: spec.restartPolicy.onFailureRetries, "
       "spec.restartPolicy.onFailureRetryInterval"},
      {{{"restartPolicy",
         {{"type", "Always"}, {"onSubmissionFailureRetries", 3}, {"onFailureRetryInterval", 10}}}},
       "with restartPolicy Always these have no effect: "
       "spec.restartPolicy.onSubmissionFailureRetries"},
      {{{"sparkConf", {{"spark.driver.memory", "9g"}}}},
       "spec.sparkConf: spark.driver.memory has no effect, since another field or the service sets "
       "it"},
      {{{"sparkConf", {{"spark.app.name", "mine"}}}},
       "spec.sparkConf: spark.app.name has no effect, since another field or the service sets it"},
      {{{"driver", {{"gpu", {{"name", "nvidia.com/gpu"}, {"quantity", 0}}}}}},
       "spec.driver.gpu asks for no GPU: its quantity is 0"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.warning) {
      CHECK(built_with(c.spec).warnings == std::vector<std::string>{c.warning});
    }
  }
  // Silent no longer: what cannot be is refused.
  struct Refused {
    json spec;
    const char* says;
  };
  const Refused refused[] = {
      {{{"restartPolicy", {{"type", "Never"}, {"onFailureRetry", 3}}}}, "onFailureRetry"},
      {{{"driver", {{"gpu", {{"name", "nvidia.com/gpu"}}}}}},
       "spec.driver.gpu needs a name and a quantity"},
      {{{"driver", {{"gpu", {{"quantity", 1}}}}}}, "spec.driver.gpu needs a name and a quantity"},
      {{{"volumes", json::array({{{"name", "v"}, {"configmap", {{"name", "m"}}}}})}},
       "spec.volumes[0].configmap"},
      {{{"volumes", json::array({{{"name", "v"}, {"emptyDir", {{"size", "1Gi"}}}}})}},
       "spec.volumes[0].emptyDir.size"},
      {{{"executor", {{"template", {{"kind", "Deployment"}}}}}},
       "spec.executor.template.kind must be Pod where it is given"},
  };
  for (const Refused& r : refused) {
    DYNAMIC_SECTION(r.says) {
      CHECK_THAT(refusal(with(scala_application(), {{"spec", r.spec}})), Catch::Contains(r.says));
    }
  }
  CHECK(built_with({{"sparkConf", {{"spark.driver.memory", "512m"}, {"spark.executor.cores", 1}}}})
            .warnings.empty());
}

TEST_CASE("certificates of an Ingress have no effect beside a Gateway, and that is said") {
  const json tls = json::array({{{"secretName", "s"}}});
  const json spec = {
      {"sparkUIOptions", {{"ingressTLS", tls}}},
      {"driverIngressOptions",
       json::array(
           {{{"servicePort", 8080}, {"ingressURLFormat", "a.example.com"}},
            {{"servicePort", 9090}, {"ingressURLFormat", "b.example.com"}, {"ingressTLS", tls}}})}};
  Context where = context();
  where.exposure = {.ui_url_format = "ui.example.com", .ingress_class = "", .gateway = "infra/web"};
  CHECK(built_with(spec, where).warnings ==
        std::vector<std::string>{
            "routes use the certificates of the Gateway infra/web, so these bring none: "
            "spec.sparkUIOptions.ingressTLS, spec.driverIngressOptions[1].ingressTLS"});
  where.exposure.gateway.clear();
  CHECK(built_with(spec, where).warnings.empty());
}

TEST_CASE("fields of executors that are threads of the driver are told once, by name") {
  Context where = context();
  where.forced_conf["spark.kubernetes.driver.master"] = "local[2]";
  const Submission built = built_with({{"executor",
                                        {{"env", json::array({{{"name", "A"}, {"value", "b"}}})},
                                         {"labels", {{"version", "1"}}},
                                         {"coreRequest", "500m"},
                                         {"memoryOverhead", "1g"},
                                         {"instances", 3}}},
                                       {"dynamicAllocation", {{"enabled", true}}}},
                                      where);
  CHECK(built.warnings == std::vector<std::string>{
                              "executors are threads of the driver, so these have no effect: "
                              "spec.executor.coreRequest, spec.executor.env, spec.executor.labels, "
                              "spec.executor.memoryOverhead, spec.dynamicAllocation"});
}

TEST_CASE("all that only an executor's pod has is told where executors are threads, once") {
  const Submission built = built_with(
      {{"driver", {{"kubernetesMaster", "local[2]"}}},
       {"executor",
        {{"image", "other"},
         {"nodeSelector", {{"pool", "spot"}}},
         {"tolerations", json::array({{{"operator", "Exists"}}})}}},
       {"sparkConf", {{"spark.executorEnv.A", "b"}, {"spark.executor.memory", "512m"}}}});
  CHECK(built.warnings ==
        std::vector<std::string>{
            "executors are threads of the driver, so these have no effect: spec.executor.image, "
            "spec.executor.nodeSelector, spec.executor.tolerations",
            "executors are threads of the driver, so these keys of spec.sparkConf have no effect: "
            "spark.executorEnv.A"});
  // On one machine the former are told with everything else that only a cluster has.
  Context machine = context();
  machine.pods = PodsRunAs::Processes;
  machine.forced_conf["spark.kubernetes.driver.master"] = "local[2]";
  const Submission there = built_with({{"driver", {{"kubernetesMaster", "local[4]"}}},
                                       {"executor", {{"image", "other"}, {"schedulerName", "s"}}}},
                                      machine);
  CHECK(there.left_out == std::vector<std::string>{"spec.executor.schedulerName"});
  CHECK(there.warnings ==
        std::vector<std::string>{
            "spec.driver.kubernetesMaster has no effect: the driver's master is local[2]"});
}

TEST_CASE("a quantity that is written as a number stays one in whatever volume it stands") {
  const json volumes = json::array({{{"name", "v"}, {"emptyDir", {{"sizeLimit", 1073741824}}}}});
  const json mounts = json::array({{{"name", "v"}, {"mountPath", "/v"}}});
  const json role = {{"volumeMounts", mounts}};
  const Submission built = built_with({{"volumes", volumes}, {"driver", role}, {"executor", role}});
  const json of_executors = executor_template(built);
  for (const json& spec : {built.driver_pod["spec"], of_executors["spec"]}) {
    const auto found = named(spec["volumes"], "name", "v");
    REQUIRE(found.size() == 1);
    CHECK(found[0]["emptyDir"]["sizeLimit"] == 1073741824);
  }
}

TEST_CASE("sparkConfigMap alone works: the folder of the map is the only SPARK_CONF_DIR") {
  const Submission built = built_with({{"sparkConfigMap", "conf"}});
  const auto found = named(driver_container(built)["env"], "name", "SPARK_CONF_DIR");
  REQUIRE(found.size() == 1);
  CHECK(found[0]["value"] == "/etc/spark/conf");
  CHECK(built.warnings.empty());
}

TEST_CASE("of what has one name twice the last counts, in both roles, and it is said") {
  const json env = json::array({{{"name", "A"}, {"value", "first"}},
                                {{"name", "B"}, {"value", "same"}},
                                {{"name", "A"}, {"value", "last"}},
                                {{"name", "B"}, {"value", "same"}}});
  const json ports =
      json::array({{{"name", "p"}, {"containerPort", 1}}, {{"name", "p"}, {"containerPort", 2}}});
  const json maps =
      json::array({{{"name", "one"}, {"path", "/same"}}, {{"name", "two"}, {"path", "/same"}}});
  const json role = {{"env", env}, {"ports", ports}, {"configMaps", maps}};
  const Submission built = built_with({{"driver", role}, {"executor", role}});
  const json of_executors = executor_template(built);
  for (const json& container : {driver_container(built), of_executors["spec"]["containers"][0]}) {
    const auto a = named(container["env"], "name", "A");
    REQUIRE(a.size() == 1);
    CHECK(a[0]["value"] == "last");
    CHECK(named(container["env"], "name", "B").size() == 1);
    const auto p = named(container["ports"], "name", "p");
    REQUIRE(p.size() == 1);
    CHECK(p[0]["containerPort"] == 2);
    const auto mounts = named(container["volumeMounts"], "mountPath", "/same");
    REQUIRE(mounts.size() == 1);
    CHECK(mounts[0]["name"] == "two-vol");
  }
  CHECK(built.warnings.size() == 6);
  CHECK(says(built.warnings,
             "spec.driver: of several environment variables named A the last one counts"));
  CHECK(says(built.warnings, "spec.executor: of several ports named p the last one counts"));
  CHECK(
      says(built.warnings, "spec.driver: of several volumes mounted at /same the last one counts"));
}

TEST_CASE("a Secret is mounted at every path that it is given, whatever its name") {
  const json secrets = json::array({{{"name", "s"}, {"path", "/one"}},
                                    {{"name", "s"}, {"path", "/two"}},
                                    {{"name", "a.b"}, {"path", "/dotted"}}});
  const Submission built = built_with({{"driver", {{"secrets", secrets}}}});
  const json& mounts = driver_container(built)["volumeMounts"];
  const json& volumes = built.driver_pod["spec"]["volumes"];
  struct Case {
    const char* path;
    const char* secret;
  };
  for (const Case& c : {Case{"/one", "s"}, Case{"/two", "s"}, Case{"/dotted", "a.b"}}) {
    INFO(c.path);
    const auto mount = named(mounts, "mountPath", c.path);
    REQUIRE(mount.size() == 1);
    const auto name = mount[0]["name"].get<std::string>();
    CHECK(name.find('.') == std::string::npos);
    const auto volume = named(volumes, "name", name);
    REQUIRE(volume.size() == 1);
    CHECK(volume[0]["secret"]["secretName"] == c.secret);
  }
}

TEST_CASE("scratch space of any kind is what Spark writes to") {
  const json volumes = json::array(
      {{{"name", "spark-local-dir-1"},
        {"ephemeral", {{"volumeClaimTemplate", {{"spec", {{"storageClassName", "fast"}}}}}}}},
       {{"name", "spark-local-dir-2"}, {"emptyDir", {{"sizeLimit", 1073741824}}}}});
  const json mounts = json::array({{{"name", "spark-local-dir-1"}, {"mountPath", "/fast"}},
                                   {{"name", "spark-local-dir-2"}, {"mountPath", "/slow"}}});
  const json role = {{"volumeMounts", mounts}};
  const Submission built = built_with({{"volumes", volumes}, {"driver", role}, {"executor", role}});
  const auto dirs = named(driver_container(built)["env"], "name", "SPARK_LOCAL_DIRS");
  REQUIRE(dirs.size() == 1);
  CHECK(dirs[0]["value"] == "/fast,/slow");
  const auto fast = named(built.driver_pod["spec"]["volumes"], "name", "spark-local-dir-1");
  REQUIRE(fast.size() == 1);
  CHECK(fast[0]["ephemeral"]["volumeClaimTemplate"]["spec"]["storageClassName"] == "fast");
  const auto slow = named(built.driver_pod["spec"]["volumes"], "name", "spark-local-dir-2");
  REQUIRE(slow.size() == 1);
  CHECK(slow[0]["emptyDir"]["sizeLimit"] == "1073741824");
  const json of_executors = executor_template(built);
  CHECK(named(of_executors["spec"]["volumes"], "name", "spark-local-dir-1").size() == 1);
  CHECK(named(of_executors["spec"]["containers"][0]["volumeMounts"], "mountPath", "/fast").size() ==
        1);
}

TEST_CASE("a volume that only a side car mounts comes along") {
  const json side = json::array({{{"name", "side"},
                                  {"image", "i"},
                                  {"volumeMounts", {{{"name", "v"}, {"mountPath", "/v"}}}}}});
  const Submission built =
      built_with({{"volumes", json::array({{{"name", "v"}, {"emptyDir", json::object()}}})},
                  {"driver", {{"sidecars", side}}}});
  CHECK(named(built.driver_pod["spec"]["volumes"], "name", "v").size() == 1);
  CHECK(built.warnings.empty());
}

TEST_CASE("a Secret of another type than Spark knows is mounted as a plain one, and it is said") {
  const json secrets =
      json::array({{{"name", "s"}, {"path", "/s"}, {"secretType", "Opaque"}},
                   {{"name", "t"}, {"path", "/t"}, {"secretType", "HadoopDelegationToken"}}});
  const Submission built = built_with({{"driver", {{"secrets", secrets}}}});
  CHECK(named(driver_container(built)["volumeMounts"], "mountPath", "/s").size() == 1);
  CHECK(built.warnings ==
        std::vector<std::string>{"spec.driver.secrets[0].secretType Opaque is none that sets a "
                                 "variable: the Secret is mounted as a Generic one"});
}

TEST_CASE("what only a container's security has does nothing in a template's pod, and it is said") {
  const json security = {{"runAsUser", 185},
                         {"allowPrivilegeEscalation", false},
                         {"capabilities", {{"drop", {"ALL"}}}}};
  const json role = {{"template", {{"spec", {{"securityContext", security}}}}}};
  const Submission built = built_with({{"driver", role}, {"executor", role}});
  const json kept = {{"runAsUser", 185}};
  CHECK(built.driver_pod["spec"]["securityContext"] == kept);
  CHECK(executor_template(built)["spec"]["securityContext"] == kept);
  REQUIRE(built.warnings.size() == 4);
  CHECK(says(built.warnings,
             "spec.driver.template.spec.securityContext.capabilities has no effect: it is a "
             "container's, not a pod's"));
}

TEST_CASE("a variable that adds to an earlier one of its name keeps it") {
  const json env = json::array(
      {{{"name", "OPTS"}, {"value", "-Da"}}, {{"name", "OPTS"}, {"value", "$(OPTS) -Db"}}});
  const Submission built = built_with({{"driver", {{"env", env}}}});
  const auto found = named(driver_container(built)["env"], "name", "OPTS");
  REQUIRE(found.size() == 2);
  CHECK(found[0]["value"] == "-Da");
  CHECK(built.warnings.empty());
}

TEST_CASE("a value of sparkConf that begins the one in effect is overruled all the same") {
  const Submission built = built_with(
      {{"executor", {{"instances", 10}}}, {"sparkConf", {{"spark.executor.instances", "1"}}}});
  CHECK(built.warnings ==
        std::vector<std::string>{"spec.sparkConf: spark.executor.instances has no effect, since "
                                 "another field or the service sets it"});
}

TEST_CASE("warnings are few, however many there could be") {
  json volumes = json::array();
  for (int i = 0; i < 40; ++i)
    volumes.push_back({{"name", "v" + std::to_string(i)}, {"emptyDir", json::object()}});
  const Submission built = built_with({{"volumes", volumes}});
  REQUIRE(built.warnings.size() == 17);
  CHECK(built.warnings.back() == "and 24 more of such warnings");
}
