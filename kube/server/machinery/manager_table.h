#pragma once

// metadata.managedFields as a table of managers, read and written. Private to server-side apply.
//
// What cannot be read makes the whole table empty, as Kubernetes does: an owner forgotten is better
// than an object that nobody can write any more. Threads: values.

#include <map>
#include <optional>
#include <string>
#include <tuple>

#include <nlohmann/json_fwd.hpp>

#include "kube/server/machinery/field_set.h"

namespace kube::server::machinery {

struct ManagerKey {
  std::string manager;
  std::string operation;    // "Apply" or "Update"
  std::string subresource;  // "status" or ""
  std::string api_version;  // only tells updaters apart; "" for Apply
  auto operator<=>(const ManagerKey&) const = default;
  // `"kubectl-client-side-apply" using v1`, as conflicts name it.
  [[nodiscard]] std::string to_string() const;
};

struct ManagerFields {
  std::string api_version;
  std::string time;
  FieldSet fields;
  bool operator==(const ManagerFields&) const = default;
};

using ManagerTable = std::map<ManagerKey, ManagerFields>;

// Of the object's metadata; nullopt when absent or unreadable.
std::optional<ManagerTable> read_managers(const Json& object);
// One empty entry: how a client asks to forget all managers.
bool is_reset(const Json& object);
// Drops managers that own nothing, folds the oldest of more than ten updaters into one, and writes
// metadata.managedFields (removes it when empty).
void write_managers(ManagerTable managers, Json& object);
void erase_managers(Json& object);

}  // namespace kube::server::machinery
