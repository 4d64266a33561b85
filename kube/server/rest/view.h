#pragma once

// View: a stored object, a list or a change, rendered as the client asked for it.
//
// The fast path copies the stored text; only Tables, metadata and other API versions are parsed.
// Threads: pure functions.

#include <chrono>
#include <string>
#include <vector>

#include "kube/server/machinery/table.h"
#include "kube/server/rest/negotiation.h"
#include "kube/server/storage/object.h"
#include "kube/server/types/resource.h"

namespace kube::server::rest {

struct View {
  types::ResourcePtr resource;
  Representation representation;
  machinery::IncludeObject include = machinery::IncludeObject::Metadata;  // of a Table's rows

  // The same for all views that render alike.
  [[nodiscard]] std::string form() const;
  [[nodiscard]] std::string object(const storage::Object& object, std::chrono::sys_seconds now,
                                   machinery::TableColumns::Definitions definitions =
                                       machinery::TableColumns::Definitions::Include) const;
  // `metadata` is the list's, as JSON.
  [[nodiscard]] std::string list(const std::vector<storage::ObjectPtr>& objects,
                                 const nlohmann::json& metadata,
                                 std::chrono::sys_seconds now) const;
};

}  // namespace kube::server::rest
