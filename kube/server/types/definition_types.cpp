#include "kube/server/types/definition_types.h"

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace kube::server::types {
namespace {

using machinery::FieldError;
using machinery::FieldPath;
using nlohmann::json;

constexpr size_t kMaxErrors = 100;

using Errors = std::vector<FieldError>;
// Checks one value.
using Check = void (*)(const json& value, const FieldPath& path, Errors& errors);
using Members = std::map<std::string, Check, std::less<>>;

void refuse(const json& value, const FieldPath& path, const char* wanted, Errors& errors) {
  if (errors.size() >= kMaxErrors) return;
  errors.push_back(FieldError::type_invalid(path.to_string(), value,
                                            path.to_string() + " must be " + wanted + ", got " +
                                                (value.is_structured() ? "an " : "a ") +
                                                value.type_name()));
}

void text(const json& value, const FieldPath& path, Errors& errors) {
  if (!value.is_string()) refuse(value, path, "a string", errors);
}

void number(const json& value, const FieldPath& path, Errors& errors) {
  if (!value.is_number()) refuse(value, path, "a number", errors);
}

void integer(const json& value, const FieldPath& path, Errors& errors) {
  if (!value.is_number_integer()) refuse(value, path, "an integer", errors);
}

void boolean(const json& value, const FieldPath& path, Errors& errors) {
  if (!value.is_boolean()) refuse(value, path, "true or false", errors);
}

void object(const json& value, const FieldPath& path, Errors& errors) {
  if (!value.is_object()) refuse(value, path, "an object", errors);
}

void list(const json& value, const FieldPath& path, Errors& errors) {
  if (!value.is_array()) refuse(value, path, "a list", errors);
}

template <Check item>
void list_of(const json& value, const FieldPath& path, Errors& errors) {
  if (!value.is_array()) return refuse(value, path, "a list", errors);
  for (size_t i = 0; i < value.size(); ++i)
    item(value[i], path.index(i), errors);
}

template <Check item>
void map_of(const json& value, const FieldPath& path, Errors& errors) {
  if (!value.is_object()) return refuse(value, path, "an object", errors);
  for (const auto& [key, one] : value.items())
    item(one, path.key(key), errors);
}

void members(const json& value, const FieldPath& path, const Members& known, Errors& errors) {
  if (!value.is_object()) return refuse(value, path, "an object", errors);
  for (const auto& [name, one] : value.items()) {
    const auto check = known.find(name);
    if (check != known.end() && !one.is_null()) check->second(one, path.child(name), errors);
  }
}

void schema(const json& value, const FieldPath& path, Errors& errors);

void schema_or_flag(const json& value, const FieldPath& path, Errors& errors) {
  if (!value.is_boolean()) schema(value, path, errors);
}

void schema_or_schemas(const json& value, const FieldPath& path, Errors& errors) {
  if (value.is_array()) return list_of<schema>(value, path, errors);
  schema(value, path, errors);
}

void schema(const json& value, const FieldPath& path, Errors& errors) {
  static const Members known = {{"$ref", text},
                                {"$schema", text},
                                {"additionalItems", schema_or_flag},
                                {"additionalProperties", schema_or_flag},
                                {"allOf", list_of<schema>},
                                {"anyOf", list_of<schema>},
                                {"definitions", map_of<schema>},
                                {"description", text},
                                {"enum", list},
                                {"exclusiveMaximum", boolean},
                                {"exclusiveMinimum", boolean},
                                {"externalDocs", object},
                                {"format", text},
                                {"id", text},
                                {"items", schema_or_schemas},
                                {"maxItems", integer},
                                {"maxLength", integer},
                                {"maxProperties", integer},
                                {"maximum", number},
                                {"minItems", integer},
                                {"minLength", integer},
                                {"minProperties", integer},
                                {"minimum", number},
                                {"multipleOf", number},
                                {"not", schema},
                                {"nullable", boolean},
                                {"oneOf", list_of<schema>},
                                {"pattern", text},
                                {"patternProperties", map_of<schema>},
                                {"properties", map_of<schema>},
                                {"required", list_of<text>},
                                {"title", text},
                                {"type", text},
                                {"uniqueItems", boolean},
                                {"x-kubernetes-embedded-resource", boolean},
                                {"x-kubernetes-int-or-string", boolean},
                                {"x-kubernetes-list-map-keys", list_of<text>},
                                {"x-kubernetes-list-type", text},
                                {"x-kubernetes-map-type", text},
                                {"x-kubernetes-preserve-unknown-fields", boolean},
                                {"x-kubernetes-validations", list_of<object>}};
  members(value, path, known, errors);
}

void schema_holder(const json& value, const FieldPath& path, Errors& errors) {
  static const Members known = {{"openAPIV3Schema", schema}};
  members(value, path, known, errors);
}

void scale(const json& value, const FieldPath& path, Errors& errors) {
  static const Members known = {
      {"specReplicasPath", text}, {"statusReplicasPath", text}, {"labelSelectorPath", text}};
  members(value, path, known, errors);
}

void subresources(const json& value, const FieldPath& path, Errors& errors) {
  static const Members known = {{"status", object}, {"scale", scale}};
  members(value, path, known, errors);
}

void column(const json& value, const FieldPath& path, Errors& errors) {
  static const Members known = {{"name", text},        {"type", text},     {"format", text},
                                {"description", text}, {"jsonPath", text}, {"priority", integer}};
  members(value, path, known, errors);
}

void selectable_field(const json& value, const FieldPath& path, Errors& errors) {
  static const Members known = {{"jsonPath", text}};
  members(value, path, known, errors);
}

void version(const json& value, const FieldPath& path, Errors& errors) {
  static const Members known = {{"name", text},
                                {"served", boolean},
                                {"storage", boolean},
                                {"deprecated", boolean},
                                {"deprecationWarning", text},
                                {"schema", schema_holder},
                                {"subresources", subresources},
                                {"additionalPrinterColumns", list_of<column>},
                                {"selectableFields", list_of<selectable_field>}};
  members(value, path, known, errors);
}

void names(const json& value, const FieldPath& path, Errors& errors) {
  static const Members known = {{"plural", text},
                                {"singular", text},
                                {"kind", text},
                                {"listKind", text},
                                {"shortNames", list_of<text>},
                                {"categories", list_of<text>}};
  members(value, path, known, errors);
}

void conversion(const json& value, const FieldPath& path, Errors& errors) {
  static const Members known = {{"strategy", text}, {"webhook", object}};
  members(value, path, known, errors);
}

void spec(const json& value, const FieldPath& path, Errors& errors) {
  static const Members known = {{"group", text},
                                {"scope", text},
                                {"names", names},
                                {"versions", list_of<version>},
                                {"conversion", conversion},
                                {"preserveUnknownFields", boolean}};
  members(value, path, known, errors);
}

}  // namespace

void check_definition_types(const json& definition, Errors& errors) {
  static const Members known = {{"spec", spec}};
  members(definition, {}, known, errors);
}

}  // namespace kube::server::types
