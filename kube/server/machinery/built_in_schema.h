#pragma once

// The built-in kinds that the server knows, and what follows from the table of their types
// (kube/built_in_types.h): schemas here, field ownership, strategic merge, protobuf and OpenAPI
// elsewhere.
//
// Threads: built on first use, then immutable.

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/built_in_types.h"
#include "kube/resource_type.h"
#include "kube/server/machinery/field_type.h"

namespace kube::server::machinery {

// The kinds themselves, with their resource names.
const std::vector<ResourceType>& built_in_resources();
// The type's name for a kind ("Pod"; two kinds named Event differ by group); "" if not built in.
std::string built_in_type_name(const ResourceType& type);
// nullptr if the kind is not built in.
const FieldType* built_in_field_type(const ResourceType& type);

// The format that marks an amount (base/quantity.h) in the schema of a built-in kind.
inline constexpr const char* kQuantityFormat = "quantity";

// The schema of a type: with references as `#/components/schemas/<schema_id(name)>`, as OpenAPI has
// it, or with everything written out.
enum class References { Keep, Expand };
nlohmann::json built_in_schema(const BuiltInType& type, References references);
std::string schema_id(std::string_view type_name);

}  // namespace kube::server::machinery
