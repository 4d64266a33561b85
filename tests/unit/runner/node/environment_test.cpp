#include "runner/node/environment.h"

#include <nlohmann/json.hpp>

#include "config/quantity.h"
#include "runner/node/command.h"
#include "runner/node/features.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"

using nlohmann::json;
using runner::node::Environment;

namespace {

json pod() {
  return {{"metadata",
           {{"name", "p"},
            {"namespace", "default"},
            {"uid", "u"},
            {"labels", {{"app", "x"}}},
            {"annotations", {{"a.b/c", "deep"}}}}},
          {"spec", {{"serviceAccountName", "spark"}}}};
}

struct Bed {
  tests::FakeClock clock;
  tests::MemoryApi api{clock};
  json object = pod();
  runner::node::Sources sources{
      api, object, {.pod_ip = "127.1.2.3", .host_ip = "127.0.0.1", .node_name = "n"}};

  Bed() {
    (void)api.create(kube::config_maps(), {{"metadata", {{"name", "cm"}, {"namespace", "default"}}},
                                           {"data", {{"one", "1"}, {"2bad", "x"}}}});
    (void)api.create(kube::secrets(), {{"metadata", {{"name", "s"}, {"namespace", "default"}}},
                                       {"data", {{"password", "aMOpCg=="}}}});
  }
  base::Result<Environment> build(const json& container) {
    runner::node::PathMap paths;
    paths.add("/data", "/pod/data");
    return runner::node::build_environment(
        container, sources, paths, {{"PATH", "/bin"}, {"D", "x"}}, {{"KUBECONFIG", "/dev/null"}});
  }
};

}  // namespace

TEST_CASE("variables come from where the pod says") {
  Bed bed;
  const auto from = [](const char* kind, json reference) {
    return json{{kind, std::move(reference)}};
  };
  const auto environment = bed.build(
      {{"envFrom", json::array({{{"prefix", "C_"}, {"configMapRef", {{"name", "cm"}}}},
                                {{"configMapRef", {{"name", "none"}, {"optional", true}}}}})},
       {"env",
        json::array(
            {{{"name", "IP"}, {"valueFrom", from("fieldRef", {{"fieldPath", "status.podIP"}})}},
             {{"name", "LABEL"},
              {"valueFrom", from("fieldRef", {{"fieldPath", "metadata.labels['app']"}})}},
             {{"name", "NOTE"},
              {"valueFrom", from("fieldRef", {{"fieldPath", "metadata.annotations['a.b/c']"}})}},
             {{"name", "KEY"},
              {"valueFrom", from("configMapKeyRef", {{"name", "cm"}, {"key", "one"}})}},
             {{"name", "SECRET"},
              {"valueFrom", from("secretKeyRef", {{"name", "s"}, {"key", "password"}})}},
             {{"name", "ABSENT"},
              {"valueFrom",
               from("secretKeyRef", {{"name", "s"}, {"key", "no"}, {"optional", true}})}},
             {{"name", "MEMORY"},
              {"valueFrom",
               from("resourceFieldRef", {{"resource", "limits.memory"}, {"divisor", "1Mi"}})}},
             {{"name", "D"}, {"value", "/data/$(KEY)/$(UNKNOWN)/$$(KEY)"}},
             {{"name", "KUBECONFIG"}, {"value", "/home/me/.kube/config"}}})},
       {"resources", {{"limits", {{"memory", "1433Mi"}}}}}});
  REQUIRE(environment.has_value());
  CHECK(*environment == Environment{{"PATH", "/bin"},
                                    {"IP", "127.1.2.3"},
                                    {"LABEL", "x"},
                                    {"NOTE", "deep"},
                                    {"KEY", "1"},
                                    {"C_one", "1"},
                                    {"C_2bad", "x"},
                                    {"SECRET", "h\xC3\xA9\n"},
                                    {"MEMORY", "1433"},
                                    {"D", "/pod/data/1/$(UNKNOWN)/$(KEY)"},
                                    {"KUBECONFIG", "/dev/null"}});
}

TEST_CASE("what is missing is named, so that the pod can wait for it") {
  struct Case {
    std::string name;
    json source;
    base::Code code;
    std::string message;
  };
  const Case cases[] = {
      {.name = "configmap",
       .source = {{"configMapKeyRef", {{"name", "no"}, {"key", "k"}}}},
       .code = base::Code::NotFound,
       .message = "configmap \"no\" not found"},
      {.name = "key",
       .source = {{"secretKeyRef", {{"name", "s"}, {"key", "k"}}}},
       .code = base::Code::NotFound,
       .message = "key \"k\" not found in secret \"s\""},
      {.name = "field",
       .source = {{"fieldRef", {{"fieldPath", "spec.hostname"}}}},
       .code = base::Code::InvalidArgument,
       .message = "fieldPath spec.hostname is not supported"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      Bed bed;
      const auto environment =
          bed.build({{"env", json::array({{{"name", "X"}, {"valueFrom", c.source}}})}});
      REQUIRE_FALSE(environment.has_value());
      CHECK(environment.error().code == c.code);
      CHECK(environment.error().message == c.message);
    }
  }
}

TEST_CASE("the driver's command line is the image's, with our address, API and token in front") {
  const json container = {{"args",
                           {"driver", "--properties-file", "/opt/spark/conf/spark.properties",
                            "--class", "C", "local:///opt/spark/x.py", "$(N)"}}};
  runner::node::PathMap paths;
  paths.add("/opt/spark", "/spark");
  paths.add("/opt/spark/conf", "/pod/conf");
  const runner::node::CommandContext context{.spark_home = "/spark",
                                             .pod_ip = "127.9.9.9",
                                             .api_url = "http://127.0.0.1:1",
                                             .token_file = "/pod/token"};
  const std::vector<std::string> words = {"--properties-file",
                                          "/pod/conf/spark.properties",
                                          "--class",
                                          "C",
                                          "local:///spark/x.py",
                                          "7"};
  std::vector<std::string> common = {"/spark/bin/spark-submit",
                                     "--conf",
                                     "spark.driver.bindAddress=127.9.9.9",
                                     "--conf",
                                     "spark.executorEnv.SPARK_DRIVER_POD_IP=127.9.9.9",
                                     "--deploy-mode",
                                     "client",
                                     "--conf",
                                     "spark.driver.host=127.9.9.9"};
  SECTION("with executors") {
    common.insert(common.end(),
                  {"--conf", "spark.kubernetes.driver.master=http://127.0.0.1:1", "--conf",
                   "spark.kubernetes.authenticate.driver.mounted.oauthTokenFile=/pod/token"});
    common.insert(common.end(), words.begin(), words.end());
    CHECK(runner::node::build_command(container, {{"N", "7"}}, paths, {}, context) == common);
  }
  SECTION("driver only: no API is given, the master stays") {
    common.insert(common.end(), words.begin(), words.end());
    CHECK(runner::node::build_command(container, {{"N", "7"}}, paths,
                                      {{"spark.kubernetes.driver.master", "local[2]"}},
                                      context) == common);
  }
}

TEST_CASE("an executor runs the image's java line, options by number") {
  const Environment environment = {
      {"SPARK_JAVA_OPT_0", "-Da"},        {"SPARK_JAVA_OPT_2", "-Dc"},
      {"SPARK_JAVA_OPT_10", "-Dd"},       {"SPARK_JAVA_OPT_1", "-Db"},
      {"SPARK_JAVA_OPT_X", "-Dno"},       {"SPARK_EXECUTOR_MEMORY", "512m"},
      {"SPARK_EXECUTOR_ID", "1"},         {"SPARK_EXECUTOR_CORES", "2"},
      {"SPARK_DRIVER_URL", "spark://d"},  {"SPARK_APPLICATION_ID", "app"},
      {"SPARK_EXECUTOR_POD_IP", "ip"},    {"SPARK_RESOURCE_PROFILE_ID", "0"},
      {"SPARK_EXECUTOR_POD_NAME", "e-1"}, {"SPARK_CONF_DIR", "/conf"}};
  const auto command = runner::node::build_command(
      {{"args", {"executor"}}}, environment, {}, {},
      {.spark_home = "/spark", .java_home = "/java", .temporary_folder = "/tmp/e"});
  CHECK(command ==
        std::vector<std::string>{"/java/bin/java",
                                 "-Djava.io.tmpdir=/tmp/e",
                                 "-Da",
                                 "-Db",
                                 "-Dc",
                                 "-Dd",
                                 "-Xms512m",
                                 "-Xmx512m",
                                 "-cp",
                                 "/conf:/spark/jars/*",
                                 "org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend",
                                 "--driver-url",
                                 "spark://d",
                                 "--executor-id",
                                 "1",
                                 "--cores",
                                 "2",
                                 "--app-id",
                                 "app",
                                 "--hostname",
                                 "ip",
                                 "--resourceProfileId",
                                 "0",
                                 "--podName",
                                 "e-1"});
}

TEST_CASE("what a process cannot honour is refused by name") {
  struct Case {
    std::string name;
    json patch;
    std::string message;
  };
  const json good = {{"spec",
                      {{"restartPolicy", "Never"},
                       {"containers", {{{"name", "c"}, {"image", "i"}, {"command", {"true"}}}}}}}};
  const Case cases[] = {
      {.name = "probe",
       .patch = {{"op", "add"},
                 {"path", "/spec/containers/0/livenessProbe"},
                 {"value", {{"exec", 1}}}},
       .message = "container \"c\": livenessProbe is not supported by the process node"},
      {.name = "restarts",
       .patch = {{"op", "remove"}, {"path", "/spec/restartPolicy"}},
       .message =
           "spec.restartPolicy Always is not supported by the process node: a container runs "
           "once; use Never"},
      {.name = "entry point",
       .patch = {{"op", "remove"}, {"path", "/spec/containers/0/command"}},
       .message = "container \"c\": a command is needed: images are not used by the process node, "
                  "so their entry points are unknown"},
      {.name = "network volume",
       .patch = {{"op", "add"},
                 {"path", "/spec/volumes"},
                 {"value", {{{"name", "v"}, {"nfs", {{"server", "s"}, {"path", "/"}}}}}}},
       .message = "volume \"v\": nfs is not supported by the process node"},
      {.name = "certificates that only a cluster has",
       .patch = {{"op", "add"},
                 {"path", "/spec/volumes"},
                 {"value",
                  {{{"name", "v"},
                    {"projected",
                     {{"sources",
                       {{{"clusterTrustBundle", {{"path", "a"}, {"optional", true}}}},
                        {{"clusterTrustBundle", {{"path", "b"}}}}}}}}}}}},
       .message = "volume \"v\": a projected source clusterTrustBundle is not supported by the "
                  "process node"},
      {.name = "privileged",
       .patch = {{"op", "add"},
                 {"path", "/spec/containers/0/securityContext"},
                 {"value", {{"privileged", true}}}},
       .message =
           "container \"c\": securityContext.privileged is not supported by the process node"},
      {.name = "aliases",
       .patch = {{"op", "add"}, {"path", "/spec/hostAliases"}, {"value", {{{"ip", "1.2.3.4"}}}}},
       .message = "spec.hostAliases is not supported by the process node"},
      {.name = "a mount over everything",
       .patch = {{"op", "add"},
                 {"path", "/spec/containers/0/volumeMounts"},
                 {"value", {{{"name", "v"}, {"mountPath", "/./"}}}}},
       .message =
           "container \"c\": mountPath \"/./\" is not supported by the process node: mount the "
           "volume at a folder below /"},
      {.name = "a zero byte in an argument",
       .patch = {{"op", "add"},
                 {"path", "/spec/containers/0/args"},
                 {"value", json::array({"a", std::string("b\0c", 3)})}},
       .message = "container \"c\": args: word 2 holds a zero byte"},
      {.name = "a deadline that is none",
       .patch = {{"op", "add"}, {"path", "/spec/activeDeadlineSeconds"}, {"value", 0}},
       .message = "spec.activeDeadlineSeconds 0 is not a time: at least 1"},
  };
  REQUIRE(runner::node::check_supported(good).has_value());
  CHECK(runner::node::ignored_features(good) == std::vector<std::string>{"image i"});
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      const auto status = runner::node::check_supported(good.patch(json::array({c.patch})));
      REQUIRE_FALSE(status.has_value());
      CHECK(status.error().message == c.message);
    }
  }
}

TEST_CASE("quantities") {
  struct Case {
    std::string_view text;
    int64_t milli;
  };
  const Case cases[] = {{.text = "1", .milli = 1000},
                        {.text = "100m", .milli = 100},
                        {.text = "0.1", .milli = 100},
                        {.text = "1.5Ki", .milli = 1'536'000},
                        {.text = "1e3", .milli = 1'000'000},
                        {.text = "5n", .milli = 1},
                        {.text = "0", .milli = 0}};
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.text) {
      CHECK(config::parse_milli(c.text).value() == c.milli);
    }
  }
  for (const char* wrong : {"", "-1", "1x", "Mi", "nan", "inf", "0x10", "1 Gi"}) {
    const auto value = config::parse_milli(wrong);
    REQUIRE_FALSE(value.has_value());
    CHECK(value.error().message ==
          "\"" + std::string(wrong) + "\" is not a quantity such as 500m, 2 or 16Gi");
  }
}
