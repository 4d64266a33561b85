#pragma once

// What the API promises about pods beyond their schema: defaults, the first status, what may
// change.
//
// Threads: pure functions.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "kube/server/types/resource.h"

namespace kube::server::types {

Rules pod_rules();
// "Guaranteed", "Burstable" or "BestEffort", from the resources of its containers.
std::string quality_of_service(const nlohmann::json& pod);

}  // namespace kube::server::types
