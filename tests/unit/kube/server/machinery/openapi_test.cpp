#include "kube/server/machinery/openapi.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/built_in_table.h"
#include "kube/server/machinery/built_in_schema.h"
#include "tests/support/catch.h"

using kube::built_in_descriptions;
using kube::BuiltInField;
using kube::BuiltInType;
using kube::find_built_in_type;
using namespace kube::server::machinery;

namespace {

std::vector<OpenApiKind> all_kinds() {
  std::vector<OpenApiKind> kinds;
  for (const kube::ResourceType& type : built_in_resources()) {
    kinds.push_back({.type = type, .schema = nullptr, .status_subresource = type.kind == "Pod"});
  }
  kinds.push_back({.type = {"example.com", "v1", "widgets", "Widget", true},
                   .schema = std::make_shared<const Json>(Json::parse(
                       R"({"type": "object", "properties": {"spec": {"type": "object",
                           "properties": {"size": {"type": "integer"}}}}})")),
                   .status_subresource = true});
  return kinds;
}

void collect_references(const Json& value, std::set<std::string>& references) {
  if (value.is_object() && value.contains("$ref")) {
    references.insert(value["$ref"].get<std::string>());
  }
  if (value.is_structured()) {
    for (const Json& member : value)
      collect_references(member, references);
  }
}

}  // namespace

TEST_CASE("the index names a document per group and version, with a hash that follows it") {
  const Json index = openapi_index(all_kinds());
  REQUIRE(index["paths"].contains("api/v1"));
  REQUIRE(index["paths"].contains("apis/example.com/v1"));
  const auto url = index["paths"]["apis/example.com/v1"]["serverRelativeURL"].get<std::string>();
  CHECK(url.rfind("/openapi/v3/apis/example.com/v1?hash=", 0) == 0);
  auto changed = all_kinds();
  changed.back().schema = std::make_shared<const Json>(Json{{"type", "object"}});
  const Json other = openapi_index(changed);
  CHECK(other["paths"]["api/v1"] == index["paths"]["api/v1"]);
  CHECK(other["paths"]["apis/example.com/v1"] != index["paths"]["apis/example.com/v1"]);
}

TEST_CASE("a document has what kubectl looks for") {
  const Json document = openapi_document("example.com", "v1", all_kinds());
  const Json& paths = document["paths"];
  const Json& patch = paths["/apis/example.com/v1/namespaces/{namespace}/widgets/{name}"]["patch"];
  CHECK(patch["x-kubernetes-group-version-kind"] ==
        Json::parse(R"({"group": "example.com", "version": "v1", "kind": "Widget"})"));
  std::set<std::string> parameters;
  for (const Json& one : patch["parameters"])
    parameters.insert(one["name"].get<std::string>());
  CHECK(parameters == std::set<std::string>{"dryRun", "fieldManager", "fieldValidation", "force"});
  CHECK(paths["/apis/example.com/v1/namespaces/{namespace}/widgets"]["get"].is_object());
  CHECK(paths.contains("/apis/example.com/v1/widgets"));
  CHECK(paths.contains("/apis/example.com/v1/namespaces/{namespace}/widgets/{name}/status"));
  const Json& schema = document["components"]["schemas"]["example.com.v1.Widget"];
  CHECK(schema["x-kubernetes-group-version-kind"][0]["kind"] == "Widget");
  CHECK(schema["properties"]["spec"]["properties"]["size"]["type"] == "integer");
}

TEST_CASE("every reference of every document leads somewhere") {
  const auto kinds = all_kinds();
  std::set<std::pair<std::string, std::string>> versions;
  for (const OpenApiKind& kind : kinds)
    versions.emplace(kind.type.group, kind.type.version);
  for (const auto& [group, version] : versions) {
    const Json document = openapi_document(group, version, kinds);
    std::set<std::string> references;
    collect_references(document, references);
    CHECK_FALSE(references.empty());
    for (const std::string& reference : references) {
      INFO(reference);
      CHECK(document.contains(Json::json_pointer(reference.substr(1))));
    }
  }
}

TEST_CASE("the table of built-in types is whole") {
  for (const kube::ResourceType& type : built_in_resources()) {
    INFO(type.kind);
    REQUIRE(find_built_in_type(built_in_type_name(type)) != nullptr);
  }
  const BuiltInType* pod = find_built_in_type("PodSpec");
  REQUIRE(pod != nullptr);
  CHECK(pod->fields.size() > 30);
  CHECK(find_built_in_type("Nothing") == nullptr);
}

TEST_CASE("what is described is there, and what people meet first is described") {
  std::string_view rest = built_in_descriptions();
  size_t lines = 0;
  for (; !rest.empty(); rest.remove_prefix(rest.find('\n') + 1)) {
    const std::string line(rest.substr(0, rest.find('\n')));
    INFO(line);
    const std::string what = line.substr(0, line.find(": "));
    const size_t dot = what.find('.');
    const BuiltInType* type = find_built_in_type(what.substr(0, dot));
    REQUIRE(type != nullptr);
    CHECK(line.ends_with('.'));
    ++lines;
    if (dot == std::string::npos) continue;
    const std::string field = what.substr(dot + 1);
    // A field of an inlined type counts as one of the type around it.
    const bool known =
        std::any_of(type->fields.begin(), type->fields.end(), [&](const BuiltInField& one) {
          const BuiltInType* part = one.inlined ? find_built_in_type(one.type) : nullptr;
          return one.name == field ||
                 (part != nullptr &&
                  std::any_of(part->fields.begin(), part->fields.end(),
                              [&](const auto& inner) { return inner.name == field; }));
        });
    CHECK(known);
  }
  CHECK(lines > 150);
  const Json schemas = openapi_document("", "v1", all_kinds())["components"]["schemas"];
  CHECK(schemas["built-in.Pod"]["description"].is_string());
  for (const char* path :
       {"Pod/spec", "Pod/metadata", "PodSpec/containers", "Container/image", "Container/resources",
        "ObjectMeta/labels", "Secret/stringData", "Volume/configMap", "ServiceSpec/ports"}) {
    INFO(path);
    const std::string_view whole(path);
    const size_t slash = whole.find('/');
    const Json& type = schemas["built-in." + std::string(whole.substr(0, slash))];
    CHECK(type["properties"][std::string(whole.substr(slash + 1))]["description"].is_string());
  }
}
