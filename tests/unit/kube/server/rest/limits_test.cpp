// What one object, one page and one request may come to.

#include <string>

#include "base/json.h"
#include "tests/support/catch.h"
#include "tests/unit/kube/server/support/in_memory_api.h"

namespace {

using nlohmann::json;
using tests::Answer;
using tests::Ask;
using tests::config_map;
using tests::InMemoryApi;
using tests::kConfigMaps;
using tests::kWidgets;
using tests::widget;

// A small limit, so that what is above it is small, too. That a server without options takes 1.5
// MiB is asserted with the store's own tests.
constexpr size_t kLimit = 20'000;
constexpr size_t kHalf = 12'000;
const char* const kAboveLimit = "the limit is 20000";

struct ApiWithSmallObjects : InMemoryApi {
  ApiWithSmallObjects() : InMemoryApi(":memory:", {.object_bytes = kLimit}) {}
};

json nested(int levels) {
  json value = 1;
  for (int i = 0; i < levels; ++i)
    value = {{"a", std::move(value)}};
  return value;
}

void check_too_large(const Answer& answer, const std::string& why) {
  INFO(answer.text.substr(0, 500));
  CHECK(answer.status == 413);
  CHECK(answer.body["reason"] == "RequestEntityTooLarge");
  CHECK_THAT(answer.body["message"].get<std::string>(),
             Catch::StartsWith("Request entity too large: ") && Catch::Contains(why));
}

// Widgets with two texts of any length.
void install_texts(InMemoryApi& api) {
  json definition = tests::widget_definition();
  json& spec = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
  spec["properties"]["one"] = {{"type", "string"}};
  spec["properties"]["two"] = {{"type", "string"}};
  REQUIRE(api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition).status ==
          201);
}

json texts(const std::string& name, const std::string& one, const std::string& two = "") {
  json object = widget(name);
  object["spec"]["one"] = one;
  object["spec"]["two"] = two;
  return object;
}

json pod(const std::string& text) {
  return {{"apiVersion", "v1"},
          {"kind", "Pod"},
          {"metadata", {{"name", "p"}, {"finalizers", {"example.com/hold"}}}},
          {"spec",
           {{"containers",
             {{{"name", "c"}, {"image", "i"}, {"env", {{{"name", "TEXT"}, {"value", text}}}}}}}}}};
}

TEST_CASE("an object above the limit is refused whichever way it comes") {
  ApiWithSmallObjects api;
  install_texts(api);
  const std::string half(kHalf, 'x');
  check_too_large(api.post(kWidgets, texts("a", half, half)), kAboveLimit);
  REQUIRE(api.post(kWidgets, texts("a", half)).status == 201);
  const std::string at = std::string(kWidgets) + "/a";
  const json two = {{"spec", {{"two", half}}}};
  json replacement = texts("a", half, half);
  replacement["metadata"]["resourceVersion"] = api.get(at).body["metadata"]["resourceVersion"];
  check_too_large(api.put(at, replacement), kAboveLimit);
  check_too_large(api.merge(at, two), kAboveLimit);
  check_too_large(api.merge(at + "?dryRun=All", two), kAboveLimit);
  check_too_large(api.ask({.method = "PATCH",
                           .target = at,
                           .body = json::array(
                               {{{"op", "copy"}, {"from", "/spec/one"}, {"path", "/spec/two"}}}),
                           .content_type = "application/json-patch+json"}),
                  kAboveLimit);
  json applied = texts("a", half, half);
  applied["spec"].erase("one");
  check_too_large(api.ask({.method = "PATCH",
                           .target = at + "?fieldManager=me&force=true",
                           .body = applied,
                           .content_type = "application/apply-patch+yaml"}),
                  kAboveLimit);
  // A status counts together with what it is the status of.
  check_too_large(api.merge(at + "/status", {{"status", {{"two", half}}}}), kAboveLimit);
  CHECK(api.merge(at + "/status", {{"status", {{"two", "short"}}}}).status == 200);
  CHECK(api.get(at).body["spec"]["two"] == "");

  const std::string pods = "/api/v1/namespaces/default/pods";
  REQUIRE(api.post(pods, pod(std::string(18'000, 'x'))).status == 201);
  check_too_large(
      api.ask({.method = "PATCH",
               .target = pods + "/p",
               .body = {{"metadata", {{"annotations", {{"a", std::string(2'000, 'x')}}}}}},
               .content_type = "application/strategic-merge-patch+json"}),
      kAboveLimit);
}

TEST_CASE("a pod at the limit can be bound only if it still fits, and always deleted") {
  ApiWithSmallObjects api;
  const std::string pods = "/api/v1/namespaces/default/pods";
  // As large as it may be: a refusal says by how much it was too large.
  const std::string refusal =
      api.post(pods, pod(std::string(kLimit, 'x'))).body["message"].get<std::string>();
  const std::string_view has = "would have ";
  REQUIRE(refusal.find(has) != std::string::npos);
  const size_t whole = std::stoul(refusal.substr(refusal.find(has) + has.size()));
  REQUIRE(api.post(pods, pod(std::string(kLimit - (whole - kLimit), 'x'))).status == 201);
  check_too_large(api.post(pods + "/p/binding",
                           {{"apiVersion", "v1"},
                            {"kind", "Binding"},
                            {"metadata", {{"name", "p"}}},
                            {"target", {{"name", "node-of-a-name-long-enough-to-be-too-much"}}}}),
                  kAboveLimit);
  CHECK(api.remove(pods + "/p").status == 200);
  CHECK(api.get(pods + "/p").body["metadata"].contains("deletionTimestamp"));
  CHECK(api.merge(pods + "/p", {{"metadata", {{"finalizers", nullptr}}}}).status == 200);
  CHECK(api.get(pods + "/p").status == 404);
}

TEST_CASE("a stored object never nests deeper than its readers go") {
  InMemoryApi api;
  api.install_widgets();
  json deep = widget("w");
  REQUIRE(api.post(kWidgets, deep).status == 201);
  const std::string status = std::string(kWidgets) + "/w/status";
  check_too_large(api.merge(status, {{"status", nested(60)}}), "the limit is 60");
  // managedFields nest deeper than what they name, so the object itself may have 55 levels.
  REQUIRE(api.merge(status, {{"status", nested(53)}}).status == 200);
  check_too_large(api.merge(status, {{"status", {{"b", nested(58)}}}}), "the limit is 60");
  const Answer list = api.get(kWidgets);
  CHECK(base::parse_json(list.text));
  const Answer table =
      api.ask({.target = std::string(kWidgets) + "?watch=true&includeObject=Object",
               .accept = "application/json;as=Table;v=v1;g=meta.k8s.io"});
  REQUIRE(table.stream);
  CHECK(base::parse_json(table.stream->await(1)[0].dump()));
}

// So many widgets of which five fill a page.
struct ApiWithSmallPages : InMemoryApi {
  static constexpr size_t kPage = 84'000;
  static constexpr size_t kText = 15'000;

  explicit ApiWithSmallPages(int widgets) : InMemoryApi(":memory:", {.page_bytes = kPage}) {
    install_texts(*this);
    for (int i = 0; i < widgets; ++i) {
      const std::string name = "w" + std::to_string(i);
      REQUIRE(post(kWidgets, texts(name, std::string(kText, 'x'))).status == 201);
    }
  }
};

TEST_CASE("a page is cut by its bytes, too") {
  ApiWithSmallPages api(7);
  std::vector<std::string> names;
  std::string token;
  std::vector<size_t> pages;
  do {
    const Answer page =
        api.get(std::string(kWidgets) + "?limit=500" + (token.empty() ? "" : "&continue=" + token));
    REQUIRE(page.status == 200);
    CHECK(page.text.size() < ApiWithSmallPages::kPage + 1'000);
    pages.push_back(page.body["items"].size());
    for (const json& item : page.body["items"])
      names.push_back(item["metadata"]["name"].get<std::string>());
    const json& metadata = page.body["metadata"];
    if (pages.size() == 1) CHECK(metadata["remainingItemCount"] == 2);
    token = metadata.value("continue", "");
  } while (!token.empty());
  CHECK(pages == std::vector<size_t>{5, 2});
  CHECK(names == std::vector<std::string>{"w0", "w1", "w2", "w3", "w4", "w5", "w6"});
}

TEST_CASE("a list that nobody asked to be cut is whole, and written piece by piece") {
  ApiWithSmallPages api(8);
  struct Case {
    const char* accept;
    const char* items;
    size_t at_least;
  };
  for (const Case& c :
       {Case{"application/json", "items", 8 * ApiWithSmallPages::kText},
        Case{"application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", "items", 800},
        Case{"application/json;as=Table;v=v1;g=meta.k8s.io", "rows", 800}}) {
    INFO(c.accept);
    const Answer list = api.ask({.target = kWidgets, .accept = c.accept});
    CHECK(list.status == 200);
    CHECK(list.headers.get("Content-Type") == "application/json");
    REQUIRE(list.stream);
    const std::string text = list.stream->await_end();
    CHECK(text.size() > c.at_least);
    const json whole = json::parse(text);
    CHECK(whole[c.items].size() == 8);
    CHECK(whole["metadata"].contains("resourceVersion"));
  }
  const Answer removed = api.remove(kWidgets);
  REQUIRE(removed.stream);
  CHECK(json::parse(removed.stream->await_end())["items"].size() == 8);
}

TEST_CASE("names as long as a body do not multiply in what the server answers") {
  InMemoryApi api;
  api.install_widgets();
  const std::string key(400'000, 'k');
  json object = widget("w");
  for (int i = 0; i < 5'000; ++i)
    object["spec"]["unknown" + std::to_string(i)] = i;
  object["metadata"]["labels"] = {{key, "v"}};
  const Answer refused = api.post(kWidgets, object);
  CHECK(refused.status == 422);
  CHECK(refused.text.size() < 3'000'000);

  // 5,000 conflicts below one long name.
  json applied = widget("w");
  applied["status"] = {{key, json::object()}};
  for (int i = 0; i < 5'000; ++i)
    applied["status"][key]["f" + std::to_string(i)] = i;
  REQUIRE(api.post(kWidgets, widget("w")).status == 201);
  const auto apply = [&](const char* manager) {
    return api.ask({.method = "PATCH",
                    .target = std::string(kWidgets) + "/w/status?fieldManager=" + manager,
                    .body = applied,
                    .content_type = "application/apply-patch+yaml"});
  };
  REQUIRE(apply("one").status == 200);
  for (auto& [name, value] : applied["status"][key].items())
    value = "other";
  const Answer conflicts = apply("two");
  CHECK(conflicts.status == 409);
  CHECK(conflicts.text.size() < 1'000'000);
  CHECK_THAT(conflicts.body["message"].get<std::string>(),
             Catch::StartsWith("Apply failed with 5000 conflicts: ") &&
                 Catch::EndsWith("- and 4900 more"));
  CHECK(conflicts.body["details"]["causes"].size() == 100);
}

TEST_CASE("defaults do not make a small object a huge one") {
  ApiWithSmallObjects api;
  json definition = tests::widget_definition();
  definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
            ["items"] = {
                {"type", "array"},
                {"items",
                 {{"type", "object"},
                  {"properties",
                   {{"text", {{"type", "string"}, {"default", std::string(2'000, 'x')}}}}}}}};
  REQUIRE(api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition).status ==
          201);
  json object = widget("w");
  object["spec"]["items"] = json::array();
  for (int i = 0; i < 500; ++i)
    object["spec"]["items"].push_back(json::object());
  check_too_large(
      api.post(kWidgets, object),
      "the defaults of its definition alone would add more bytes to the object than the "
      "limit of 20000");
  object["spec"]["items"] = json::array({json::object(), json::object()});
  const Answer created = api.post(kWidgets, object);
  CHECK(created.status == 201);
  CHECK(created.text.size() > 4'000);
}

TEST_CASE("a default that grows by the defaults inside it is refused with its definition") {
  InMemoryApi api;
  json definition = tests::widget_definition();
  json items = json::array();
  for (int i = 0; i < 1'000; ++i)
    items.push_back(json::object());
  definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
            ["items"] = {
                {"type", "array"},
                {"default", items},
                {"items",
                 {{"type", "object"},
                  {"properties",
                   {{"text", {{"type", "string"}, {"default", std::string(100'000, 'x')}}}}}}}};
  const Answer refused =
      api.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
  CHECK(refused.status == 422);
  CHECK_THAT(refused.body["message"].get<std::string>(),
             Catch::Contains("openAPIV3Schema.properties[spec].properties[items].default") &&
                 Catch::Contains("must not grow by more than 1048576 bytes"));
}

}  // namespace
