#pragma once

// missed: which of the slots that are due may still start, and which are skipped, before it matters
// what else is running.
//
// Threads: pure.

#include <optional>
#include <vector>

#include "scheduler/decide.h"

namespace scheduler {

struct DueSlots {
  std::vector<Instant> runnable;  // ascending; those that started already are not among them
  std::vector<SkipRun> skipped;   // ascending
};

struct MissedInput {
  const Schedule& schedule;
  const Policy& policy;
  Instant from;               // slots after this …
  base::WallTime now;         // … up to this are due
  std::vector<Span> started;  // those among them that have runs already; ascending, apart
  std::optional<HeldSlots> held;
  bool blocked = false;  // something unfinished forbids a start now
};

[[nodiscard]] DueSlots missed(const MissedInput& input);

}  // namespace scheduler
