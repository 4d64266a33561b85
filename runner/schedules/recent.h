#pragma once

// recent_outcomes: what the last runs of a schedule say about it, read from its status, so that a
// restart changes nothing. The status keeps ten runs and skipped stretches (recentRuns); no more is
// looked at.
//
// Threads: pure.

#include <chrono>
#include <cstdint>
#include <optional>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"

namespace runner::schedules {

struct RecentOutcomes {
  // Of the runs that have ended, the newest in a row that failed.
  uint64_t consecutive_failures = 0;
  // The creation of the oldest run that has not ended.
  std::optional<base::WallTime> oldest_active;
  // The median of how long runs took that succeeded, from creation to end; of fewer than three
  // nothing is usual.
  std::optional<std::chrono::seconds> usual_duration;
};

RecentOutcomes recent_outcomes(const nlohmann::json& status);

}  // namespace runner::schedules
