#pragma once

// The two forms of an Event: core/v1, in which it is stored, and events.k8s.io/v1. Both groups show
// the same objects; what differs is how fields are called.
//
// Threads: pure functions.

#include <nlohmann/json_fwd.hpp>

namespace kube::server::types {

nlohmann::json to_core_event(nlohmann::json event);
nlohmann::json to_new_event(nlohmann::json event);

}  // namespace kube::server::types
