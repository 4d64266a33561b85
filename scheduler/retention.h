#pragma once

// retention: which ended runs go, so that the history stays within its limits. Unfinished runs,
// runs whose driver may still live and runs already being deleted are left alone.
//
// Threads: pure.

#include <vector>

#include "scheduler/decide.h"

namespace scheduler {

// Oldest first. Runs from ahead of `now` count as the oldest: they are what a clock left behind
// that was wrong, and must not push out what runs today.
[[nodiscard]] std::vector<DeleteRun> retention(const Policy& policy,
                                               const std::vector<ObservedRun>& runs, Instant now);

}  // namespace scheduler
