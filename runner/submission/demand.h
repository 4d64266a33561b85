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
#include "runner/submission/conf.h"
#include "runner/submission/submission.h"

namespace runner::submission {

// In thousandths, by the names that a quota has for them: "pods", "requests.cpu", "limits.memory",
// "requests.nvidia.com/gpu"; "cpu" and "memory" stand for the requests as well.
using Demand = std::map<std::string, int64_t>;

// Errors: as build_submission; InvalidArgument for a quantity that none can read.
base::Result<Demand> demand_of(const nlohmann::json& application, const Context& context);

// Of an executor's pod, by the conf that the driver reads.
base::Result<int64_t> executor_mebibytes(const Conf& conf, const SparkVersion& version);

// The same of what is built already, one role at a time: a pod's worth, by "requests.cpu" and the
// like, and how many of them there are at the start. Executors that are threads are none.
struct RoleDemand {
  Demand each;
  int64_t count = 0;
};
struct RunDemand {
  RoleDemand driver;
  RoleDemand executors;
};
base::Result<RunDemand> demand_by_role(const Submission& built);
// 1500 → "1500m", 2000 → "2".
std::string milli_quantity(int64_t thousandths);

}  // namespace runner::submission
