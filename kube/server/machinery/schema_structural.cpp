#include <algorithm>
#include <array>

#include "base/json.h"
#include "kube/server/machinery/schema_node.h"

namespace kube::server::machinery {
namespace {

using Json = nlohmann::json;
using Errors = std::vector<FieldError>;

// Whether a node describes a value (and needs a type), or only constrains one that another
// describes (a part of allOf, anyOf, oneOf, not).
enum class Position { Root, Property, Item, Value };

bool is_true(const Json& schema, const char* name) {
  return base::bool_at(schema, {name}).value_or(false);
}

void check_type(const Json& schema, const FieldPath& path, Position position, Errors& errors) {
  static const std::vector<std::string> known = {"array",  "boolean", "integer",
                                                 "number", "object",  "string"};
  const FieldPath at = path.child("type");
  const std::string type = base::string_at(schema, {"type"});
  const bool typeless = is_true(schema, "x-kubernetes-int-or-string") ||
                        is_true(schema, "x-kubernetes-preserve-unknown-fields");
  if (type.empty()) {
    if (position == Position::Root) {
      errors.push_back(FieldError::required(at.to_string(), "must not be empty at the root"));
    } else if (!typeless) {
      errors.push_back(FieldError::required(at.to_string(),
                                            position == Position::Item
                                                ? "must not be empty for specified array items"
                                                : "must not be empty for specified object fields"));
    }
  } else if (std::find(known.begin(), known.end(), type) == known.end()) {
    errors.push_back(FieldError::not_supported(at.to_string(), type, known));
  } else if (position == Position::Root && type != "object") {
    errors.push_back(FieldError::invalid(at.to_string(), type, "must be object at the root"));
  } else if (is_true(schema, "x-kubernetes-int-or-string")) {
    errors.push_back(FieldError::forbidden(at.to_string(),
                                           "must be empty if x-kubernetes-int-or-string is true"));
  }
}

void check_unsupported(const Json& schema, const FieldPath& path, Errors& errors) {
  static constexpr std::array<const char*, 10> kForbidden = {
      "$ref", "definitions",       "dependencies", "deprecated", "discriminator",
      "id",   "patternProperties", "readOnly",     "writeOnly",  "xml"};
  for (const char* name : kForbidden) {
    if (!schema.contains(name)) continue;
    errors.push_back(FieldError::forbidden(path.child(name).to_string(),
                                           std::string(name) + " is not supported"));
  }
  if (is_true(schema, "uniqueItems")) {
    errors.push_back(FieldError::forbidden(
        path.child("uniqueItems").to_string(),
        "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"));
  }
}

void check_list(const Json& schema, const FieldPath& path, Errors& errors) {
  const Json* type = base::find(schema, {"x-kubernetes-list-type"});
  const Json* keys = base::find(schema, {"x-kubernetes-list-map-keys"});
  const FieldPath keys_at = path.child("x-kubernetes-list-map-keys");
  if (type == nullptr) {
    if (keys != nullptr) {
      errors.push_back(
          FieldError::required(path.child("x-kubernetes-list-type").to_string(),
                               "must be map if x-kubernetes-list-map-keys is non-empty"));
    }
    return;
  }
  const FieldPath type_at = path.child("x-kubernetes-list-type");
  if (*type != "atomic" && *type != "set" && *type != "map") {
    errors.push_back(
        FieldError::not_supported(type_at.to_string(), *type, {"atomic", "map", "set"}));
    return;
  }
  if (base::string_at(schema, {"type"}) != "array") {
    errors.push_back(FieldError::invalid(path.child("type").to_string(),
                                         base::string_at(schema, {"type"}),
                                         "must be array if x-kubernetes-list-type is specified"));
  }
  if (*type != "map") return;
  if (keys == nullptr || !keys->is_array() || keys->empty()) {
    errors.push_back(FieldError::required(keys_at.to_string(),
                                          "must not be empty if x-kubernetes-list-type is map"));
    return;
  }
  for (size_t i = 0; i < keys->size(); ++i) {
    const Json& key = (*keys)[i];
    if (!key.is_string() ||
        base::find(schema, {"items", "properties", key.get_ref<const std::string&>()}) == nullptr) {
      errors.push_back(FieldError::invalid(keys_at.index(i).to_string(), key,
                                           "entries must all be names of item properties"));
    }
  }
}

// The form in which Kubernetes lets a part of anyOf carry a type.
bool is_int_or_string_part(const Json& schema) {
  return schema == Json{{"type", "integer"}} || schema == Json{{"type", "string"}};
}

// A part may constrain only what `full`, the structure around it, describes.
void check_part(const Json& part, const Json& full, const FieldPath& path, const FieldPath& full_at,
                Errors& errors) {
  if (is_true(full, "x-kubernetes-int-or-string") && is_int_or_string_part(part)) return;
  static constexpr std::array<const char*, 9> kStructural = {"type",
                                                             "description",
                                                             "title",
                                                             "default",
                                                             "nullable",
                                                             "additionalProperties",
                                                             "x-kubernetes-preserve-unknown-fields",
                                                             "x-kubernetes-embedded-resource",
                                                             "x-kubernetes-int-or-string"};
  for (const char* name : kStructural) {
    if (part.contains(name)) {
      errors.push_back(
          FieldError::forbidden(path.child(name).to_string(), "must be empty to be structural"));
    }
  }
  const FieldPath properties_at = path.child("properties");
  const FieldPath full_properties_at = full_at.child("properties");
  if (const Json* properties = base::find(part, {"properties"});
      properties != nullptr && properties->is_object()) {
    for (const auto& [name, child] : properties->items()) {
      const Json* described = base::find(full, {"properties", name});
      if (described == nullptr) described = base::find(full, {"additionalProperties"});
      const FieldPath at = full_properties_at.key(name);
      if (described == nullptr || !described->is_object()) {
        if (is_true(full, "x-kubernetes-preserve-unknown-fields")) continue;
        errors.push_back(FieldError::required(
            at.to_string(), "because it is defined in " + properties_at.key(name).to_string()));
      } else if (child.is_object()) {
        check_part(child, *described, properties_at.key(name), at, errors);
      }
    }
  }
  if (const Json* items = base::find(part, {"items"}); items != nullptr && items->is_object()) {
    const Json* described = base::find(full, {"items"});
    if (described == nullptr) {
      errors.push_back(FieldError::required(full_at.child("items").to_string(),
                                            "because it is defined in " + path.to_string()));
    } else {
      check_part(*items, *described, path.child("items"), full_at.child("items"), errors);
    }
  }
}

void check_parts(const Json& schema, const Json& full, const FieldPath& path,
                 const FieldPath& full_at, Errors& errors) {
  for (const char* name : {"allOf", "anyOf", "oneOf"}) {
    const Json* parts = base::find(schema, {name});
    if (parts == nullptr || !parts->is_array()) continue;
    const FieldPath at = path.child(name);
    for (size_t i = 0; i < parts->size(); ++i) {
      const FieldPath part_at = at.index(i);
      check_part((*parts)[i], full, part_at, full_at, errors);
      check_parts((*parts)[i], full, part_at, full_at, errors);
    }
  }
  if (const Json* negated = base::find(schema, {"not"})) {
    const FieldPath at = path.child("not");
    check_part(*negated, full, at, full_at, errors);
    check_parts(*negated, full, at, full_at, errors);
  }
}

void check_node(const Json& schema, const FieldPath& path, Position position, Errors& errors);

void check_children(const Json& schema, const FieldPath& path, Errors& errors) {
  const Json* properties = base::find(schema, {"properties"});
  if (properties != nullptr && properties->is_object()) {
    const FieldPath at = path.child("properties");
    for (const auto& [name, child] : properties->items()) {
      check_node(child, at.key(name), Position::Property, errors);
    }
  }
  const FieldPath values_at = path.child("additionalProperties");
  if (const Json* values = base::find(schema, {"additionalProperties"})) {
    if (properties != nullptr && !properties->empty()) {
      errors.push_back(FieldError::forbidden(
          values_at.to_string(), "additionalProperties and properties are mutual exclusive"));
    }
    if (values->is_object()) {
      check_node(*values, values_at, Position::Value, errors);
    } else if (*values == false) {
      errors.push_back(FieldError::forbidden(values_at.to_string(),
                                             "additionalProperties cannot be set to false"));
    }
  }
  const Json* items = base::find(schema, {"items"});
  if (items != nullptr && items->is_object()) {
    check_node(*items, path.child("items"), Position::Item, errors);
  } else if (items != nullptr && items->is_array()) {
    errors.push_back(FieldError::forbidden(path.child("items").to_string(),
                                           "items must be a schema object and not an array"));
  } else if (base::string_at(schema, {"type"}) == "array") {
    errors.push_back(FieldError::required(path.child("items").to_string(), "must be specified"));
  }
}

// metadata is the same for all kinds; a schema may only narrow the name.
void check_metadata_rules(const Json& schema, const FieldPath& path, Errors& errors) {
  const Json* metadata = base::find(schema, {"properties", "metadata"});
  if (metadata == nullptr || !metadata->is_object()) return;
  const Json* properties = base::find(*metadata, {"properties"});
  bool plain = properties == nullptr || properties->is_object();
  if (plain && properties != nullptr) {
    for (const auto& [name, child] : properties->items()) {
      plain = plain && (name == "name" || name == "generateName");
    }
  }
  for (const auto& [name, child] : metadata->items()) {
    plain = plain && (name == "type" || name == "properties" || name == "description");
  }
  if (plain) return;
  const FieldPath properties_at = path.child("properties");
  errors.push_back(FieldError::forbidden(properties_at.key("metadata").to_string(),
                                         "must not specify anything other than name and "
                                         "generateName, but metadata is implicitly specified"));
}

void check_node(const Json& schema, const FieldPath& path, Position position, Errors& errors) {
  constexpr size_t kMaxErrors = 200;
  if (errors.size() >= kMaxErrors) return;
  if (!schema.is_object()) {
    errors.push_back(FieldError::invalid(path.to_string(), schema, "must be a schema object"));
    return;
  }
  check_type(schema, path, position, errors);
  check_unsupported(schema, path, errors);
  check_list(schema, path, errors);
  if (position == Position::Root || is_true(schema, "x-kubernetes-embedded-resource")) {
    check_metadata_rules(schema, path, errors);
  }
  check_children(schema, path, errors);
  check_parts(schema, schema, path, path, errors);
}

}  // namespace

void check_structural(const Json& schema, const FieldPath& path, Errors& errors) {
  check_node(schema, path, Position::Root, errors);
}

}  // namespace kube::server::machinery
