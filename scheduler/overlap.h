#pragma once

// overlap: what may start now, given what is unfinished. One of three answers for each candidate:
// start, wait, or (Replace) wait and stop the others meanwhile.
//
// Threads: pure.

#include <vector>

#include "scheduler/decide.h"

namespace scheduler {

// Whether anything unfinished, or any driver that may still live, stands in the way of a start.
[[nodiscard]] bool blocked(const Policy& policy, const Observed& observed);

struct Overlap {
  std::vector<StopRun> stop;
  size_t start = 0;  // how many of the candidates start, from the first
};

// `candidates`: how many runs want to start, in order.
[[nodiscard]] Overlap overlap(const Policy& policy, const Observed& observed, size_t candidates);

}  // namespace scheduler
