#include "tests/unit/runner/submission/application.h"

#include <algorithm>

#include "runner/submission/memory.h"
#include "runner/submission/spark_version.h"
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

TEST_CASE("an R application gets Spark's runner and R's overhead") {
  const Submission built = must_build(
      with(scala_application(), {{"spec",
                                  {{"type", "R"},
                                   {"mainClass", nullptr},
                                   {"mainApplicationFile", "local:///opt/app/etl.R"}}}}));
  const json args = driver_container(built)["args"];
  const auto has = [&args](const char* word) {
    return std::find(args.begin(), args.end(), json(word)) != args.end();
  };
  CHECK(has("org.apache.spark.deploy.RRunner"));
  CHECK(has("local:///opt/app/etl.R"));
  CHECK(properties(built).at("spark.kubernetes.memoryOverheadFactor") == "0.4");
  CHECK(refusal(with(scala_application(), {{"spec", {{"type", "R"}}}})) ==
        "spec.mainApplicationFile must end in .R where spec.type is R");
}

TEST_CASE("a driver acts as the proxy user that is given") {
  const Submission built =
      must_build(with(scala_application(), {{"spec", {{"proxyUser", "carol"}}}}));
  const json& container = driver_container(built);
  const json args = container["args"];
  const auto at = std::find(args.begin(), args.end(), json("--proxy-user"));
  REQUIRE(at != args.end());
  CHECK(*(at + 1) == "carol");
  const json user = {{"name", "SPARK_USER"}, {"value", "carol"}};
  CHECK(std::find(container["env"].begin(), container["env"].end(), user) !=
        container["env"].end());
}

TEST_CASE("the same application builds the same bytes") {
  const Submission first = must_build(scala_application());
  const Submission second = must_build(scala_application());
  CHECK(first.driver_pod == second.driver_pod);
  CHECK(first.before_pod == second.before_pod);
}

TEST_CASE("which setting wins") {
  struct Case {
    const char* what;
    json spec;
    std::map<std::string, std::string> defaults;
    std::map<std::string, std::string> forced;
    std::string key;
    std::string value;
  };
  const json no_driver = {{"driver", {{"memory", nullptr}, {"cores", nullptr}}}};
  const Case cases[] = {
      {"the default of a driver", no_driver, {}, {}, "spark.driver.memory", "1g"},
      {"its cores", no_driver, {}, {}, "spark.driver.cores", "1"},
      {"the service over the default",
       no_driver,
       {{"spark.driver.memory", "3g"}},
       {},
       "spark.driver.memory",
       "3g"},
      {"sparkConf over the service",
       {{"sparkConf", {{"spark.x", "user"}}}},
       {{"spark.x", "service"}},
       {},
       "spark.x",
       "user"},
      {"a field over sparkConf",
       {{"sparkConf", {{"spark.driver.memory", "9g"}}}},
       {},
       {},
       "spark.driver.memory",
       "512m"},
      {"what is forced over all",
       {{"sparkConf", {{"spark.x", "user"}}}},
       {},
       {{"spark.x", "forced"}},
       "spark.x",
       "forced"},
      {"the name of the application",
       {{"sparkConf", {{"spark.app.name", "x"}}}},
       {},
       {},
       "spark.app.name",
       "pi"},
      {"numbers as YAML wrote them", {{"sparkConf", {{"spark.x", 3}}}}, {}, {}, "spark.x", "3"},
      {"the driver's name from sparkConf",
       {{"sparkConf", {{"spark.kubernetes.driver.pod.name", "mine"}}}},
       {},
       {},
       "spark.kubernetes.driver.pod.name",
       "mine"},
      {"dynamic allocation",
       {{"dynamicAllocation", {{"enabled", true}, {"maxExecutors", 4}}}},
       {},
       {},
       "spark.dynamicAllocation.maxExecutors",
       "4"},
      {"shuffle tracking with it",
       {{"dynamicAllocation", {{"enabled", true}}}},
       {},
       {},
       "spark.dynamicAllocation.shuffleTracking.enabled",
       "true"},
      {"hadoopConf", {{"hadoopConf", {{"fs.x", "y"}}}}, {}, {}, "spark.hadoop.fs.x", "y"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.what) {
      Context where = context();
      where.default_conf = c.defaults;
      where.forced_conf = c.forced;
      const Submission built = must_build(with(scala_application(), {{"spec", c.spec}}), where);
      CHECK(properties(built).at(c.key) == c.value);
    }
  }
}

TEST_CASE("executors that are threads of the driver need no pod template") {
  Context where = context();
  where.forced_conf["spark.kubernetes.driver.master"] = "local[2]";
  const Submission built = must_build(scala_application(), where);
  CHECK(built.before_pod.size() == 2);  // ConfigMap and Service
  CHECK_FALSE(properties(built).contains("spark.kubernetes.executor.podTemplateFile"));
}

TEST_CASE("what cannot run is refused with the field's name") {
  struct Case {
    json spec;
    std::string error;
  };
  const Case cases[] = {
      {{{"mode", "client"}},
       "spec.mode must be cluster: in client mode the driver would run inside this service"},
      {{{"mainClass", nullptr}}, "spec.mainClass is required for a Java or Scala application"},
      {{{"mainApplicationFile", nullptr}}, "spec.mainApplicationFile is required"},
      {{{"mainApplicationFile", "/opt/app.jar"}},
       "spec.mainApplicationFile is a file of the machine that submits, which cannot be reached: "
       "/opt/app.jar (local:// names a file of the image; sparkctl create --upload sends files)"},
      {{{"deps", {{"files", {"file:///etc/passwd"}}}}},
       "spec.deps.files is a file of the machine that submits, which cannot be reached: "
       "file:///etc/passwd (local:// names a file of the image; sparkctl create --upload sends "
       "files)"},
      {{{"type", "Python"}}, "spec.mainApplicationFile must end in .py where spec.type is Python"},
      {{{"sparkVersion", "four"}},
       "spec.sparkVersion: \"four\" is not a Spark version such as 4.0.1"},
      {{{"image", nullptr}},
       "spec.image is required, since spec.driver.image is not given either: pods of a cluster run "
       "an image"},
      {{{"driver", {{"cores", "two"}}}}, "spec.driver.cores must be a number"},
      {{{"driver", {{"memory", "1.5g"}}}},
       "spec.driver.memory must be a size over zero such as 512m, 2g or 1Gi, not \"1.5g\""},
      {{{"driver", {{"memoryLimit", "lots"}}}},
       "spec.driver.memoryLimit must be a size such as 512m, 2g or 1Gi, not \"lots\""},
      {{{"executor", {{"memoryLimit", "600m"}}}},
       "spec.executor.memoryLimit must be at least 896Mi, what executors need with Spark's "
       "overhead, "
       "not 600m"},
      {{{"executor", {{"memoryLimit", "lots"}}}},
       "spec.executor.memoryLimit must be a size such as 512m, 2g or 1Gi, not \"lots\""},
      {{{"executor", {{"template", {{"kind", "Deployment"}}}}}},
       "spec.executor.template.kind must be Pod where it is given"},
      {{{"sparkUIOptions", {{"serviceType", "Loud"}}}},
       "spec.sparkUIOptions.serviceType must be ClusterIP, NodePort or LoadBalancer, not \"Loud\""},
      {{{"driverIngressOptions", json::array({{{"servicePort", 80}}})}},
       "spec.driverIngressOptions[0].ingressURLFormat is required"},
      {{{"driver", {{"shoeSize", 43}}}}, "spec.driver.shoeSize is not supported yet"},
      {{{"nodeSelector", {{"a", "b"}}}, {"executor", {{"nodeSelector", {{"a", "b"}}}}}},
       "spec.executor.nodeSelector and spec.nodeSelector exclude each other"},
      {{{"driver", {{"volumeMounts", {{{"name", "x"}, {"mountPath", "/x"}}}}}}},
       "spec.driver.volumeMounts name a volume that spec.volumes does not have: x"},
      {{{"driver", {{"labels", {{"spark-role", "boss"}}}}}},
       "spec.driver.labels must not have spark-role, which Spark sets"},
      {{{"sparkConf", {{"spark.driver.bindAddress", "0.0.0.0"}}}},
       "spec.sparkConf: spark.driver.bindAddress is not supported in Kubernetes mode, as the "
       "driver's bind address "
       "is managed and set to the driver pod's IP address."},
      {{{"sparkConf",
         {{"spark.kerberos.keytab", "/etc/krb5.keytab"}, {"spark.kerberos.principal", "p"}}}},
       "spec.sparkConf: spark.kerberos.keytab names a file of the submitting machine: local:// "
       "names a file of the "
       "image"},
      {{{"sparkConf", {{"spark.kubernetes.driver.pod.featureSteps", "com.example.Step"}}}},
       "spec.sparkConf: spark.kubernetes.driver.pod.featureSteps: com.example.Step would need to "
       "run in this "
       "service"},
      {{{"driver", {{"template", {{"spec", 1}}}}}}, "spec.driver.template.spec must be an object"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.error) {
      CHECK(refusal(with(scala_application(), {{"spec", c.spec}})) == c.error);
    }
  }
}

TEST_CASE("what has no effect is said") {
  const Submission built =
      must_build(with(scala_application(),
                      {{"spec", {{"failureRetries", 3}, {"sparkConf", {{"sparkle.x", "y"}}}}}}));
  CHECK(built.warnings ==
        std::vector<std::string>{
            "spec.failureRetries has no effect; spec.restartPolicy has fields for this",
            "configuration key sparkle.x does not start with \"spark.\" and has no effect"});
}

TEST_CASE("a part of a core is asked of the cluster, and Spark counts a whole one") {
  struct Case {
    json driver;
    const char* cores;
    const char* request;
  };
  const Case cases[] = {
      {{{"cores", 0.1}}, "1", "100m"},
      {{{"cores", 1.5}}, "2", "1500m"},
      {{{"cores", 2.0}}, "2", "2"},
      {{{"cores", 3}}, "3", "3"},
      {{{"cores", 0.1}, {"coreRequest", "250m"}}, "1", "250m"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.driver.dump()) {
      const Submission built =
          must_build(with(scala_application(), {{"spec", {{"driver", c.driver}}}}));
      CHECK(properties(built).at("spark.driver.cores") == c.cores);
      CHECK(driver_container(built)["resources"]["requests"]["cpu"] == c.request);
    }
  }
  const json executor = {{"spec", {{"executor", {{"cores", 0.5}}}}}};
  const Conf conf = properties(must_build(with(scala_application(), executor)));
  CHECK(conf.at("spark.executor.cores") == "1");
  CHECK(conf.at("spark.kubernetes.executor.request.cores") == "500m");
  CHECK(refusal(with(scala_application(), {{"spec", {{"driver", {{"cores", 0}}}}}})) ==
        "spec.driver.cores must be a number over zero and at most 1000000");
}

TEST_CASE("a Spark version without rules of its own is tried, and a warning says by whose") {
  const Submission built =
      must_build(with(scala_application(), {{"spec", {{"sparkVersion", "4.9.0"}}}}));
  REQUIRE(built.warnings.size() == 1);
  CHECK(built.warnings[0] ==
        "spec.sparkVersion: Spark 4.9.0 is not known: it is submitted as Spark 4.2 would be");
  CHECK(built.driver_pod["metadata"]["labels"]["spark-version"] == "4.9.0");
  CHECK(object(built, "NetworkPolicy", "pi-a1b2c3d4e5f60718-policy")["metadata"]["namespace"] ==
        "jobs");
  const Submission old =
      must_build(with(scala_application(), {{"spec", {{"sparkVersion", "2.4.5"}}}}));
  REQUIRE(old.warnings.size() == 1);
  CHECK(old.warnings[0].find("as Spark 3.0 would be") != std::string::npos);
}

TEST_CASE("an installed Spark decides by whose rules a run is submitted, and it is said") {
  Context where = context();
  where.pods = PodsRunAs::Processes;
  where.installed_spark = "4.2.1";
  const Submission other =
      must_build(with(scala_application(), {{"spec", {{"sparkVersion", "latest"}}}}), where);
  REQUIRE(other.warnings.size() == 1);
  CHECK(other.warnings[0] ==
        "spec.sparkVersion is latest, but runs here are of the Spark that is installed, 4.2.1");
  CHECK(other.driver_pod["metadata"]["labels"]["spark-version"] == "4.2.1");
  CHECK(driver_container(other)["ports"].size() == 4);
  for (const json& each : other.before_pod)
    CHECK(each["kind"] != "NetworkPolicy");
  const Submission same =
      must_build(with(scala_application(), {{"spec", {{"sparkVersion", "4.2.0"}}}}), where);
  CHECK(same.warnings.empty());
}

TEST_CASE("what Spark refuses is refused in Spark's words") {
  struct Case {
    const char* key;
    const char* value;
    const char* error;
  };
  // As spark-submit 4.0.1 and 3.5.8 say them.
  constexpr Case kCases[] = {
      {"spark.driver.port", "x",
       "Illegal value for config key spark.driver.port: For input string: \"x\""},
      {"spark.blockManager.port", "x",
       "Illegal value for config key spark.blockManager.port: For input string: \"x\""},
      {"spark.ui.port", "x", "spark.ui.port should be int, but was x"},
      {"spark.kubernetes.kerberos.tokenSecret.name", "n",
       "If a secret storing a Kerberos Delegation Token is specified you must also specify the "
       "item-key where the data is stored"},
      {"spark.kubernetes.kerberos.tokenSecret.itemKey", "k",
       "If a secret data item-key where the data of the Kerberos Delegation Token is specified "
       "you must also specify the name of the secret"},
      {"spark.kerberos.principal", "p",
       "If a Kerberos principal is specified you must also specify a Kerberos keytab"},
      {"spark.kerberos.keytab", "local:///k",
       "If a Kerberos keytab is specified you must also specify a Kerberos principal"},
      {"spark.kubernetes.driver.volumes.hostPath.a.options.path", "/x",
       "key not found: hostPath.a.mount.path"},
      {"spark.kubernetes.driver.volumes.emptyDir.a", "/x", "key not found: emptyDir.a.mount.path"},
      {"spark.kubernetes.driver.volumes.hostPath.a.mount.path", "/x",
       "hostPath.a.options.path is required for hostPath"},
      {"spark.kubernetes.driver.secretKeyRef.A", "b", "SecretKeyRef must be in the form name:key."},
      {"spark.kubernetes.driver.secretKeyRef.A",
       "b:", "SecretKeyRef must be in the form name:key."},
      {"spark.kubernetes.driver.service.ipFamilyPolicy", "X",
       "The value of spark.kubernetes.driver.service.ipFamilyPolicy should be one of SingleStack, "
       "PreferDualStack, RequireDualStack, but was X"},
      {"spark.kubernetes.driver.service.ipFamilies", "IPv5",
       "The value of spark.kubernetes.driver.service.ipFamilies should be one of IPv4, IPv6, "
       "IPv4,IPv6, IPv6,IPv4, but was IPv5"},
  };
  for (const Case& c : kCases) {
    DYNAMIC_SECTION(c.key << "=" << c.value) {
      CHECK(refusal(with(scala_application(), {{"spec", {{"sparkConf", {{c.key, c.value}}}}}})) ==
            std::string("spec.sparkConf: ") + c.error);
    }
  }
  const auto memory = driver_memory({{"spark.driver.memoryOverhead", "1.5g"}}, Language::Jvm,
                                    *parse_spark_version("4.0.1"));
  REQUIRE_FALSE(memory.has_value());
  CHECK(memory.error().message ==
        "Size must be specified as bytes (b), kibibytes (k), mebibytes (m), gibibytes (g), "
        "tebibytes (t), or pebibytes(p). E.g. 50b, 100k, or 250m.\nFractional values are not "
        "supported. Input was: 1.5");
}
