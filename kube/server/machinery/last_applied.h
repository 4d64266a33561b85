#pragma once

// The annotation kubectl.kubernetes.io/last-applied-configuration under server-side apply: what
// lets a person go from `kubectl apply` to `kubectl apply --server-side` and back without conflicts
// and without fields that nobody takes away any more. Both rules are for the manager "kubectl"
// alone.
//
// Source: "Upgrading from client-side apply to server-side apply" of the Kubernetes documentation.
// Threads: pure functions.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "kube/server/machinery/field_set.h"
#include "kube/server/machinery/field_type.h"

namespace kube::server::machinery {

inline constexpr const char* kLastAppliedManager = "kubectl";

// The fields that were applied by a client and are still so in the live object: an apply by kubectl
// may take them over. Empty without a readable annotation of this API version.
FieldSet still_as_applied(const Json& live, const FieldType& type, const std::string& api_version);

// Where the object has the annotation, it says what was applied now; above what annotations may
// hold in all it is removed.
void renew_last_applied(Json& object, const Json& applied);

}  // namespace kube::server::machinery
