#pragma once

// schedule_observe: the runs of a schedule, from the cache or from the API itself.
//
// Cached: cheap, may lag. Live: certain, for the moments when something is believed not to exist:
// the runs by label and by owner, drivers that outlive their run, runs of a deleted namesake.
// Threads: any.

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/api.h"
#include "kube/reconciler.h"
#include "runner/schedules/leftovers.h"
#include "runner/schedules/run.h"

namespace runner::schedules {

struct ScheduleView {
  std::vector<ScheduleRun> runs;
  // Live view only: what scheduler::Observed::lingering counts. Their deletion takes along what
  // belongs to them.
  std::vector<Leftover> leftovers;
};

// Skip: drivers are what the cache says, nothing lingers.
enum class LiveDrivers { Read, Skip };

ScheduleView cached_view(const kube::Cache& cache, const nlohmann::json& schedule);
base::Result<ScheduleView> live_view(kube::Api& api, const kube::Cache& cache,
                                     const nlohmann::json& schedule, LiveDrivers drivers);

}  // namespace runner::schedules
