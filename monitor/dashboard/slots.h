#pragma once

// What comes next, for pages that draw it: the slots of many schedules, and what the days on which
// the clock changes do to one. By the engine that decides them.
//
// Errors: InvalidArgument for a question that is none, or asks for too much. Threads: pure.

#include <chrono>
#include <cstddef>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace monitor::dashboard {

inline constexpr size_t kMaxSlots = 300;          // of one schedule
inline constexpr size_t kMaxSlotsOfAll = 20'000;  // of one answer
inline constexpr std::chrono::days kMaxAhead{8};
inline constexpr std::chrono::days kChangesAhead{2 * 366};
inline constexpr size_t kMaxChanges = 16;

// {"from", "to", "schedules": [question, …]} → {"schedules": [{"slots", "count"} or {"error"}, …]}.
// Slots in (from, to], in seconds since 1970, the first ones up to the bounds above; "count" is how
// many there are. Where it is more, "hours" counts those of each hour of UTC, from that of `from`
// on.
base::Result<nlohmann::json> slots(const nlohmann::json& question, const std::string& default_zone);

// {"from", "schedule": question} → {"changes": [{"at", "day", "text"}, …]} of the two years from
// then on: "at" in seconds, "day" of the schedule's zone, "text" for people.
base::Result<nlohmann::json> clock_changes(const nlohmann::json& question,
                                           const std::string& default_zone);

}  // namespace monitor::dashboard
