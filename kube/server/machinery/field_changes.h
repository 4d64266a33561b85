#pragma once

// What changed between two states of an object, in paths; and the merging of an applied object into
// a live one. Private to server-side apply. Threads: pure functions.

#include <nlohmann/json_fwd.hpp>

#include "kube/server/machinery/field_set.h"
#include "kube/server/machinery/field_type.h"

namespace kube::server::machinery {

struct FieldChanges {
  FieldSet added;
  FieldSet modified;
  FieldSet removed;
  [[nodiscard]] FieldSet written() const { return added.united(modified); }
  [[nodiscard]] bool empty() const { return added.empty() && modified.empty() && removed.empty(); }
};

FieldChanges changes_between(const Json& before, const Json& after, const FieldType& type);

// `live` with everything that `applied` says.
Json merge_applied(const Json& live, const Json& applied, const FieldType& type);

// Removes what `last` has and nobody owns, and the containers that become empty by it.
void remove_unowned(Json& object, const FieldType& type, const FieldSet& last,
                    const FieldSet& owned);

}  // namespace kube::server::machinery
