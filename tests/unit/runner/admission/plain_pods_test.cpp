#include "runner/admission/plain_pods.h"

#include <string>

#include "tests/support/catch.h"

using nlohmann::json;
using runner::admission::with_annotated_volumes;

namespace {

// A driver as Spark 3.5 makes it, less what does not matter here.
json spark_pod(const json& annotations, const std::string& role = "driver") {
  return {{"metadata",
           {{"name", "pi"}, {"labels", {{"spark-role", role}}}, {"annotations", annotations}}},
          {"spec",
           {{"containers",
             {{{"name", "side"}},
              {{"name", "spark-kubernetes-" + role},
               {"env", {{{"name", "SPARK_CONF_DIR"}, {"value", "/opt/spark/conf"}}}},
               {"volumeMounts", {{{"name", "conf"}, {"mountPath", "/opt/spark/conf"}}}}}}},
            {"volumes", {{{"name", "conf"}, {"configMap", {{"name", "c"}}}}}}}}};
}

std::string key(const std::string& name) {
  return "sparkoperator.k8s.io/" + name;
}

}  // namespace

TEST_CASE("a plain pod gets what its annotations ask for") {
  struct Case {
    std::string annotation;
    std::string value;
    json volume;
    std::string path;
    json variable;  // null: none
  };
  const json conf_dir = {{"name", "SPARK_CONF_DIR"}, {"value", "/etc/spark/conf"}};
  const json hadoop_dir = {{"name", "HADOOP_CONF_DIR"}, {"value", "/etc/hadoop/conf"}};
  const json spark_volume = {{"name", "spark-configmap-volume"}, {"configMap", {{"name", "cm"}}}};
  const json hadoop_volume = {{"name", "hadoop-configmap-volume"}, {"configMap", {{"name", "cm"}}}};
  const json map_volume = {{"name", "cm-vol"}, {"configMap", {{"name", "cm"}}}};
  const json secret_volume = {{"name", "s-secret-vol"}, {"secret", {{"secretName", "s"}}}};
  const json credentials = {{"name", "GOOGLE_APPLICATION_CREDENTIALS"},
                            {"value", "/mnt/gcp/key.json"}};
  const Case cases[] = {
      {"sparkConfigMap", "cm", spark_volume, "/etc/spark/conf", conf_dir},
      {"spark-configmap", "cm", spark_volume, "/etc/spark/conf", conf_dir},
      {"hadoopConfigMap", "cm", hadoop_volume, "/etc/hadoop/conf", hadoop_dir},
      {"hadoop-configmap", "cm", hadoop_volume, "/etc/hadoop/conf", hadoop_dir},
      {"configMap.cm", "/etc/my", map_volume, "/etc/my", nullptr},
      {"configmap.cm", "/etc/my", map_volume, "/etc/my", nullptr},
      {"secret.s", "/mnt/s", secret_volume, "/mnt/s", nullptr},
      {"GCPServiceAccount.s", "/mnt/gcp", secret_volume, "/mnt/gcp", credentials},
  };
  for (const Case& c : cases) {
    for (const std::string role : {"driver", "executor"}) {
      DYNAMIC_SECTION(c.annotation << " of the " << role) {
        const json pod = spark_pod({{key(c.annotation), c.value}}, role);
        const json changed = with_annotated_volumes(pod).value();
        CHECK(changed["spec"]["volumes"].size() == 2);
        CHECK(changed["spec"]["volumes"][1] == c.volume);
        CHECK(changed["spec"]["containers"][0] == pod["spec"]["containers"][0]);
        const json& container = changed["spec"]["containers"][1];
        CHECK(container["volumeMounts"][1] ==
              json{{"name", c.volume["name"]}, {"mountPath", c.path}});
        if (!c.variable.is_null()) CHECK(container["env"].back() == c.variable);
        // Asked again, as another webhook may have it, nothing more happens.
        CHECK(with_annotated_volumes(changed).value() == changed);
      }
    }
  }
}

TEST_CASE("SPARK_CONF_DIR of Spark itself is replaced, not given twice") {
  const json changed = with_annotated_volumes(spark_pod({{key("sparkConfigMap"), "cm"}})).value();
  CHECK(changed["spec"]["containers"][1]["env"] ==
        json{{{"name", "SPARK_CONF_DIR"}, {"value", "/etc/spark/conf"}}});
}

TEST_CASE("other pods are left alone") {
  const json asks = {{key("sparkConfigMap"), "cm"}};
  json ours = spark_pod(asks);
  ours["metadata"]["labels"][key("launched-by-spark-operator")] = "true";
  json no_containers = spark_pod(asks);
  no_containers["spec"] = "text";
  for (const json& pod : {spark_pod(asks, "web"), ours, spark_pod(json::object()), no_containers,
                          spark_pod({{"example.com/sparkConfigMap", "cm"}}),
                          spark_pod({{key("scheduled-time"), "x"}, {key("configMap.x"), 1}})})
    CHECK(with_annotated_volumes(pod).value() == pod);
}

TEST_CASE("an annotation that no pod can follow is refused by name") {
  struct Case {
    json annotations;
    std::string error;
  };
  const Case cases[] = {
      {{{key("sparkConfigMap"), "a/b"}},
       "[sparkoperator.k8s.io/sparkConfigMap] must name a ConfigMap or Secret, which \"a/b\" "
       "cannot be"},
      {{{key("secret."), "/x"}},
       "[sparkoperator.k8s.io/secret.] must name a ConfigMap or Secret, which \"\" cannot be"},
      {{{key("secret.s"), "x"}},
       "[sparkoperator.k8s.io/secret.s] must be a path to mount at such as /etc/secrets, not "
       "\"x\""},
      {{{key("configMap.s"), "/"}},
       "[sparkoperator.k8s.io/configMap.s] must be a path to mount at such as /etc/secrets, not "
       "\"/\""},
      {{{key("configMap.s"), "/a/../b"}},
       "[sparkoperator.k8s.io/configMap.s] must be a path to mount at such as /etc/secrets, not "
       "\"/a/../b\""},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.error) {
      const auto refused = with_annotated_volumes(spark_pod(c.annotations));
      REQUIRE_FALSE(refused.has_value());
      CHECK(refused.error().message == "metadata.annotations" + c.error);
    }
  }
}
