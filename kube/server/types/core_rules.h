#pragma once

// What the API promises about the small built-in kinds beyond their schemas.
//
// Threads: pure functions.

#include "kube/server/types/resource.h"

namespace kube::server::types {

Rules namespace_rules();
Rules node_rules();
Rules service_rules();
Rules config_map_rules();
Rules secret_rules();
Rules event_rules();
Rules service_account_rules();
Rules persistent_volume_claim_rules();
Rules lease_rules();

}  // namespace kube::server::types
