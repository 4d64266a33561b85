#pragma once

// The items of a list under the names that server-side apply has for them. Private to the merging
// files. Threads: pure functions; pointers are into the list given.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>
#include <tl/expected.hpp>

#include "kube/server/machinery/field_set.h"
#include "kube/server/machinery/field_type.h"

namespace kube::server::machinery {

using KeyedItems = std::vector<std::pair<PathElement, const Json*>>;

// Whether the value is a map that is owned member by member.
bool is_granular_map(const Json& value, const FieldType& type);

// The items of a set or map list, in order. Error: `duplicate entries for key [name="a"]`,
// `element 0: associative list with keys has an element that omits key field "name"`.
tl::expected<KeyedItems, std::string> keyed_items(const Json& list, const FieldType& type);
// The same, empty optional also for values that are no such list at all.
std::optional<KeyedItems> try_keyed_items(const Json& value, const FieldType& type);

// The type of the items below one name.
const FieldType& type_below(const FieldType& type, const PathElement& element);

}  // namespace kube::server::machinery
