// What the CRDs refuse when an object is written, and what they must go on accepting.

#include "config/crd.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/yaml/yaml.h"
#include "config/pod_shape.h"
#include "kube/server/machinery/structural_schema.h"
#include "tests/support/catch.h"

using nlohmann::json;
using Schema = kube::server::machinery::StructuralSchema;

namespace {

json crd(std::string_view kind) {
  for (const std::string_view text : config::crd_manifests()) {
    json found = base::yaml::parse(text).value();
    if (found.at("spec").at("names").at("kind") == kind) return found;
  }
  FAIL("no such kind");
  return {};
}
json open_api(std::string_view kind) {
  return crd(kind).at("/spec/versions/0/schema/openAPIV3Schema"_json_pointer);
}
std::shared_ptr<const Schema> compiled(std::string_view kind) {
  return Schema::compile(open_api(kind), {}).value();
}

json application(const json& spec) {
  json whole = {{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                {"kind", "SparkApplication"},
                {"metadata", {{"name", "pi"}}},
                {"spec",
                 {{"type", "Scala"},
                  {"sparkVersion", "4.0.1"},
                  {"mainApplicationFile", "local:///a.jar"},
                  {"driver", json::object()},
                  {"executor", json::object()}}}};
  whole["spec"].merge_patch(spec);
  return whole;
}

// A value for every field that a schema knows.
json everything(const json& schema) {
  if (schema.contains("enum")) return schema["enum"][0];
  const std::string type = schema.value("type", "any");
  if (type == "object" && schema.contains("properties")) {
    json object = json::object();
    for (const auto& [name, field] : schema["properties"].items())
      object[name] = everything(field);
    return object;
  }
  if (type == "object" && schema.contains("additionalProperties"))
    return {{"key", everything(schema["additionalProperties"])}};
  if (type == "object") return json::object();
  if (type == "array") return json::array({everything(schema["items"])});
  if (type == "integer") return schema.value("minimum", 1);
  if (type == "boolean") return true;
  if (schema.value("format", "") == "date-time") return "2026-01-02T03:04:05Z";
  return "1";
}

// What kubectl's annotation holds; Go escapes &, < and >.
size_t applied_size(const json& object) {
  const std::string text = object.dump();
  size_t size = text.size();
  for (const char c : text)
    if (c == '&' || c == '<' || c == '>') size += 5;
  return size;
}

}  // namespace

TEST_CASE("both CRDs fit plain kubectl apply with room to spare") {
  size_t all = 0;
  for (const std::string_view text : config::crd_manifests())
    all += applied_size(base::yaml::parse(text).value());
  CHECK(all < 180'000);
}

TEST_CASE("slips of the hand inside of pods are unknown fields") {
  struct Case {
    json spec;
    std::string unknown;
  };
  const Case cases[] = {
      {{{"volumes", {{{"name", "v"}, {"configmap", {{"name", "c"}}}}}}},
       "spec.volumes[0].configmap"},
      {{{"driver", {{"env", {{{"name", "A"}, {"valuefrom", json::object()}}}}}}},
       "spec.driver.env[0].valuefrom"},
      {{{"executor", {{"envFrom", {{{"secretref", {{"name", "s"}}}}}}}}},
       "spec.executor.envFrom[0].secretref"},
      {{{"driver", {{"affinity", {{"podAffinity", {{"preferred", {1}}}}}}}}},
       "spec.driver.affinity.podAffinity.preferred"},
      {{{"driver",
         {{"sidecars",
           {{{"name", "s"}, {"readinessProbe", {{"httpGet", {{"port", 1}, {"paht", "/"}}}}}}}}}}},
       "spec.driver.sidecars[0].readinessProbe.httpGet.paht"},
      {{{"driver", {{"initContainers", {{{"name", "s"}, {"resources", {{"limit", 1}}}}}}}}},
       "spec.driver.initContainers[0].resources.limit"},
      {{{"driver", {{"lifecycle", {{"preStop", {{"exec", {{"cmd", {"x"}}}}}}}}}}},
       "spec.driver.lifecycle.preStop.exec.cmd"},
      {{{"driver", {{"dnsConfig", {{"nameserver", {"x"}}}}}}}, "spec.driver.dnsConfig.nameserver"},
      {{{"driver", {{"podSecurityContext", {{"fsgroup", 1}}}}}},
       "spec.driver.podSecurityContext.fsgroup"},
      {{{"driver", {{"tolerations", {{{"keys", "x"}}}}}}}, "spec.driver.tolerations[0].keys"},
      {{{"driver", {{"template", {{"spec", {{"nodeselector", json::object()}}}}}}}},
       "spec.driver.template.spec.nodeselector"},
      {{{"driver", {{"template", {{"metadata", {{"lables", json::object()}}}}}}}},
       "spec.driver.template.metadata.lables"},
  };
  const auto schema = compiled("SparkApplication");
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.unknown) {
      json object = application(c.spec);
      CHECK(schema->prune(object) == std::vector{c.unknown});
    }
  }
}

TEST_CASE("a number without quotes is refused by the path that was written") {
  const json object = application(
      {{"driver", {{"env", {{{"name", "A"}, {"value", "x"}}, {{"name", "B"}, {"value", 1}}}}}}});
  const auto errors = compiled("SparkApplication")->validate(object);
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].field == "spec.driver.env[1].value");
}

TEST_CASE("amounts may be numbers, as in a pod") {
  json object = application(
      {{"volumes", {{{"name", "v"}, {"emptyDir", {{"sizeLimit", 1073741824}}}}}},
       {"driver", {{"sidecars", {{{"name", "s"}, {"resources", {{"limits", {{"cpu", 0.5}}}}}}}}}}});
  const auto schema = compiled("SparkApplication");
  CHECK(schema->prune(object).empty());
  CHECK(schema->validate(object).empty());
}

TEST_CASE("a pod template may be a whole Pod as kubectl prints it") {
  json object =
      application({{"driver",
                    {{"template",
                      {{"apiVersion", "v1"},
                       {"kind", "Pod"},
                       {"metadata", {{"labels", {{"a", "b"}}}}},
                       {"spec", {{"containers", {{{"name", "c"}, {"resources", json::object()}}}}}},
                       {"status", json::object()}}}}}});
  object["spec"]["driver"]["template"]["metadata"]["creationTimestamp"] = nullptr;
  const auto schema = compiled("SparkApplication");
  CHECK(schema->prune(object).empty());
  CHECK(schema->validate(object).empty());
}

TEST_CASE("an object that was stored before the schema knew pods can still be labelled") {
  const json stored = application({{"driver", {{"env", {{{"name", "A"}, {"value", 1}}}}}}});
  json labelled = stored;
  labelled["metadata"]["labels"]["a"] = "b";
  labelled["status"] = {{"applicationState", {{"state", "RUNNING"}}}};
  CHECK(compiled("SparkApplication")->validate_update(labelled, stored).empty());
  CHECK_FALSE(compiled("SparkApplication")->validate(labelled).empty());
}

TEST_CASE("reading an object fills nothing into the parts of pods") {
  const json spec = open_api("SparkApplication")["properties"]["spec"];
  for (const char* part : {"/properties/driver", "/properties/executor", "/properties/volumes"}) {
    INFO(part);
    CHECK(spec.at(json::json_pointer(part)).dump().find("\"default\"") == std::string::npos);
  }
}

TEST_CASE("all that the CRD knows of pods is what pods have") {
  const json whole = everything(open_api("SparkApplication"));
  const base::Status status = config::check_pod_shape(whole);
  CHECK((status ? "" : status.error().message) == "");
  CHECK(whole["spec"]["driver"]["sidecars"][0]["readinessProbe"]["exec"]["command"][0] == "1");
}

TEST_CASE("both kinds have the same schema of an application") {
  CHECK(open_api("SparkApplication")["properties"]["spec"]["properties"] ==
        open_api("ScheduledSparkApplication")["properties"]["spec"]["properties"]["template"]
                                             ["properties"]);
}

TEST_CASE("samples are accepted as they are") {
  size_t found = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(SPARKCRON_SOURCE_DIR) + "/config/samples")) {
    if (entry.path().extension() != ".yaml") continue;
    INFO(entry.path().string());
    const std::vector<json> documents =
        base::yaml::parse_all(base::read_file(entry.path()).value()).value();
    for (const json& one : documents) {
      json object = one;
      const std::string kind = object.value("kind", "");
      if (!kind.ends_with("SparkApplication")) continue;
      const auto schema = compiled(kind);
      CHECK(schema->prune(object).empty());
      CHECK(schema->validate(object).empty());
      ++found;
    }
  }
  CHECK(found >= 10);
}
