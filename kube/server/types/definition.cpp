#include "kube/server/types/definition.h"

#include <algorithm>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/object.h"
#include "kube/server/machinery/name_syntax.h"
#include "kube/server/machinery/selector.h"
#include "kube/server/types/definition_types.h"

namespace kube::server::types {
namespace {

using machinery::FieldError;
using machinery::FieldPath;
using nlohmann::json;

const json& array_at(const json& object, std::initializer_list<std::string_view> path) {
  static const json nothing = json::array();
  const json* found = base::find(object, path);
  return found && found->is_array() ? *found : nothing;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return text;
}

std::vector<std::string> strings(const json& array) {
  std::vector<std::string> result;
  for (const json& item : array) {
    if (item.is_string()) result.push_back(item.get<std::string>());
  }
  return result;
}

void complete(json& object) {
  json& spec = object["spec"];
  if (!spec.is_object()) return;
  if (const auto names = spec.find("names"); names != spec.end() && names->is_object()) {
    const std::string kind = base::string_at(*names, {"kind"});
    if (base::string_at(*names, {"singular"}).empty()) (*names)["singular"] = lower(kind);
    if (base::string_at(*names, {"listKind"}).empty()) (*names)["listKind"] = kind + "List";
  }
  if (!spec.contains("conversion")) spec["conversion"] = {{"strategy", "None"}};
}

std::string storage_version(const json& object) {
  for (const json& version : array_at(object, {"spec", "versions"})) {
    if (base::bool_at(version, {"storage"}) == true) return base::string_at(version, {"name"});
  }
  return "";
}

json accepted_names(const json& object) {
  const json* names = base::find(object, {"spec", "names"});
  return names ? *names : json::object();
}

void on_create(json& object) {
  const std::string now = base::string_at(object, {"metadata", "creationTimestamp"});
  object["metadata"]["finalizers"] =
      kube::finalizers_with(object, kDefinitionFinalizer, kube::Finalizer::Present);
  object["status"] = {{"acceptedNames", accepted_names(object)},
                      {"storedVersions", json::array({storage_version(object)})}};
  set_condition(object, "NamesAccepted", true, "NoConflicts", "no conflicts found", now);
  set_condition(object, "Established", true, "InitialNamesAccepted",
                "the initial names have been accepted", now);
}

void on_update(json& updated, const json&) {
  json& status = updated["status"];
  if (!status.is_object()) status = json::object();
  status["acceptedNames"] = accepted_names(updated);
  json& stored = status["storedVersions"];
  if (!stored.is_array()) stored = json::array();
  const std::string version = storage_version(updated);
  if (std::find(stored.begin(), stored.end(), version) == stored.end()) stored.push_back(version);
}

void check_names(const json& object, std::vector<FieldError>& errors) {
  const std::string group = base::string_at(object, {"spec", "group"});
  const std::string plural = base::string_at(object, {"spec", "names", "plural"});
  const std::string name = base::string_at(object, {"metadata", "name"});
  if (group.empty()) {
    errors.push_back(FieldError::required("spec.group"));
  } else if (group.find('.') == std::string::npos) {
    errors.push_back(
        FieldError::invalid("spec.group", group, "should be a domain with at least one dot"));
  }
  if (name != plural + "." + group) {
    errors.push_back(
        FieldError::invalid("metadata.name", name, "must be spec.names.plural+\".\"+spec.group"));
  }
  for (const char* member : {"plural", "kind"}) {
    const std::string path = std::string("spec.names.") + member;
    const std::string value = base::string_at(object, {"spec", "names", member});
    if (value.empty()) {
      errors.push_back(FieldError::required(path));
      continue;
    }
    const bool is_kind = std::string_view(member) == "kind";
    for (std::string& problem :
         check_name(is_kind ? lower(value) : value, NameRule::Dns1035Label)) {
      errors.push_back(FieldError::invalid(path, value, std::move(problem)));
    }
  }
  const json& short_names = array_at(object, {"spec", "names", "shortNames"});
  for (size_t i = 0; i < short_names.size(); ++i) {
    const std::string short_name = base::string_at(short_names[i], {});
    for (std::string& problem : check_name(short_name, NameRule::Dns1035Label)) {
      errors.push_back(FieldError::invalid("spec.names.shortNames[" + std::to_string(i) + "]",
                                           short_name, std::move(problem)));
    }
  }
  const std::string scope = base::string_at(object, {"spec", "scope"});
  if (scope != "Cluster" && scope != "Namespaced") {
    errors.push_back(FieldError::not_supported("spec.scope", scope, {"Cluster", "Namespaced"}));
  }
  const std::string strategy = base::string_at(object, {"spec", "conversion", "strategy"});
  if (strategy != "None") {
    errors.push_back(FieldError::not_supported("spec.conversion.strategy", strategy, {"None"}));
  }
}

void check_version(const json& version, size_t index, std::vector<FieldError>& errors) {
  const FieldPath root;  // each step points to the one before
  const FieldPath spec = root.child("spec");
  const FieldPath versions = spec.child("versions");
  const FieldPath path = versions.index(index);
  const std::string name = base::string_at(version, {"name"});
  for (std::string& problem : check_name(name, NameRule::Dns1035Label)) {
    errors.push_back(FieldError::invalid(path.child("name").to_string(), name, std::move(problem)));
  }
  const FieldPath schema = path.child("schema");
  const FieldPath open_api = schema.child("openAPIV3Schema");
  if (const json* found = base::find(version, {"schema", "openAPIV3Schema"})) {
    if (auto compiled = machinery::StructuralSchema::compile(*found, open_api); !compiled) {
      for (FieldError& error : compiled.error())
        errors.push_back(std::move(error));
    }
  } else {
    errors.push_back(FieldError::required(open_api.to_string()));
  }
  check_scale_paths(version, path.child("subresources").to_string(), errors);
  if (const json* columns = base::find(version, {"additionalPrinterColumns"})) {
    const FieldPath columns_path = path.child("additionalPrinterColumns");
    for (FieldError& error : machinery::check_printer_columns(*columns, columns_path)) {
      errors.push_back(std::move(error));
    }
  }
}

void check(const json& object, std::vector<FieldError>& errors) {
  const size_t before = errors.size();
  check_definition_types(object, errors);  // a patch has not been asked yet
  if (errors.size() != before) return;
  check_names(object, errors);
  const json& versions = array_at(object, {"spec", "versions"});
  std::ptrdiff_t storage = 0;
  std::vector<std::string> names;
  for (size_t i = 0; i < versions.size(); ++i) {
    check_version(versions[i], i, errors);
    storage += base::bool_at(versions[i], {"storage"}) == true;
    const std::string name = base::string_at(versions[i], {"name"});
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      errors.push_back(
          FieldError::duplicate("spec.versions[" + std::to_string(i) + "].name", name));
    }
    names.push_back(name);
  }
  if (storage != 1) {
    errors.push_back(
        FieldError::invalid("spec.versions", versions.empty() ? json() : json(names),
                            "must have exactly one version marked as storage version"));
  }
}

void check_update(const json& updated, const json& live, std::vector<FieldError>& errors) {
  for (const auto& path : {std::initializer_list<std::string_view>{"spec", "scope"},
                           {"spec", "names", "kind"},
                           {"spec", "names", "plural"}}) {
    const std::string now = base::string_at(updated, path);
    if (now == base::string_at(live, path)) continue;
    std::string field;
    for (const std::string_view step : path)
      field += (field.empty() ? "" : ".") + std::string(step);
    errors.push_back(FieldError::invalid(field, now, "field is immutable"));
  }
}

bool is_established(const json& object) {
  const json& conditions = array_at(object, {"status", "conditions"});
  return std::any_of(conditions.begin(), conditions.end(), [](const json& condition) {
    return base::string_at(condition, {"type"}) == "Established" &&
           base::string_at(condition, {"status"}) == "True";
  });
}

// What users of a version that is going away are told: with what to use instead, if there is a
// newer one.
std::string deprecation_of(const kube::ResourceType& type, const json& definition,
                           const json& version) {
  if (base::bool_at(version, {"deprecated"}) != true) return "";
  std::string text = base::string_at(version, {"deprecationWarning"});
  if (!text.empty()) return text;
  text = type.api_version() + " " + type.kind + " is deprecated";
  std::string newest;
  for (const json& other : array_at(definition, {"spec", "versions"})) {
    const std::string name = base::string_at(other, {"name"});
    const bool offered = base::bool_at(other, {"served"}) == true &&
                         base::bool_at(other, {"deprecated"}) != true &&
                         machinery::is_newer_version(name, type.version);
    if (offered && (newest.empty() || machinery::is_newer_version(name, newest))) newest = name;
  }
  if (!newest.empty()) text += "; use " + type.group + "/" + newest + " " + type.kind;
  return text;
}

ResourcePtr resource_of(const json& definition, const json& version) {
  auto resource = std::make_shared<Resource>();
  resource->type = {.group = base::string_at(definition, {"spec", "group"}),
                    .version = base::string_at(version, {"name"}),
                    .plural = base::string_at(definition, {"spec", "names", "plural"}),
                    .kind = base::string_at(definition, {"spec", "names", "kind"}),
                    .namespaced = base::string_at(definition, {"spec", "scope"}) == "Namespaced"};
  resource->storage = resource->type.plural + "." + resource->type.group;
  resource->storage_api_version = resource->type.group + "/" + storage_version(definition);
  resource->singular = base::string_at(definition, {"spec", "names", "singular"});
  resource->list_kind = base::string_at(definition, {"spec", "names", "listKind"});
  resource->short_names = strings(array_at(definition, {"spec", "names", "shortNames"}));
  resource->categories = strings(array_at(definition, {"spec", "names", "categories"}));
  resource->custom = true;
  resource->deprecation = deprecation_of(resource->type, definition, version);
  resource->terminating = kube::is_deleting(definition);
  resource->rules = {
      .status_subresource = base::find(version, {"subresources", "status"}) != nullptr,
      .generation = true};
  resource->scale = scale_paths(version);
  const json* schema = base::find(version, {"schema", "openAPIV3Schema"});
  if (schema) {
    resource->openapi_schema = std::make_shared<const json>(*schema);
    auto compiled = machinery::StructuralSchema::compile(*schema, FieldPath());
    if (compiled) resource->schema = *compiled;
  }
  const json* columns = base::find(version, {"additionalPrinterColumns"});
  resource->columns = machinery::TableColumns::of_custom(columns ? *columns : json());
  resource->selectable_fields = {"metadata.name", "metadata.namespace"};
  for (const json& field : array_at(version, {"selectableFields"})) {
    std::string path = base::string_at(field, {"jsonPath"});
    if (path.starts_with('.')) path.erase(0, 1);
    if (!path.empty()) resource->selectable_fields.push_back(std::move(path));
  }
  return resource;
}

}  // namespace

Rules definition_rules() {
  return {.status_subresource = true,
          .generation = true,
          .complete = complete,
          .on_create = on_create,
          .on_update = on_update,
          .check_types = check_definition_types,
          .check = check,
          .check_update = check_update};
}

std::vector<ResourcePtr> resources_of(const json& definition) {
  std::vector<ResourcePtr> resources;
  if (!is_established(definition)) return resources;
  for (const json& version : array_at(definition, {"spec", "versions"})) {
    if (base::bool_at(version, {"served"}) == true) {
      resources.push_back(resource_of(definition, version));
    }
  }
  return resources;
}

void set_condition(json& object, const std::string& type, bool value, const std::string& reason,
                   const std::string& message, const std::string& time) {
  json& conditions = object["status"]["conditions"];
  if (!conditions.is_array()) conditions = json::array();
  json condition = {{"type", type},
                    {"status", value ? "True" : "False"},
                    {"reason", reason},
                    {"message", message},
                    {"lastTransitionTime", time}};
  for (json& present : conditions) {
    if (base::string_at(present, {"type"}) != type) continue;
    if (present["status"] == condition["status"]) {
      condition["lastTransitionTime"] = present["lastTransitionTime"];
    }
    present = std::move(condition);
    return;
  }
  conditions.push_back(std::move(condition));
}

}  // namespace kube::server::types
