#pragma once

// proof: what a decision that was made from a cache must be shown by the API before it is carried
// out. The cache is believed about what exists and never about what does not.
//
// Threads: pure.

#include "scheduler/decide.h"

namespace runner::schedules {

enum class Proof {
  None,      // nothing is started, nothing passes: what the cache says is enough
  Schedule,  // the schedule as it is now: it may have been edited, suspended or decided on
  Runs,      // also its runs, and the drivers that live
};
// Runs that may overlap need no list of the others: a run of this slot that is missing in the cache
// has its name, which the creation would meet.
[[nodiscard]] Proof needed_proof(const scheduler::Spec& spec, const scheduler::Observed& observed,
                                 const scheduler::Decision& decision);

// Everything that the decision accounts for is a slot that it starts, or one whose run was seen: it
// is the same whatever else exists.
[[nodiscard]] bool has_run_for_all(const scheduler::Spec& spec, const scheduler::Observed& observed,
                                   const scheduler::Decision& decision);

}  // namespace runner::schedules
