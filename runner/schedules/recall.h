#pragma once

// recalled_state: what a schedule's controller remembers again after somebody took its status away:
// the counts of the ledger, the runs that it saw no end of, the slots and the wish that it handled.
//
// What was not recorded is not known: slots that were held begin anew, and of a schedule that was
// ever edited or suspended nothing from before now is owed, since when that was is not known.
// Threads: pure.

#include <vector>

#include "runner/run_recorder.h"
#include "scheduler/decide.h"

namespace runner::schedules {

// `known` counts every run that exists; `ahead` are the recorded runs of slots after `now`.
scheduler::State recalled_state(const Remembered& known, const std::vector<RunRecord>& ahead,
                                const scheduler::Spec& spec, const scheduler::Observed& observed,
                                scheduler::Instant now);

}  // namespace runner::schedules
