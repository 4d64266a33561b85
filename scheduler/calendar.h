#pragma once

// Walks a schedule as a calendar: which days of a month have slots, how many, and where the clock
// changes. Days are those of the schedule's zone; a slot belongs to the day that its local time
// shows, on days of 23 and 25 hours too.
//
// Threads: pure functions.

#include <cstdint>
#include <optional>
#include <vector>

#include "scheduler/schedule.h"

namespace scheduler {

struct CalendarDay {
  std::chrono::local_days date;
  uint64_t slots = 0;
  std::optional<Instant> first, last;     // of the slots
  std::chrono::seconds offset_change{0};  // by how much the clock is put forward on this day
};

CalendarDay calendar_day(const Schedule& schedule, std::chrono::local_days date);
// All days of the month, those without slots too.
std::vector<CalendarDay> calendar_month(const Schedule& schedule, std::chrono::year_month month);

}  // namespace scheduler
