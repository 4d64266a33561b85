// Options of requests, the forms of answers, and the warnings that come along.

#include <stdexcept>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/yaml/yaml.h"
#include "tests/support/catch.h"
#include "tests/unit/kube/server/support/in_memory_api.h"

namespace {

using nlohmann::json;
using tests::Answer;
using tests::Ask;
using tests::config_map;
using tests::InMemoryApi;
using tests::kConfigMaps;

std::string one(const std::string& query) {
  return std::string(kConfigMaps) + "/a?" + query;
}

std::string all(const std::string& query) {
  return std::string(kConfigMaps) + "?" + query;
}

TEST_CASE("options that do not go together are refused under their own name") {
  InMemoryApi api;
  REQUIRE(api.post(kConfigMaps, config_map("a")).status == 201);
  const json none = nullptr;
  struct Case {
    Ask ask;
    std::string message;
  };
  const auto patch = [](const std::string& query, const char* type) {
    return Ask{.method = "PATCH",
               .target = one(query),
               .body = config_map("a"),
               .content_type = std::string("application/") + type};
  };
  const std::vector<Case> cases = {
      {.ask = patch("", "apply-patch+yaml"),
       .message = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is "
                  "required for apply patch"},
      {.ask = patch("force=true", "merge-patch+json"),
       .message =
           "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified "
           "for non-apply patch"},
      {.ask = patch("fieldManager=" + std::string(129, 'x'), "merge-patch+json"),
       .message = "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Too long: may not be "
                  "more than 128 bytes"},
      {.ask = {.method = "POST", .target = all("fieldManager=a\tb"), .body = config_map("b")},
       .message = "CreateOptions.meta.k8s.io \"\" is invalid: fieldManager: Invalid value: "
                  "\"a\\tb\": invalid character: must be printable"},
      {.ask = {.method = "DELETE", .target = one("propagationPolicy=Sideways")},
       .message =
           "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: "
           "\"Sideways\": supported values: \"Foreground\", \"Background\", \"Orphan\", "
           "\"nil\""},
      {.ask = {.method = "DELETE",
               .target = one("propagationPolicy=Orphan"),
               .body = {{"orphanDependents", true}}},
       .message = "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Invalid value: "
                  "\"Orphan\": orphanDependents and deletionPropagation cannot be both set"},
      {.ask = {.target = all("resourceVersionMatch=Exact")},
       .message = "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: "
                  "resourceVersionMatch is forbidden unless resourceVersion is provided"},
      {.ask = {.target = all("resourceVersionMatch=Exact&resourceVersion=0")},
       .message = "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: "
                  "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""},
      {.ask = {.target = all("resourceVersionMatch=Newest&resourceVersion=1")},
       .message = "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Unsupported "
                  "value: \"Newest\": supported values: \"Exact\", \"NotOlderThan\", \"\""},
      {.ask = {.target = all("sendInitialEvents=true")},
       .message = "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: "
                  "sendInitialEvents is forbidden for list"},
      {.ask = {.target = all("watch=true&sendInitialEvents=true")},
       .message = "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: "
                  "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"},
      {.ask = {.target = all("watch=true&resourceVersionMatch=NotOlderThan")},
       .message = "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: "
                  "resourceVersionMatch is forbidden for watch unless sendInitialEvents is "
                  "provided"},
  };
  for (const Case& c : cases) {
    INFO(c.ask.method << " " << c.ask.target);
    const Answer answer = api.ask(c.ask);
    CHECK(answer.status == 422);
    CHECK(answer.body["message"] == c.message);
  }
  CHECK(api.get(one("")).status == 200);
}

TEST_CASE("objects, lists and refusals come as YAML when that is asked for") {
  InMemoryApi api;
  REQUIRE(api.post(kConfigMaps, config_map("a", {{"x", "yes"}})).status == 201);
  const auto yaml = [&](const std::string& target) {
    const Answer answer = api.ask({.target = target, .accept = "application/yaml"});
    CHECK(answer.headers.get("Content-Type") == "application/yaml");
    const auto value = base::yaml::parse(answer.text);
    REQUIRE(value);
    return *value;
  };
  CHECK(yaml(one("")) == api.get(one("")).body);
  CHECK(yaml(kConfigMaps) == api.get(kConfigMaps).body);
  CHECK(yaml(std::string(kConfigMaps) + "/none")["reason"] == "NotFound");
  CHECK(api.ask({.target = all("watch=true"), .accept = "application/yaml"}).status == 406);
}

TEST_CASE("a deprecated version says so with every answer") {
  InMemoryApi api;
  json definition = tests::widget_definition();
  json& versions = definition["spec"]["versions"];
  json old = versions[0];
  old["name"] = "v1alpha1";
  old["storage"] = false;
  old["deprecated"] = true;
  json older = old;
  older["name"] = "v1alpha0";
  older["deprecationWarning"] = "use v1";
  versions.push_back(old);
  versions.push_back(older);
  REQUIRE(api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition).status ==
          201);
  const auto warning = [&](const std::string& version) {
    const Answer answer =
        api.get("/apis/demo.example.com/" + version + "/namespaces/default/widgets");
    CHECK(answer.status == 200);
    return std::string(answer.headers.get("Warning"));
  };
  CHECK(warning("v1").empty());
  CHECK(warning("v1alpha1") ==
        "299 - \"demo.example.com/v1alpha1 Widget is deprecated; use demo.example.com/v1 Widget\"");
  CHECK(warning("v1alpha0") == "299 - \"use v1\"");
}

TEST_CASE("who owns the server may advise on what was written") {
  std::vector<std::string> asked;
  kube::server::ApiServerOptions options;
  options.advise = [&](const std::string& resource, const json& object) {
    asked.push_back(resource + " " + object["metadata"]["name"].get<std::string>());
    if (object.contains("data")) throw std::runtime_error("cannot judge");
    return std::vector<std::string>{"nobody \"reads\" it"};
  };
  InMemoryApi api(":memory:", options);
  const auto warning = [](const Answer& answer) {
    return std::string(answer.headers.get("Warning"));
  };
  json empty = config_map("a");
  empty.erase("data");
  const std::string said = "299 - \"nobody \\\"reads\\\" it\"";
  const Answer created = api.post(kConfigMaps, empty);
  CHECK(created.status == 201);
  CHECK(warning(created) == said);
  CHECK(warning(api.merge(one(""), {{"metadata", {{"labels", {{"a", "b"}}}}}})) == said);
  CHECK(warning(api.get(one(""))).empty());
  // A judge that fails changes nothing for who wrote.
  json full = config_map("b");
  full["data"] = {{"key", "value"}};
  const Answer other = api.post(kConfigMaps, full);
  CHECK(other.status == 201);
  CHECK(warning(other).empty());
  CHECK(api.post(kConfigMaps, full).status == 409);
  CHECK(asked == std::vector<std::string>{"configmaps a", "configmaps a", "configmaps b"});
}

TEST_CASE("nobody is asked for advice that nobody in the process would read") {
  size_t asked = 0;
  kube::server::ApiServerOptions options;
  options.advise = [&](const std::string& /*resource*/, const json& /*object*/) {
    ++asked;
    return std::vector<std::string>{"a warning"};
  };
  InMemoryApi api(":memory:", options);
  const auto local = api.server->connect({.token = "secret"});
  json object = config_map("a");
  object["metadata"]["namespace"] = "default";
  REQUIRE(local->create(kube::config_maps(), object));
  CHECK(asked == 0);
  CHECK(api.post(kConfigMaps, config_map("b")).status == 201);
  CHECK(asked == 1);
}

TEST_CASE("a built-in kind of wrong types cannot be read at all") {
  InMemoryApi api;
  json wrong = config_map("a", "text");
  const Answer created = api.post(kConfigMaps, wrong);
  CHECK(created.status == 400);
  CHECK(
      created.body["message"] ==
      "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: data in body must be of type "
      "object: \"string\"");
  REQUIRE(api.post(kConfigMaps, config_map("a")).status == 201);
  CHECK(api.put(one(""), wrong).status == 400);
  CHECK(api.merge(one(""), {{"data", 1}}).status == 422);
}

TEST_CASE("kubectl auth whoami is answered") {
  InMemoryApi api;
  const Answer answer =
      api.post("/apis/authentication.k8s.io/v1/selfsubjectreviews",
               {{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "SelfSubjectReview"}});
  REQUIRE(answer.status == 201);
  CHECK(answer.body["status"]["userInfo"]["username"] == "sparkcron-admin");
}

}  // namespace
