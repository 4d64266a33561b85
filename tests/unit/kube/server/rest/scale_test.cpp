// The scale subresource of custom resources.

#include <algorithm>

#include "tests/support/catch.h"
#include "tests/unit/kube/server/support/in_memory_api.h"

namespace {

using nlohmann::json;
using tests::Answer;
using tests::InMemoryApi;

const std::string kFleets = "/apis/demo.example.com/v1/namespaces/default/fleets";
const std::string kScale = kFleets + "/f/scale";

json definition() {
  const json number = {{"type", "integer"}};
  return {{"apiVersion", "apiextensions.k8s.io/v1"},
          {"kind", "CustomResourceDefinition"},
          {"metadata", {{"name", "fleets.demo.example.com"}}},
          {"spec",
           {{"group", "demo.example.com"},
            {"scope", "Namespaced"},
            {"names", {{"plural", "fleets"}, {"kind", "Fleet"}}},
            {"versions",
             {{{"name", "v1"},
               {"served", true},
               {"storage", true},
               {"subresources",
                {{"status", json::object()},
                 {"scale",
                  {{"specReplicasPath", ".spec.size.wanted"},
                   {"statusReplicasPath", ".status.size"},
                   {"labelSelectorPath", ".status.selector"}}}}},
               {"schema",
                {{"openAPIV3Schema",
                  {{"type", "object"},
                   {"properties",
                    {{"spec",
                      {{"type", "object"},
                       {"properties",
                        {{"size", {{"type", "object"}, {"properties", {{"wanted", number}}}}}}}}},
                     {"status",
                      {{"type", "object"},
                       {"properties",
                        {{"size", number}, {"selector", {{"type", "string"}}}}}}}}}}}}}}}}}}};
}

json fleet(json spec) {
  return {{"apiVersion", "demo.example.com/v1"},
          {"kind", "Fleet"},
          {"metadata", {{"name", "f"}}},
          {"spec", std::move(spec)}};
}

json scale(json spec) {
  return {{"apiVersion", "autoscaling/v1"},
          {"kind", "Scale"},
          {"metadata", {{"name", "f"}}},
          {"spec", std::move(spec)}};
}

void install(InMemoryApi& api) {
  const Answer made =
      api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition());
  INFO(made.text);
  REQUIRE(made.status == 201);
}

TEST_CASE("a Scale shows and sets the number that its definition points to") {
  InMemoryApi api;
  install(api);
  REQUIRE(api.post(kFleets, fleet({{"size", {{"wanted", 2}}}})).status == 201);
  REQUIRE(
      api.merge(kFleets + "/f/status", {{"status", {{"size", 1}, {"selector", "app=f"}}}}).status ==
      200);
  const Answer read = api.get(kScale);
  REQUIRE(read.status == 200);
  CHECK(read.body["kind"] == "Scale");
  CHECK(read.body["apiVersion"] == "autoscaling/v1");
  CHECK(read.body["spec"] == json{{"replicas", 2}});
  CHECK(read.body["status"] == json{{"replicas", 1}, {"selector", "app=f"}});
  CHECK(read.body["metadata"]["uid"] == api.get(kFleets + "/f").body["metadata"]["uid"]);

  CHECK(api.put(kScale, scale({{"replicas", 3}})).status == 200);
  CHECK(api.merge(kScale, {{"spec", {{"replicas", 4}}}}).body["spec"]["replicas"] == 4);
  const json replace = {{{"op", "replace"}, {"path", "/spec/replicas"}, {"value", 5}}};
  CHECK(api.ask({.method = "PATCH",
                 .target = kScale + "?fieldManager=scaler",
                 .body = replace,
                 .content_type = "application/json-patch+json"})
            .status == 200);
  const json now = api.get(kFleets + "/f").body;
  CHECK(now["spec"]["size"]["wanted"] == 5);
  CHECK(now["metadata"]["generation"] == 4);
  CHECK(now["status"]["size"] == 1);
  const json& managers = now["metadata"]["managedFields"];
  const auto owner = std::find_if(managers.begin(), managers.end(),
                                  [](const json& entry) { return entry["manager"] == "scaler"; });
  REQUIRE(owner != managers.end());
  CHECK((*owner)["subresource"] == "scale");
  CHECK((*owner)["fieldsV1"] == json::parse(R"({"f:spec":{"f:size":{"f:wanted":{}}}})"));

  const Answer table =
      api.ask({.target = kScale, .accept = "application/json;as=Table;v=v1;g=meta.k8s.io"});
  CHECK(table.body["rows"][0]["cells"][1] == 5);
  CHECK(api.merge(kScale + "?dryRun=All", {{"spec", {{"replicas", 9}}}}).body["spec"]["replicas"] ==
        9);
  CHECK(api.get(kScale).body["spec"]["replicas"] == 5);
}

TEST_CASE("a Scale that makes no sense is refused, and what has none has no such subresource") {
  InMemoryApi api;
  install(api);
  api.install_widgets();
  REQUIRE(api.post(tests::kWidgets, tests::widget("f")).status == 201);
  CHECK(api.get(std::string(tests::kWidgets) + "/f/scale").status == 404);
  CHECK(api.get(kScale).body["message"] == "fleets.demo.example.com \"f\" not found");

  REQUIRE(api.post(kFleets, fleet(json::object())).status == 201);
  const Answer unset = api.get(kScale);
  CHECK(unset.status == 500);
  CHECK(unset.body["message"] ==
        "Internal error occurred: the spec replicas field \".spec.size.wanted\" does not exist");

  const Answer negative = api.put(kScale, scale({{"replicas", -1}}));
  CHECK(negative.status == 422);
  CHECK(
      negative.body["message"] ==
      "Fleet.demo.example.com \"f\" is invalid: .spec.size.wanted: Invalid value: -1: should be a "
      "non-negative integer");
  CHECK(api.put(kScale, scale({{"replicas", "many"}})).status == 422);
  json stale = scale({{"replicas", 1}});
  stale["metadata"]["resourceVersion"] = "1";
  CHECK(api.put(kScale, stale).status == 409);
  json other = scale({{"replicas", 1}});
  other["metadata"]["name"] = "other";
  CHECK(api.put(kScale, other).status == 400);
  CHECK(api.put(kScale, fleet(json::object())).status == 400);
  CHECK(api.remove(kScale).body["message"] ==
        "delete is not supported on resources of kind \"fleets.demo.example.com\"");
  CHECK(api.ask({.method = "PATCH",
                 .target = kScale + "?fieldManager=me",
                 .body = scale({{"replicas", 1}}),
                 .content_type = "application/apply-patch+yaml"})
            .status == 415);
  CHECK(api.put(kScale, scale({{"replicas", 7}})).status == 200);
  CHECK(api.get(kFleets + "/f").body["spec"]["size"]["wanted"] == 7);
}

TEST_CASE("the paths of a scale subresource point where its numbers are") {
  InMemoryApi api;
  struct Case {
    const char* member;
    json path;
    std::string message;
  };
  const Case cases[] = {
      {"specReplicasPath", "spec.n",
       "Invalid value: \"spec.n\": must be a simple json path starting with ."},
      {"specReplicasPath", ".status.n",
       "Invalid value: \".status.n\": should be a json path under .spec"},
      {"specReplicasPath", ".spec.a[0]", "must be a simple json path starting with ."},
      {"specReplicasPath", nullptr, "specReplicasPath: Required value"},
      {"statusReplicasPath", ".spec.n", "should be a json path under .status"},
      {"labelSelectorPath", ".metadata.n", "should be a json path under either .spec or .status"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.member << " " << c.path) {
      json wrong = definition();
      wrong["spec"]["versions"][0]["subresources"]["scale"][c.member] = c.path;
      const Answer answer =
          api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", wrong);
      CHECK(answer.status == 422);
      INFO(answer.text);
      CHECK(answer.body["message"].get<std::string>().find(c.message) != std::string::npos);
    }
  }
}

TEST_CASE("types inside of a definition are checked before it is taken") {
  InMemoryApi api;
  struct Case {
    const char* pointer;
    json value;
    std::string problem;
  };
  const std::string schema = "spec.versions[0].schema.openAPIV3Schema";
  const Case cases[] = {
      {"/spec/versions/0/schema/openAPIV3Schema/properties/spec/type", json::array({"object"}),
       schema + ".properties[spec].type must be a string, got an array"},
      {"/spec/versions/0/schema/openAPIV3Schema/properties/spec/minimum", "1",
       schema + ".properties[spec].minimum must be a number, got a string"},
      {"/spec/versions/0/schema/openAPIV3Schema/required", "spec",
       schema + ".required must be a list, got a string"},
      {"/spec/versions/0/schema/openAPIV3Schema/properties/spec/maxLength", 1.5,
       schema + ".properties[spec].maxLength must be an integer, got a number"},
      {"/spec/versions/0/schema/openAPIV3Schema/properties/spec/nullable", "yes",
       schema + ".properties[spec].nullable must be true or false, got a string"},
      {"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties", json::array(),
       schema + ".properties[spec].properties must be an object, got an array"},
      {"/spec/versions/0/served", "true",
       "spec.versions[0].served must be true or false, got a string"},
      {"/spec/names/shortNames", "fl", "spec.names.shortNames must be a list, got a string"},
      {"/spec/versions/0/additionalPrinterColumns",
       {{{"name", true}}},
       "spec.versions[0].additionalPrinterColumns[0].name must be a string, got a boolean"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.problem) {
      json wrong = definition();
      wrong[json::json_pointer(c.pointer)] = c.value;
      const Answer answer =
          api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", wrong);
      CHECK(answer.status == 400);
      CHECK(answer.body["message"] ==
            "CustomResourceDefinition in version \"v1\" cannot be handled as a "
            "CustomResourceDefinition: " +
                c.problem);
    }
  }
  install(api);
  const Answer patched =
      api.merge("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/fleets.demo.example.com",
                {{"spec", {{"scope", 1}}}});
  CHECK(patched.status == 422);
  CHECK(patched.body["message"].get<std::string>().find("spec.scope must be a string") !=
        std::string::npos);
}

}  // namespace
