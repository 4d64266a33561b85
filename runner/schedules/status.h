#pragma once

// schedule_status: what people and tools read in a schedule's status. The peer's fields keep the
// peer's meaning; nextRuns, recentRuns, active, counts and conditions are ours.
//
// Everything is made from the decision, the runs that exist and the status before, so a status that
// was lost is whole again after the next decision, but for history that is gone.
// Threads: pure.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "runner/schedules/run.h"
#include "runner/schedules/state.h"
#include "scheduler/decide.h"

namespace runner::schedules {

// Something that keeps a schedule from working though its spec can be read: "CreateRefused",
// "NameTaken", "InvalidTemplate"; empty: nothing.
struct Trouble {
  std::string reason;
  std::string message;
};

struct StatusInput {
  const nlohmann::json& schedule;
  base::WallTime now;
  const scheduler::Spec& spec;
  const scheduler::Decision& decision;
  std::vector<scheduler::SkipRun> skips;  // of the last decision that skipped anything
  std::vector<ScheduleRun> runs;          // after the actions
  Trouble trouble;
};

// The whole status.
nlohmann::json schedule_status(StatusInput input);

// The status before with Ready=False, reason ReconcileFailing: a step failed and is repeated. The
// next round that gets through says Ready as it is again.
nlohmann::json failing_status(const nlohmann::json& schedule, base::WallTime now,
                              const std::string& message);

// The status before, marked as failing validation; what was known about runs stays.
nlohmann::json invalid_status(const nlohmann::json& schedule, base::WallTime now,
                              const std::string& message);

}  // namespace runner::schedules
