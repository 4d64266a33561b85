#include "kube/server/machinery/openapi.h"

#include <cstdint>
#include <set>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/server/machinery/built_in_schema.h"

namespace kube::server::machinery {
namespace {

constexpr const char* kGroupVersionKind = "x-kubernetes-group-version-kind";

Json group_version_kind(const ResourceType& type) {
  return {{"group", type.group}, {"version", type.version}, {"kind", type.kind}};
}

std::string base_path(const ResourceType& type) {
  return type.group.empty() ? "api/" + type.version : "apis/" + type.group + "/" + type.version;
}

// FNV-1a: the hash only has to change when the document does.
void mix(uint64_t& hash, const std::string& text) {
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  }
}

std::string hash_of(const std::vector<const OpenApiKind*>& kinds) {
  uint64_t hash = 14695981039346656037U;
  for (const OpenApiKind* kind : kinds) {
    mix(hash, kind->type.plural + "/" + kind->type.kind + (kind->status_subresource ? "+" : "-"));
    if (kind->schema != nullptr) mix(hash, base::dump_json(*kind->schema));
  }
  std::string text;
  for (unsigned shift = 64; shift > 0; shift -= 4) {
    text += "0123456789ABCDEF"[(hash >> (shift - 4)) & 15U];
  }
  return text;
}

Json query(const char* name, const char* type, const char* description) {
  return {{"name", name},
          {"in", "query"},
          {"description", description},
          {"schema", {{"type", type}, {"uniqueItems", true}}}};
}

Json write_parameters() {
  return {query("dryRun", "string", "All: check everything, store nothing."),
          query("fieldManager", "string", "Who writes, for metadata.managedFields."),
          query("fieldValidation", "string",
                "What unknown and duplicate fields lead to: Ignore, Warn or Strict.")};
}

Json list_parameters() {
  return {query("labelSelector", "string", "Only objects with these labels."),
          query("fieldSelector", "string", "Only objects with these fields."),
          query("limit", "integer", "At most so many objects in one answer."),
          query("continue", "string", "Where the answer before ended."),
          query("resourceVersion", "string", "How new the answer has to be."),
          query("watch", "boolean", "Follow the changes instead.")};
}

Json operation(const ResourceType& type, const char* action, Json parameters) {
  return {{"tags", {type.group.empty() ? "core_" + type.version : type.group}},
          {"operationId", std::string(action) + type.kind},
          {"parameters", std::move(parameters)},
          {"responses", {{"200", {{"description", "OK"}}}}},
          {"x-kubernetes-action", action},
          {kGroupVersionKind, group_version_kind(type)}};
}

Json with_body(Json operation, const std::string& id, const std::vector<std::string>& media) {
  for (const std::string& one : media) {
    operation["requestBody"]["content"][one] = {
        {"schema", {{"$ref", "#/components/schemas/" + id}}}};
  }
  return operation;
}

Json object_paths(const ResourceType& type, const std::string& id) {
  Json patch_parameters = write_parameters();
  patch_parameters.push_back(query("force", "boolean", "Apply: take fields over from others."));
  std::vector<std::string> patches = {"application/json-patch+json", "application/merge-patch+json",
                                      "application/apply-patch+yaml"};
  if (!built_in_type_name(type).empty()) {
    patches.emplace_back("application/strategic-merge-patch+json");
  }
  return {{"get", operation(type, "get", Json::array())},
          {"put", with_body(operation(type, "put", write_parameters()), id, {"application/json"})},
          {"patch", with_body(operation(type, "patch", std::move(patch_parameters)), id, patches)},
          {"delete", operation(type, "delete", write_parameters())}};
}

void add_paths(const OpenApiKind& kind, const std::string& id, Json& paths) {
  const ResourceType& type = kind.type;
  const std::string base = "/" + base_path(type);
  const std::string collection =
      base + (type.namespaced ? "/namespaces/{namespace}/" : "/") + type.plural;
  paths[collection] = {
      {"get", operation(type, "list", list_parameters())},
      {"post", with_body(operation(type, "post", write_parameters()), id, {"application/json"})},
      {"delete", operation(type, "deletecollection", list_parameters())}};
  if (type.namespaced) {
    paths[base + "/" + type.plural] = {{"get", operation(type, "list", list_parameters())}};
  }
  paths[collection + "/{name}"] = object_paths(type, id);
  if (kind.status_subresource) {
    Json status = object_paths(type, id);
    status.erase("delete");
    paths[collection + "/{name}/status"] = std::move(status);
  }
}

// The type and everything that it refers to.
void add_built_in(const std::string& name, Json& schemas) {
  const std::string id = schema_id(name);
  const BuiltInType* type = find_built_in_type(name);
  if (type == nullptr || schemas.contains(id)) return;
  schemas[id] = built_in_schema(*type, References::Keep);
  std::vector<const BuiltInType*> inlined = {type};
  while (!inlined.empty()) {
    const BuiltInType* one = inlined.back();
    inlined.pop_back();
    for (const BuiltInField& field : one->fields) {
      const BuiltInType* below = find_built_in_type(field.type);
      if (below == nullptr) continue;
      if (field.inlined) {
        inlined.push_back(below);
      } else {
        add_built_in(field.type, schemas);
      }
    }
  }
}

// apiVersion and kind come first in what explain shows of any kind.
void add_identity(Json& schema, const ResourceType& type) {
  schema["type"] = "object";
  Json& properties = schema["properties"];
  if (!properties.is_object()) properties = Json::object();
  properties["apiVersion"] = {{"type", "string"},
                              {"description", "The group and version of the API."}};
  properties["kind"] = {{"type", "string"}, {"description", "What kind of object this is."}};
  schema[kGroupVersionKind] = Json::array({group_version_kind(type)});
}

Json object_meta_reference() {
  return {{"description", "Name, labels and what else every object has."},
          {"allOf", {{{"$ref", "#/components/schemas/" + schema_id("ObjectMeta")}}}}};
}

std::string add_kind_schema(const OpenApiKind& kind, Json& schemas) {
  const ResourceType& type = kind.type;
  if (const std::string name = built_in_type_name(type); !name.empty()) {
    add_built_in(name, schemas);
    add_identity(schemas[schema_id(name)], type);
    return schema_id(name);
  }
  const std::string id =
      (type.group.empty() ? "core" : type.group) + "." + type.version + "." + type.kind;
  Json schema = kind.schema != nullptr && kind.schema->is_object()
                    ? *kind.schema
                    : Json{{"x-kubernetes-preserve-unknown-fields", true}};
  add_identity(schema, type);
  schema["properties"]["metadata"] = object_meta_reference();
  schemas[id] = std::move(schema);
  add_built_in("ObjectMeta", schemas);
  return id;
}

std::vector<const OpenApiKind*> kinds_of(const std::string& group, const std::string& version,
                                         const std::vector<OpenApiKind>& kinds) {
  std::vector<const OpenApiKind*> result;
  for (const OpenApiKind& kind : kinds) {
    if (kind.type.group == group && kind.type.version == version) result.push_back(&kind);
  }
  return result;
}

}  // namespace

Json openapi_index(const std::vector<OpenApiKind>& kinds) {
  std::set<std::pair<std::string, std::string>> versions;
  for (const OpenApiKind& kind : kinds)
    versions.emplace(kind.type.group, kind.type.version);
  Json paths = Json::object();
  for (const auto& [group, version] : versions) {
    const auto members = kinds_of(group, version, kinds);
    const std::string path = base_path(members.front()->type);
    paths[path] = {{"serverRelativeURL", "/openapi/v3/" + path + "?hash=" + hash_of(members)}};
  }
  return {{"paths", std::move(paths)}};
}

Json openapi_document(const std::string& group, const std::string& version,
                      const std::vector<OpenApiKind>& kinds) {
  Json paths = Json::object();
  Json schemas = Json::object();
  for (const OpenApiKind* kind : kinds_of(group, version, kinds)) {
    add_paths(*kind, add_kind_schema(*kind, schemas), paths);
  }
  return {{"openapi", "3.0.0"},
          {"info", {{"title", "Kubernetes"}, {"version", version}}},
          {"paths", std::move(paths)},
          {"components", {{"schemas", std::move(schemas)}}}};
}

}  // namespace kube::server::machinery
