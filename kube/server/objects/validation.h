#pragma once

// What an object must be before it is stored: readable, of the right kind, complete, and valid.
// prepare_create and prepare_update ask in this order.
//
// Errors are the Status texts of Kubernetes. Threads: pure functions.

#include <cstddef>

#include <nlohmann/json_fwd.hpp>

#include "kube/server/machinery/status.h"
#include "kube/server/objects/prepare.h"
#include "kube/server/types/resource.h"

namespace kube::server::objects {

// A built-in kind whose fields have wrong types cannot be read at all: 400. The result of a patch
// is not asked (422 there), nor is a custom resource (422).
Outcome<void> check_readable(const types::Resource& resource, const json& body);

// apiVersion, kind and metadata are what this resource takes: 400 otherwise. Built-in kinds may
// leave apiVersion and kind out. Afterwards metadata is there, an object.
Outcome<void> check_identity(const types::Resource& resource, json& object);

// Defaults and checks; on an update only what differs from `live` (null: it is new). Rules run only
// on objects whose types are right, so they need not doubt them. Defaults that come to more than
// `object_bytes` are refused while they are filled in: 413.
Outcome<void> complete_and_check(const types::Resource& resource, Part part, json& object,
                                 const json* live, size_t object_bytes);

}  // namespace kube::server::objects
