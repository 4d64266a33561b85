#pragma once

// built_in_types: the shapes of Kubernetes' own types: their fields, types, numbers on the wire,
// merge keys and owners of lists, all read from one table (built_in_types.txt, compiled in). The
// embedded server's schemas and the checks of what people write for a pod follow from it.
//
// Threads: built on first use, then immutable.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kube {

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

}  // namespace kube
