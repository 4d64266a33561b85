#pragma once

// schedule_state: what a schedule's controller remembers between two decisions, as it stands in the
// object's status (status.scheduling and status.counts).
//
// Written by one status update under optimistic locking, together with what people read, so it is
// never half there. If it is lost or broken the schedule begins anew and owes nothing from before.
// Threads: pure.

#include <optional>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "scheduler/decide.h"

namespace runner::schedules {

struct ScheduleState {
  scheduler::State decided;
  // Of the last decision that skipped anything, until they are known to be recorded: they go to the
  // RunRecorder after the status is written, and once more after a restart, which changes nothing
  // while the ledger has them.
  std::vector<scheduler::SkipRun> skips;
};

// nullopt: never written, or not as we write it.
std::optional<ScheduleState> read_schedule_state(const nlohmann::json& status);
// Sets status.scheduling and status.counts.
void write_schedule_state(const ScheduleState& state, nlohmann::json& status);

}  // namespace runner::schedules
