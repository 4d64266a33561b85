#pragma once

// SchemaNode: one level of a compiled schema. Private to the schema's own files.
//
// Threads: immutable after compile.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <re2/re2.h>

#include "kube/server/machinery/invalid_field.h"
#include "kube/server/machinery/structural_schema.h"

namespace kube::server::machinery {

struct SchemaNode {
  enum class Type { Any, Object, Array, String, Integer, Number, Boolean };
  enum class ListType { Atomic, Set, Map };

  Type type = Type::Any;
  std::string type_name;
  bool nullable = false;
  bool int_or_string = false;
  bool preserves_unknown = false;
  bool embedded_resource = false;
  bool is_quantity = false;       // of a built-in kind
  bool holds_quantities = false;  // it is one, or something in it
  bool drops_empty = false;       // built-in kinds: a member that is null or empty is absent

  std::map<std::string, SchemaNode, std::less<>> properties;
  std::unique_ptr<SchemaNode> additional;
  bool any_additional = false;
  std::unique_ptr<SchemaNode> items;
  std::vector<std::string> required;
  std::optional<nlohmann::json> default_value;
  size_t default_size = 0;  // its text, in bytes

  std::vector<nlohmann::json> enumeration;
  std::optional<double> minimum;
  std::optional<double> maximum;
  bool exclusive_minimum = false;
  bool exclusive_maximum = false;
  std::optional<double> multiple_of;
  std::optional<size_t> min_length;
  std::optional<size_t> max_length;
  std::optional<size_t> min_items;
  std::optional<size_t> max_items;
  std::optional<size_t> min_properties;
  std::optional<size_t> max_properties;
  std::shared_ptr<const re2::RE2> pattern;
  std::string format;

  bool unique_items = false;  // checked here; of a built-in kind its rules do what is to be done
  ListType list_type = ListType::Atomic;
  std::vector<std::string> list_keys;

  std::vector<SchemaNode> all_of;
  std::vector<SchemaNode> any_of;
  std::vector<SchemaNode> one_of;
  std::unique_ptr<SchemaNode> negated;

  // The schema of a member; nullptr when the schema does not know it.
  [[nodiscard]] const SchemaNode* member(const std::string& name) const {
    const auto at = properties.find(name);
    if (at != properties.end()) return &at->second;
    return additional.get();
  }
};

enum class Origin { Custom, BuiltIn };
// Compiles what is there; whether it may stand there is check_structural's. Problems (a pattern
// that is no regular expression, a default that is not valid) go to `errors`.
SchemaNode compile_node(const nlohmann::json& schema, const FieldPath& path, Origin origin,
                        std::vector<FieldError>& errors);
// At the root and in embedded resources: apiVersion, kind and metadata are always known.
void add_resource_fields(SchemaNode& node);

// What keeps the schema from being structural.
void check_structural(const nlohmann::json& schema, const FieldPath& path,
                      std::vector<FieldError>& errors);

// `live`: what stands there now; an equal value is not looked at. nullptr when nothing corresponds.
void validate_node(const nlohmann::json& value, const nlohmann::json* live, const SchemaNode& node,
                   const FieldPath& path, std::vector<FieldError>& errors);
void prune_node(nlohmann::json& value, const SchemaNode& node, const FieldPath& path,
                std::vector<std::string>& unknown);
// `arguments:` with nothing after it, as charts write, is an absent field: removes every member
// that is null where the schema neither allows null nor has a default. Items of lists stay.
void drop_nulls(nlohmann::json& value, const SchemaNode& node);
// Charges every default to `room`. False when it is used up: then no more are filled in.
bool default_node(nlohmann::json& value, const SchemaNode& node, size_t& room, Empties empties);

}  // namespace kube::server::machinery
