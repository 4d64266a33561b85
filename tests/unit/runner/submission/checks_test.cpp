// What people wrote that cannot work is told before anything is created, by the path that they
// wrote.

#include "runner/submission/checks.h"

#include <algorithm>

#include "tests/support/catch.h"
#include "tests/unit/runner/submission/application.h"

using namespace runner::submission;
using namespace runner::submission::test;
using nlohmann::json;

namespace {

json with_driver(const json& driver) {
  return with_spec({{"driver", driver}});
}

}  // namespace

TEST_CASE("names that cannot be are refused before anything is created") {
  struct Case {
    json spec;
    std::string error;  // its beginning
  };
  const Case cases[] = {
      {{{"driver", {{"podName", "a/b"}}}}, "spec.driver.podName must not be \"a/b\": "},
      {{{"sparkConf", {{"spark.kubernetes.driver.pod.name", "a/b"}}}},
       "spec.sparkConf.spark.kubernetes.driver.pod.name must not be \"a/b\": "},
      {{{"driver",
         {{"env",
           {{{"name", "A"},
             {"value", "b"},
             {"valueFrom", {{"fieldRef", {{"fieldPath", "metadata.name"}}}}}}}}}}},
       "spec.driver.env[0] must not have both a value and valueFrom"},
      {{{"driver",
         {{"envFrom", {{{"configMapRef", {{"name", "a"}}}, {"secretRef", {{"name", "b"}}}}}}}}},
       "spec.driver.envFrom[0] must not have both a configMapRef and a secretRef"},
      {{{"volumes",
         {{{"name", "v"}, {"emptyDir", json::object()}, {"hostPath", {{"path", "/tmp"}}}}}}},
       "spec.volumes[0] must have one source, not emptyDir and hostPath"},
      {{{"sparkConfigMap", "../x"}}, "spec.sparkConfigMap must not be \"../x\": "},
      {{{"hadoopConfigMap", "A"}}, "spec.hadoopConfigMap must not be \"A\": "},
      {{{"imagePullSecrets", {"ok", "not ok"}}},
       "spec.imagePullSecrets[1] must not be \"not ok\": "},
      {{{"driver", {{"configMaps", {{{"name", "a/b"}, {"path", "/c"}}}}}}},
       "spec.driver.configMaps[0].name must not be \"a/b\": "},
      {{{"driver", {{"secrets", {{{"name", "a b"}, {"path", "/c"}, {"secretType", "Generic"}}}}}}},
       "spec.driver.secrets[0].name must not be \"a b\": "},
      {{{"executor", {{"serviceAccount", "a/b"}}}},
       "spec.executor.serviceAccount must not be \"a/b\": "},
      {{{"driver", {{"envSecretKeyRefs", {{"A", {{"name", "a/b"}, {"key", "k"}}}}}}}},
       "spec.driver.envSecretKeyRefs.A.name must not be \"a/b\": "},
      {{{"volumes", {{{"name", "v"}, {"secret", {{"secretName", "a/b"}}}}}}},
       "spec.volumes[0].secret.secretName must not be \"a/b\": "},
      {{{"volumes", {{{"name", "V_1"}, {"emptyDir", json::object()}}}}},
       "spec.volumes[0].name must not be \"V_1\": "},
      {{{"driver", {{"labels", {{"team", "data science"}}}}}},
       "spec.driver.labels.team must not be \"data science\": "},
      {{{"driver", {{"labels", {{"day", "{{ .ScheduledDate }}"}}}}}},
       "spec.driver.labels.day must not be \"{{ .ScheduledDate }}\": a variable without a value "
       "here cannot stand in a label"},
      {{{"driver", {{"sidecars", {{{"name", "spark-kubernetes-driver"}, {"image", "fluentd"}}}}}}},
       "spec.driver.sidecars[0].name must not be \"spark-kubernetes-driver\": Spark's own "
       "container "
       "has that name"},
      {{{"driver", {{"coreLimit", "two"}}}},
       "spec.driver.coreLimit must be a quantity such as 500m or 2, not \"two\""},
      {{{"sparkConf", {{"spark.executor.memory", "lots"}}}},
       "spec.sparkConf spark.executor.memory must be a size such as 512m, 2g or 1Gi, not \"lots\""},
      {{{"driver", {{"memory", "0"}}}},
       "spec.driver.memory must be a size over zero such as 512m, 2g or 1Gi, not \"0\""},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.error) {
      const std::string error = refusal(with_spec(c.spec));
      INFO(error);
      CHECK(error.starts_with(c.error));
    }
  }
}

TEST_CASE("what would be accepted and then stuck is refused by its path") {
  CHECK(refusal(with_driver(
            {{"env", {{{"name", "OK"}, {"value", "1"}}, {{"name", "A=B"}, {"value", "1"}}}}})) ==
        "spec.driver.env[1].name must not be \"A=B\": the name of a variable has no '='");
  CHECK(refusal(with_driver({{"envVars", {{"A=B", "1"}}}})) ==
        "spec.driver.envVars must not have \"A=B\": the name of a variable has no '='");
  CHECK(
      refusal(with_spec({{"sparkConf", {{"spark.executorEnv.A=B", "1"}}}})) ==
      "spec.sparkConf must not have \"spark.executorEnv.A=B\": the name of a variable has no '='");
  CHECK(refusal(with_spec({{"arguments", {"ok", std::string("cut\0here", 8)}}})) ==
        "spec.arguments[1] has a NUL character, which no program can be given");
  const json volume = {{{"name", "v"}, {"emptyDir", json::object()}}};
  for (const char* root : {"/", "//", "/."}) {
    CHECK(refusal(with_spec(
              {{"volumes", volume},
               {"driver", {{"volumeMounts", {{{"name", "v"}, {"mountPath", root}}}}}}})) ==
          "spec.driver.volumeMounts[0].mountPath must not be \"" + std::string(root) +
              "\": a volume there would hide every file of the image; mount it in a folder");
  }
  CHECK(refusal(with_driver({{"configMaps", {{{"name", "c"}, {"path", "/"}}}}}))
            .starts_with("spec.driver.configMaps[0].path must not be \"/\""));
  CHECK(refusal(with_driver(
            {{"initContainers", {{{"name", "i"}, {"image", "i"}, {"env", {{{"name", ""}}}}}}}})) ==
        "spec.driver.initContainers[0].env[0].name must not be \"\": a variable needs a name");
}

TEST_CASE("very long names and names with dots still make objects that can be") {
  const std::string longest(253, 'n');
  for (const std::string& name :
       {longest, std::string("my.app.v2"), std::string(120, 'a') + ".b"}) {
    const Submission built = must_build(
        with(scala_application(), {{"metadata", {{"name", name}}},
                                   {"spec",
                                    {{"monitoring",
                                      {{"exposeDriverMetrics", true},
                                       {"exposeExecutorMetrics", true},
                                       {"prometheus", {{"jmxExporterJar", "/a.jar"}}}}}}}}));
    std::vector<json> objects = built.before_pod;
    objects.push_back(built.driver_pod);
    for (const json& object : objects) {
      INFO(object["kind"] << " " << object["metadata"]["name"]);
      CHECK(is_object_name(object["metadata"]["name"].get<std::string>()));
      const json labels = object["metadata"].value("labels", json::object());
      for (const auto& [key, value] : labels.items())
        CHECK(value.get<std::string>().size() <= 63);
    }
  }
}

TEST_CASE("1Gi of memory is 1024 MiB, in fields and in sparkConf") {
  const Submission built = must_build(with_spec(
      {{"driver", {{"memory", "1Gi"}, {"memoryOverhead", "256Mi"}, {"memoryLimit", "2Gi"}}},
       {"sparkConf", {{"spark.memory.offHeap.size", "1Gi"}}}}));
  CHECK(properties(built).at("spark.driver.memory") == "1024m");
  CHECK(properties(built).at("spark.memory.offHeap.size") == "1024m");
  CHECK(driver_container(built)["resources"]["requests"]["memory"] == "1280Mi");
  CHECK(driver_container(built)["resources"]["limits"]["memory"] == "2Gi");
}

TEST_CASE("without an image a run is refused on a cluster and made on a machine") {
  const json application = with_spec({{"image", nullptr}});
  CHECK(refusal(application).starts_with("spec.image is required"));
  CHECK(driver_container(must_build(application, on_a_machine()))["image"] == "none");
  CHECK(refusal(with_spec({{"image", nullptr}, {"driver", {{"image", "d:1"}}}})) ==
        "spec.image is required, since spec.executor.image is not given either: pods of a cluster "
        "run an image");
}

TEST_CASE("what a template leaves empty says nothing") {
  const auto roles_with = [](const json& value) {
    json role = json::object();
    for (const char* field :
         {"coreLimit", "coreRequest", "image", "javaOptions", "memory", "memoryLimit",
          "memoryOverhead", "priorityClassName", "schedulerName", "serviceAccount"})
      role[field] = value;
    json spec = {{"driver", role}, {"executor", role}};
    spec["driver"]["podName"] = value;
    for (const char* field :
         {"sparkConfigMap", "hadoopConfigMap", "batchScheduler", "memoryOverheadFactor"})
      spec[field] = value;
    return spec;
  };
  json empty = roles_with("");
  empty["imagePullSecrets"] = json::array({""});
  const Submission built = must_build(with_spec(empty));
  const Submission plain = must_build(with_spec(roles_with(nullptr)));
  CHECK(built.driver_pod == plain.driver_pod);
  CHECK(built.before_pod == plain.before_pod);
  CHECK(built.warnings.empty());
}

TEST_CASE("what every driver would die of is told before there is one") {
  struct Case {
    json spec;
    std::string error;
  };
  const Case cases[] = {
      {{{"driver", {{"javaOptions", "-Da=b -Xmx4g"}}}},
       "spec.driver.javaOptions must not have -Xmx: spec.driver.memory is the heap"},
      {{{"sparkConf", {{"spark.driver.extraJavaOptions", "-Xmx4g"}}}},
       "spec.sparkConf: spark.driver.extraJavaOptions must not have -Xmx: spec.driver.memory is "
       "the heap"},
      {{{"executor", {{"javaOptions", "-Xmx4g"}}}},
       "spec.executor.javaOptions must not have -Xmx: spec.executor.memory is the heap"},
      {{{"executor", {{"javaOptions", "-Dspark.speculation=true"}}}},
       "spec.executor.javaOptions must not have settings of Spark: those belong into "
       "spec.sparkConf"},
      {{{"dynamicAllocation", {{"enabled", true}, {"minExecutors", 10}, {"maxExecutors", 2}}}},
       "spec.dynamicAllocation.maxExecutors is 2, less than minExecutors, 10"},
      {{{"dynamicAllocation", {{"enabled", true}, {"maxExecutors", 0}}}},
       "spec.dynamicAllocation.maxExecutors must be over zero"},
      {{{"deps", {{"packages", {"a:b:1", "a:b"}}}}},
       "spec.deps.packages: Provided Maven Coordinates must be in the form "
       "'groupId:artifactId:version'. The coordinate provided is: a:b"},
      {{{"sparkConf", {{"spark.jars.packages", "a::1"}}}},
       "spec.sparkConf: spark.jars.packages: Provided Maven Coordinates must be in the form "
       "'groupId:artifactId:version'. The coordinate provided is: a::1"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.error) {
      CHECK(refusal(with_spec(c.spec)) == c.error);
    }
  }
  // Threads of a driver are no executors that Spark allocates.
  Context threads = on_a_machine();
  threads.forced_conf["spark.kubernetes.driver.master"] = "local[2]";
  CHECK(refusal(with_spec(cases[4].spec), threads).empty());
  CHECK(refusal(with_spec({{"driver", {{"javaOptions", "-Xms1g"}}},
                           {"deps", {{"packages", {"a:b:1", "c/d/2:", "e:f:3,"}}}},
                           {"dynamicAllocation", {{"enabled", true}, {"maxExecutors", 2}}}}))
            .empty());
}

TEST_CASE("on a machine a whole path is a file of it, and a path from a folder is refused") {
  const json whole = with_spec(
      {{"mainApplicationFile", "/srv/jobs/app.jar"}, {"deps", {{"files", {"/srv/a.csv"}}}}});
  const Submission built = must_build(whole, on_a_machine());
  const json& arguments = driver_container(built)["args"];
  CHECK(std::any_of(arguments.begin(), arguments.end(), [](const json& one) {
    return one.get<std::string>().ends_with("/srv/jobs/app.jar");
  }));
  CHECK(properties(built).at("spark.files").ends_with("/srv/a.csv"));
  CHECK(
      refusal(whole).starts_with("spec.mainApplicationFile is a file of the machine that submits"));
  CHECK(refusal(with_spec({{"mainApplicationFile", "jobs/app.jar"}}), on_a_machine()) ==
        "spec.mainApplicationFile is no whole path, and nobody knows from which folder: "
        "jobs/app.jar (sparkctl create --upload sends files)");
}

TEST_CASE("what is said about a place in the pod is told by the path that people wrote") {
  const json application =
      with_spec({{"volumes", {{{"name", "data"}, {"nfs", {{"server", "s"}, {"path", "/p"}}}}}},
                 {"driver",
                  {{"volumeMounts", {{{"name", "data"}, {"mountPath", "/data"}}}},
                   {"env", {{{"name", "A"}, {"value", "b"}}}},
                   {"sidecars", {{{"name", "side"}, {"image", "s"}}}}}}});
  const Submission built = must_build(application);
  const json& pod = built.driver_pod;
  const auto index_of = [](const json& list, const char* name) {
    for (size_t i = 0; i < list.size(); ++i)
      if (list[i]["name"] == name) return std::to_string(i);
    return std::string("none");
  };
  const std::string volume = index_of(pod["spec"]["volumes"], "data");
  const std::string driver = index_of(pod["spec"]["containers"], "spark-kubernetes-driver");
  const std::string side = index_of(pod["spec"]["containers"], "side");
  REQUIRE(volume != "0");
  const json& container = driver_container(built);
  CHECK(with_written_paths("spec.volumes[" + volume + "].nfs is not supported", pod, application) ==
        "spec.volumes[0].nfs is not supported");
  CHECK(with_written_paths("spec.containers[" + side + "].image: bad", pod, application) ==
        "spec.driver.sidecars[0].image: bad");
  CHECK(with_written_paths("x: spec.containers[" + driver + "].env[" +
                               index_of(container["env"], "A") + "].value: no, spec.volumes[99]",
                           pod,
                           application) == "x: spec.driver.env[0].value: no, spec.volumes[99]");
  CHECK(with_written_paths("spec.containers[" + driver + "].lifecycle is not supported", pod,
                           application) == "spec.driver.lifecycle is not supported");
  CHECK(with_written_paths("spec.volumes[", pod, application) == "spec.volumes[");
}

TEST_CASE("a dry run names the field of the schedule") {
  const auto problem =
      check_template(with_driver({{"memory", "lots"}}), context(), "spec.template");
  REQUIRE(problem.has_value());
  CHECK(
      problem->message ==
      "spec.template.driver.memory must be a size over zero such as 512m, 2g or 1Gi, not \"lots\"");
  CHECK(check_template(with_spec({{"nodeSelector", {{"a", "b"}}},
                                  {"driver", {{"nodeSelector", {{"a", "b"}}}}}}),
                       context(), "spec.template")
            ->message ==
        "spec.template.driver.nodeSelector and spec.template.nodeSelector exclude each other");
  CHECK_FALSE(check_template(scala_application(), context(), "spec.template").has_value());
}

TEST_CASE("what the machine would refuse of a driver's pod is told before anything is created") {
  Context where = on_a_machine();
  where.check_pod = [](const json& pod) -> base::Status {
    for (const json& volume : pod["spec"]["volumes"])
      if (volume.contains("nfs"))
        return base::failure(base::Code::InvalidArgument, "volume \"v\": nfs is not supported");
    return {};
  };
  CHECK(build_submission(scala_application(), where).has_value());
  const json nfs =
      with_spec({{"volumes", {{{"name", "v"}, {"nfs", {{"server", "s"}, {"path", "/"}}}}}},
                 {"driver", {{"volumeMounts", {{{"name", "v"}, {"mountPath", "/mnt"}}}}}}});
  const auto refused = build_submission(nfs, where);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == base::Code::InvalidArgument);
  CHECK(refused.error().message == "spec: the driver's pod: volume \"v\": nfs is not supported");
  CHECK(check_template(nfs, where, "spec.template")->message ==
        "spec.template: the driver's pod: volume \"v\": nfs is not supported");
}

TEST_CASE("lists whose elements are compared with each other have at most a thousand") {
  json volumes = json::array();
  for (int i = 0; i < 1001; ++i)
    volumes.push_back({{"name", "v" + std::to_string(i)}, {"emptyDir", json::object()}});
  const auto refused = build_submission(with_spec({{"volumes", volumes}}), context());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "spec.volumes has 1001 elements: at most 1000 are allowed");
}

TEST_CASE("a proxy user is refused where drivers act as nobody else") {
  const auto made = [](const char* version) {
    return build_submission(with_spec({{"proxyUser", "alice"}, {"sparkVersion", version}}),
                            context());
  };
  REQUIRE_FALSE(made("3.0.3"));
  CHECK(made("3.0.3").error().message ==
        "spec.proxyUser needs a newer Spark: drivers of this line act as nobody else");
  CHECK(made("3.5.8"));
}

TEST_CASE("a Service's name begins with a letter") {
  const json application = with(scala_application(), {{"metadata", {{"name", "1st"}}},
                                                      {"spec", {{"sparkVersion", "3.1.3"}}}});
  const Submission built = must_build(application, context());
  const auto service = std::find_if(built.before_pod.begin(), built.before_pod.end(),
                                    [](const json& one) { return one["kind"] == "Service"; });
  REQUIRE(service != built.before_pod.end());
  const std::string name = (*service)["metadata"]["name"].get<std::string>();
  CHECK(name.starts_with("spark-"));
  CHECK(name.ends_with("-driver-svc"));
}
