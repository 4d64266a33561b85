#pragma once

// A run that came too late: a creation that was on its way when its replica lost the lease, or its
// time-out passed, may arrive after the slot was skipped, or after the run of that name has ended
// and was pruned. Names are no lock then. What the schedule's status says decides. A run by hand
// comes too late when another wish has taken its place, or it has become a run already.
//
// Threads: pure.

#include <nlohmann/json_fwd.hpp>

namespace runner::schedules {

// Whether `run`, which has not been submitted yet, must never be: its slot is accounted for, or
// its wish heard, and not by this run. `schedule` as the API itself has it: a run is counted in the
// same write of the status that accounts for its slot, so a run that is legitimate is never seen as
// a stray.
bool is_stray(const nlohmann::json& schedule, const nlohmann::json& run);

}  // namespace runner::schedules
