#pragma once

// Who owns which field (metadata.managedFields), and server-side apply.
//
// apply() merges what an applier wants into the live object, removes the fields that it applied
// before and no longer does (unless somebody else owns them), and refuses to change what others own
// (409 `Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using
// sparkoperator.k8s.io/v1beta2: .spec.schedule`) unless forced. track_update() records what a
// create, update or patch changed. Both return the object with its new managedFields; an apply that
// changes nothing gives back the live object to the byte, times included.
//
// Ownership of list items follows FieldType. Two items with one key are an error (422 for apply);
// in updates such a list counts as atomic. A list of one empty entry clears managedFields.
// Source: "Server-Side Apply" of the Kubernetes documentation. Threads: pure functions.

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/server/machinery/field_set.h"
#include "kube/server/machinery/field_type.h"
#include "kube/server/machinery/status.h"

namespace kube::server::machinery {

// What a request may change and what is recorded of it.
enum class WriteScope {
  Whole,         // a kind without status subresource
  AllButStatus,  // the main resource of a kind with a status subresource
  Status,        // .../status: metadata is the live object's but for managedFields
};

struct ManagerInfo {
  std::string manager;      // fieldManager, or the user agent up to its first "/"
  std::string api_version;  // "sparkoperator.k8s.io/v1beta2"
  std::string subresource;  // "status" or ""
  std::string time;         // RFC 3339, now
  WriteScope scope = WriteScope::Whole;
};

struct ApplyRequest {
  ManagerInfo manager;
  bool force = false;
};

struct Applied {
  Json object;
  bool changed = false;  // false: nothing to write
};

// `live` is null when the object does not exist yet. `applied` must not carry managedFields (400
// "metadata.managedFields must be nil").
Outcome<Applied> apply(const Json& live, const Json& applied, const ApplyRequest& request,
                       const FieldType& type);

// `updated` is the object about to be written by another verb, its managedFields as the client sent
// them (absent: keep the live ones). `live` is null on create. Never fails: what cannot be read is
// dropped.
Json track_update(const Json& live, Json updated, const ManagerInfo& manager,
                  const FieldType& type);

// The fields that an object has, as the applier of it would own them. For apply, 422 for duplicate
// keys.
Outcome<FieldSet> field_set_of(const Json& object, const FieldType& type);

}  // namespace kube::server::machinery
