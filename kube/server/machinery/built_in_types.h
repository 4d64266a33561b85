#pragma once

// The shapes of the built-in kinds that the server knows: their fields, types, numbers on the wire,
// merge keys and owners of lists, all read from one table (built_in_types.txt, compiled in).
// Schemas, field ownership, strategic merge, protobuf and OpenAPI all follow from it.
//
// Threads: built on first use, then immutable.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/resource_type.h"
#include "kube/server/machinery/field_type.h"

namespace kube::server::machinery {

struct BuiltInField {
  std::string name;
  uint32_t number = 0;                                     // protobuf
  enum class Shape { One, List, Map } shape = Shape::One;  // Map: keys are strings
  // "string", "int32", "int64", "bool", "bytes", "time", "microtime", "quantity", "intorstring",
  // "json", or a type's name
  std::string type;
  enum class ListType { Atomic, Set, Map } list_type = ListType::Atomic;
  std::vector<std::string> list_keys;
  bool atomic_map = false;
  bool merges = false;    // patchStrategy merge
  bool retains = false;   // patchStrategy retainKeys
  std::string merge_key;  // patchMergeKey
  bool required = false;
  bool optional_scalar = false;  // zero or false is not the same as absent
  bool inlined = false;  // on the wire a message of its own, in JSON part of the type around it
  std::vector<std::string> enumeration;
  std::string default_value;  // JSON text; "" = none
};

struct BuiltInType {
  std::string name;
  bool atomic = false;  // owned as one value
  std::vector<BuiltInField> fields;
};

// nullptr if unknown. "Pod", "PodSpec", "ObjectMeta".
const BuiltInType* find_built_in_type(std::string_view name);
// The kinds themselves, with their resource names.
const std::vector<ResourceType>& built_in_resources();
// The type's name for a kind ("Pod"; two kinds named Event differ by group); "" if not built in.
std::string built_in_type_name(const ResourceType& type);
// nullptr if the kind is not built in.
const FieldType* built_in_field_type(const ResourceType& type);

// The format that marks an amount (quantity.h) in the schema of a built-in kind.
inline constexpr const char* kQuantityFormat = "quantity";

// The schema of a type: with references as `#/components/schemas/<schema_id(name)>`, as OpenAPI has
// it, or with everything written out.
enum class References { Keep, Expand };
nlohmann::json built_in_schema(const BuiltInType& type, References references);
std::string schema_id(std::string_view type_name);

}  // namespace kube::server::machinery
