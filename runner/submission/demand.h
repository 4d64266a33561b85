#pragma once

// What a run takes of a ResourceQuota while it runs: the driver as it is submitted, and the
// executors as Spark will make them (BasicExecutorFeatureStep): memory with its overhead, Python's
// and the off-heap part; as many as Spark asks for at its start, also with dynamic allocation.
//
// Threads: pure.

#include <cstdint>
#include <map>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "runner/submission/submission.h"

namespace runner::submission {

// In thousandths, by the names that a quota has for them: "pods", "requests.cpu", "limits.memory",
// "requests.nvidia.com/gpu"; "cpu" and "memory" stand for the requests as well.
using Demand = std::map<std::string, int64_t>;

// Errors: as build_submission; InvalidArgument for a quantity that none can read.
base::Result<Demand> demand_of(const nlohmann::json& application, const Context& context);

}  // namespace runner::submission
