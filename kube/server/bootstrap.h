#pragma once

// What must be there before anybody comes in: the first namespaces, their service accounts, and the
// definitions that the program brings along.
//
// Threads: at start, before the handler is used.

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "kube/server/objects/objects.h"

namespace kube::server {

base::Status bootstrap(objects::Objects& objects, const std::vector<nlohmann::json>& definitions);

}  // namespace kube::server
