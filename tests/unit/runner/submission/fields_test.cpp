// No field is ignored: every property of the CRD is given a value here, and must change what is
// built, be refused by name, or belong to the controller.

#include <set>

#include "tests/support/catch.h"
#include "tests/unit/runner/submission/application.h"
#include "tests/unit/runner/submission/yaml_documents.h"

using namespace runner::submission;
using namespace runner::submission::test;
using nlohmann::json;

namespace {

enum class Effect { Changes, Refused, OfTheController, Warns };

struct Field {
  json value;
  Effect effect = Effect::Changes;
};
using FieldTable = std::map<std::string, Field>;

FieldTable spec_fields() {
  return {
      {"activeDeadlineSeconds", {60, Effect::OfTheController}},
      {"arguments", {{"a"}}},
      {"batchScheduler", {"volcano"}},
      {"batchSchedulerOptions", {{{"queue", "q"}}, Effect::Warns}},
      {"deps", {{{"jars", {"local:///x.jar"}}}}},
      {"driver", {{{"cores", 3}}}},
      {"driverIngressOptions",
       {json::array({{{"servicePort", 1}, {"ingressURLFormat", "h.example.com"}}})}},
      {"driverPodDisruptionBudget", {true}},
      {"dynamicAllocation", {{{"enabled", true}}}},
      {"executor", {{{"cores", 3}}}},
      {"failureRetries", {1, Effect::Warns}},
      {"hadoopConf", {{{"a", "b"}}}},
      {"hadoopConfigMap", {"hadoop"}},
      {"image", {"other:1"}},
      {"imagePullPolicy", {"Always"}},
      {"imagePullSecrets", {json::array({"secret"})}},
      {"mainApplicationFile", {"local:///other.jar"}},
      {"mainClass", {"Other"}},
      {"memoryOverheadFactor", {"0.5"}},
      {"mode", {"client", Effect::Refused}},
      {"monitoring",
       {{{"exposeDriverMetrics", true},
         {"exposeExecutorMetrics", true},
         {"prometheus", {{"jmxExporterJar", "/a.jar"}}}}}},
      {"nodeSelector", {{{"pool", "batch"}}}},
      {"pendingDeadlineSeconds", {60, Effect::OfTheController}},
      {"proxyUser", {"carol"}},
      {"pythonVersion", {"3"}},
      {"restartPolicy", {{{"type", "Always"}}, Effect::OfTheController}},
      {"retryInterval", {1, Effect::Warns}},
      {"sparkConf", {{{"spark.a", "b"}}}},
      {"sparkConfigMap", {"conf"}},
      {"sparkUIOptions", {{{"servicePort", 1}}}},
      {"sparkVersion", {"3.5.8"}},
      {"suspend", {false, Effect::OfTheController}},
      {"timeToLiveSeconds", {60, Effect::OfTheController}},
      {"type", {"Python", Effect::Refused}},       // with a jar
      {"volumes", {{}, Effect::OfTheController}},  // without a mount: tested with volumeMounts
  };
}

json named(const char* name) {
  return json::array({{{"name", name}, {"image", "i"}}});
}

FieldTable role_fields() {
  return {
      {"affinity", {{{"nodeAffinity", json::object()}}}},
      {"annotations", {{{"a", "b"}}}},
      {"configMaps", {json::array({{{"name", "c"}, {"path", "/c"}}})}},
      {"coreLimit", {"2"}},
      {"coreRequest", {"500m"}},
      {"cores", {3}},
      {"dnsConfig", {{{"searches", {"x"}}}}},
      {"env", {json::array({{{"name", "A"}, {"value", "b"}}})}},
      {"envFrom", {json::array({{{"secretRef", {{"name", "s"}}}}})}},
      {"envSecretKeyRefs", {{{"A", {{"name", "s"}, {"key", "k"}}}}}},
      {"envVars", {{{"A", "b"}}}},
      {"gpu", {{{"name", "nvidia.com/gpu"}, {"quantity", 1}}}},
      {"hostAliases", {json::array({{{"ip", "10.0.0.1"}, {"hostnames", {"h"}}}})}},
      {"hostNetwork", {true}},
      {"image", {"role:1"}},
      {"initContainers", {named("init")}},
      {"javaOptions", {"-Da=b"}},
      {"labels", {{{"a", "b"}}}},
      {"lifecycle", {{{"preStop", json::object()}}}},
      {"memory", {"3g"}},
      {"memoryLimit", {"4g"}},
      {"memoryOverhead", {"1g"}},
      {"nodeSelector", {{{"a", "b"}}}},
      {"podSecurityContext", {{{"fsGroup", 1}}}},
      {"ports", {json::array({{{"name", "p"}, {"containerPort", 1}, {"protocol", "TCP"}}})}},
      {"priorityClassName", {"high"}},
      {"schedulerName", {"mine"}},
      {"secrets", {json::array({{{"name", "s"}, {"path", "/s"}, {"secretType", "Generic"}}})}},
      {"securityContext", {{{"runAsUser", 1}}}},
      {"serviceAccount", {"other"}},
      {"shareProcessNamespace", {true}},
      {"sidecars", {named("side")}},
      {"template", {{{"metadata", {{"labels", {{"x", "y"}}}}}}}},
      {"terminationGracePeriodSeconds", {7}},
      {"tolerations", {json::array({{{"operator", "Exists"}}})}},
      {"volumeMounts", {json::array({{{"name", "v"}, {"mountPath", "/v"}}})}},
  };
}

FieldTable driver_fields() {
  FieldTable fields = role_fields();
  fields["kubernetesMaster"] = {"https://10.0.0.1:6443"};
  fields["podName"] = {"my-driver"};
  fields["serviceAnnotations"] = {{{"a", "b"}}};
  fields["serviceLabels"] = {{{"a", "b"}}};
  return fields;
}

FieldTable executor_fields() {
  FieldTable fields = role_fields();
  fields["deleteOnTermination"] = {false};
  fields["instances"] = {7};
  return fields;
}

json all_objects(const Submission& submission) {
  json objects = submission.before_pod;
  objects.push_back(submission.driver_pod);
  return objects;
}

json base_application() {
  return with(scala_application(),
              {{"spec", {{"volumes", {{{"name", "v"}, {"emptyDir", json::object()}}}}}}});
}

void check_field(const std::string& path, const Field& field, const json& changed) {
  if (field.effect == Effect::Refused) {
    const std::string error = refusal(changed);
    INFO(error);
    const bool names_it = error.find(path) == 0 || path == "spec.type";
    CHECK(names_it);
    CHECK_FALSE(error.empty());
    return;
  }
  const Submission before = must_build(base_application());
  const Submission after = must_build(changed);
  switch (field.effect) {
    case Effect::Changes:
      CHECK(all_objects(before) != all_objects(after));
      break;
    case Effect::Warns:
      CHECK(after.warnings.size() == before.warnings.size() + 1);
      break;
    default:
      CHECK(all_objects(before) == all_objects(after));
      break;
  }
}

std::set<std::string> names_of(const FieldTable& fields) {
  std::set<std::string> names;
  for (const auto& [name, field] : fields)
    names.insert(name);
  return names;
}

}  // namespace

TEST_CASE("every field of spec has its effect or is refused by name") {
  for (const auto& [name, field] : spec_fields()) {
    if (name == "volumes") continue;
    DYNAMIC_SECTION(name) {
      check_field("spec." + name, field,
                  with(base_application(), {{"spec", {{name, field.value}}}}));
    }
  }
}

TEST_CASE("every field of a role has its effect or is refused by name") {
  for (const auto& [role, fields] :
       {std::pair{"driver", driver_fields()}, std::pair{"executor", executor_fields()}}) {
    for (const auto& [name, field] : fields) {
      DYNAMIC_SECTION(role << "." << name) {
        check_field("spec." + std::string(role) + "." + name, field,
                    with(base_application(), {{"spec", {{role, {{name, field.value}}}}}}));
      }
    }
  }
}

TEST_CASE("a value of the wrong type is refused with the field's name") {
  const json wrong = json::array({json::array({1})});  // no field takes a list of lists
  for (const auto& [role, fields] :
       {std::pair{"driver", driver_fields()}, std::pair{"executor", executor_fields()}}) {
    for (const auto& [name, field] : fields) {
      DYNAMIC_SECTION(role << "." << name) {
        const std::string error =
            refusal(with(base_application(), {{"spec", {{role, {{name, wrong}}}}}}));
        INFO(error);
        CHECK(error.starts_with("spec." + std::string(role) + "." + name));
      }
    }
  }
}

TEST_CASE("these are all fields that the CRD has") {
  const json crd = read_yaml(read_project_file("config/crd/sparkapplications.yaml")).front();
  const json& spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
  const auto properties = [](const json& schema) {
    std::set<std::string> names;
    for (const auto& [name, property] : schema["properties"].items())
      names.insert(name);
    return names;
  };
  CHECK(properties(spec) == names_of(spec_fields()));
  CHECK(properties(spec["properties"]["driver"]) == names_of(driver_fields()));
  CHECK(properties(spec["properties"]["executor"]) == names_of(executor_fields()));
}

namespace {

void collect_defaults(const json& schema, const std::string& path, std::set<std::string>& found) {
  if (schema.contains("default")) found.insert(path);
  if (schema.contains("items")) collect_defaults(schema["items"], path + "/*", found);
  if (!schema.contains("properties")) return;
  for (const auto& [name, property] : schema["properties"].items())
    collect_defaults(property, path + "/" + name, found);
}

}  // namespace

TEST_CASE("a default that the CRD gains is listed, or an upgrade would run finished runs again") {
  const json crd = read_yaml(read_project_file("config/crd/sparkapplications.yaml")).front();
  const json& spec = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
  std::set<std::string> found;
  collect_defaults(spec, "", found);
  // Those of the first release. Another one goes here and into kLaterDefaults of
  // runner/spec_hash.cpp.
  CHECK(found == std::set<std::string>{"/mode", "/monitoring/prometheus/port",
                                       "/monitoring/prometheus/portName", "/restartPolicy/type"});
}

TEST_CASE("a negative, zero or endless deadline is refused at apply") {
  const auto spec_of = [](const char* file) {
    const json crd = read_yaml(read_project_file(file)).front();
    return crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
              ["properties"];
  };
  const json application = spec_of("config/crd/sparkapplications.yaml");
  const json schedule = spec_of("config/crd/scheduledsparkapplications.yaml");
  const json& of_runs = schedule["template"]["properties"];
  for (const json* spec : {&application, &of_runs}) {
    for (const char* deadline : {"pendingDeadlineSeconds", "activeDeadlineSeconds"}) {
      INFO(deadline);
      CHECK((*spec)[deadline]["minimum"] == 1);
      CHECK((*spec)[deadline]["maximum"] == 2'147'483'647);
    }
    // The peer's: zero and less delete at once, more is for ever.
    CHECK_FALSE((*spec)["timeToLiveSeconds"].contains("minimum"));
  }
  CHECK(schedule["startingDeadlineSeconds"]["minimum"] == 0);
  CHECK(schedule["startingDeadlineSeconds"]["maximum"] == 2'147'483'647);
}
