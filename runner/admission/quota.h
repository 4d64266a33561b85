#pragma once

// Whether a run has room in the ResourceQuotas of its namespace when it is asked for. The API
// server says so pod by pod; asked here, a run that cannot fit is refused whole, before its driver
// waits for executors that never come.
//
// Quotas with scopes are left to the API server, which knows the pods. Threads: pure.

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "runner/submission/demand.h"

namespace runner::admission {

// Forbidden: `exceeded quota "team": the application asks for requests.memory=3Gi, used: 6Gi,
// limited: 8Gi`, of the first resource that does not fit. A quota that cannot be read refuses
// nothing.
base::Status check_quotas(const submission::Demand& demand,
                          const std::vector<nlohmann::json>& quotas);

}  // namespace runner::admission
