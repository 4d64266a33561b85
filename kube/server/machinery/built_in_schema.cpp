#include "kube/server/machinery/built_in_schema.h"

#include <algorithm>
#include <map>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "kube/built_in_table.h"

namespace kube::server::machinery {
namespace {

using Descriptions = std::map<std::string_view, std::string_view>;

// By type ("Pod") or field ("PodSpec.volumes").
const Descriptions& descriptions() {
  static const Descriptions all = [] {
    Descriptions read;
    std::string_view rest = built_in_descriptions();
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('\n'), rest.size() - 1);
      const std::string_view line = rest.substr(0, end);
      if (const size_t colon = line.find(": "); colon != std::string_view::npos)
        read.emplace(line.substr(0, colon), line.substr(colon + 2));
      rest.remove_prefix(end + 1);
    }
    return read;
  }();
  return all;
}

// Only where people read them: a compiled schema needs none.
void describe(const std::string& what, References references, nlohmann::json& schema) {
  if (references != References::Keep) return;
  const auto found = descriptions().find(what);
  if (found != descriptions().end()) schema["description"] = found->second;
}

nlohmann::json scalar_schema(std::string_view type) {
  if (type == "int32" || type == "int64") return {{"type", "integer"}, {"format", type}};
  if (type == "bool") return {{"type", "boolean"}};
  if (type == "bytes") return {{"type", "string"}, {"format", "byte"}};
  if (type == "time" || type == "microtime") return {{"type", "string"}, {"format", "date-time"}};
  if (type == "quantity") {
    return {{"anyOf", {{{"type", "string"}}, {{"type", "number"}}}}, {"format", kQuantityFormat}};
  }
  if (type == "intorstring") return {{"x-kubernetes-int-or-string", true}};
  if (type == "json") return {{"type", "object"}, {"x-kubernetes-preserve-unknown-fields", true}};
  return {{"type", "string"}};
}

nlohmann::json type_schema(std::string_view name, References references) {
  const BuiltInType* type = find_built_in_type(name);
  if (type == nullptr) return scalar_schema(name);
  if (references == References::Expand) return built_in_schema(*type, references);
  return {{"allOf", {{{"$ref", "#/components/schemas/" + schema_id(name)}}}}};
}

nlohmann::json field_schema(const BuiltInField& field, References references) {
  nlohmann::json one = type_schema(field.type, references);
  nlohmann::json schema;
  switch (field.shape) {
    case BuiltInField::Shape::One:
      schema = std::move(one);
      break;
    case BuiltInField::Shape::List:
      schema = {{"type", "array"}, {"items", std::move(one)}};
      if (field.list_type == BuiltInField::ListType::Set) {
        schema["x-kubernetes-list-type"] = "set";
      } else if (field.list_type == BuiltInField::ListType::Map) {
        schema["x-kubernetes-list-type"] = "map";
        schema["x-kubernetes-list-map-keys"] = field.list_keys;
      }
      break;
    case BuiltInField::Shape::Map:
      schema = {{"type", "object"}, {"additionalProperties", std::move(one)}};
      break;
  }
  if (field.atomic_map) schema["x-kubernetes-map-type"] = "atomic";
  if (field.merges || field.retains) {
    schema["x-kubernetes-patch-strategy"] =
        field.merges ? (field.retains ? "merge,retainKeys" : "merge") : "retainKeys";
  }
  if (!field.merge_key.empty()) schema["x-kubernetes-patch-merge-key"] = field.merge_key;
  if (!field.enumeration.empty()) schema["enum"] = field.enumeration;
  if (!field.default_value.empty()) {
    schema["default"] = nlohmann::json::parse(field.default_value);
  }
  return schema;
}

void add_fields(const BuiltInType& type, References references, nlohmann::json& schema) {
  for (const BuiltInField& field : type.fields) {
    if (field.inlined) {
      const BuiltInType* part = find_built_in_type(field.type);
      CHECK(part != nullptr);
      add_fields(*part, references, schema);
      continue;
    }
    nlohmann::json& property = schema["properties"][field.name];
    property = field_schema(field, references);
    describe(type.name + "." + field.name, references, property);
    if (field.name == "metadata" && references == References::Keep)
      property["description"] = "Name, labels and what else every object has.";
    if (field.required) schema["required"].push_back(field.name);
  }
}

}  // namespace

const std::vector<ResourceType>& built_in_resources() {
  static const std::vector<ResourceType> resources = {
      {"", "v1", "bindings", "Binding", true},
      {"", "v1", "configmaps", "ConfigMap", true},
      {"", "v1", "events", "Event", true},
      {"", "v1", "limitranges", "LimitRange", true},
      {"", "v1", "namespaces", "Namespace", false},
      {"", "v1", "nodes", "Node", false},
      {"", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", true},
      {"", "v1", "persistentvolumes", "PersistentVolume", false},
      {"", "v1", "pods", "Pod", true},
      {"", "v1", "resourcequotas", "ResourceQuota", true},
      {"", "v1", "secrets", "Secret", true},
      {"", "v1", "serviceaccounts", "ServiceAccount", true},
      {"", "v1", "services", "Service", true},
      {"authentication.k8s.io", "v1", "selfsubjectreviews", "SelfSubjectReview", false},
      {"authentication.k8s.io", "v1", "tokenrequests", "TokenRequest", true},
      {"authorization.k8s.io", "v1", "selfsubjectaccessreviews", "SelfSubjectAccessReview", false},
      {"authorization.k8s.io", "v1", "selfsubjectrulesreviews", "SelfSubjectRulesReview", false},
      {"coordination.k8s.io", "v1", "leases", "Lease", true},
      {"events.k8s.io", "v1", "events", "Event", true},
      {"networking.k8s.io", "v1", "ingressclasses", "IngressClass", false},
      {"networking.k8s.io", "v1", "ingresses", "Ingress", true},
      {"networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", true},
      {"policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", true},
      {"rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", false},
      {"rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", false},
      {"rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", true},
      {"rbac.authorization.k8s.io", "v1", "roles", "Role", true},
      {"scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", false},
      {"storage.k8s.io", "v1", "storageclasses", "StorageClass", false},
  };
  return resources;
}

std::string built_in_type_name(const ResourceType& type) {
  for (const ResourceType& one : built_in_resources()) {
    if (one.group != type.group || one.version != type.version || one.kind != type.kind) continue;
    return one.group == "events.k8s.io" ? "events.Event" : one.kind;
  }
  return "";
}

nlohmann::json built_in_schema(const BuiltInType& type, References references) {
  nlohmann::json schema = {{"type", "object"}, {"properties", nlohmann::json::object()}};
  if (type.atomic) schema["x-kubernetes-map-type"] = "atomic";
  describe(type.name, references, schema);
  add_fields(type, references, schema);
  return schema;
}

std::string schema_id(std::string_view type_name) {
  return "built-in." + std::string(type_name);
}

}  // namespace kube::server::machinery
