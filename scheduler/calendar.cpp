#include "scheduler/calendar.h"

#include <algorithm>

namespace scheduler {
namespace {

constexpr int64_t kDay = civil::kSecondsPerDay;

Instant instant(int64_t seconds) {
  return Instant{std::chrono::seconds{seconds}};
}

// A stretch of time with one offset, cut to a local day.
void add_stretch(const Schedule& schedule, int64_t begin, int64_t end, CalendarDay& day) {
  const uint64_t slots = schedule.count(instant(begin - 1), instant(end - 1));
  if (slots == 0) return;
  if (day.slots == 0) day.first = schedule.next(instant(begin - 1));
  day.last = schedule.prev(instant(end));
  day.slots += slots;
}

}  // namespace

CalendarDay calendar_day(const Schedule& schedule, std::chrono::local_days date) {
  CalendarDay day{.date = date};
  const TimeZone& zone = schedule.zone();
  const int64_t wall = std::chrono::local_seconds{date}.time_since_epoch().count();
  // No offset is as large as two days, and no day has more than a few changes.
  const int64_t until = wall + 3 * kDay;
  for (int64_t begin = wall - 2 * kDay; begin < until;) {
    const int64_t end =
        std::min(zone.next_change(instant(begin)).time_since_epoch().count(), until);
    const int64_t offset = zone.offset_at(instant(begin)).count();
    const int64_t first = std::max(begin, wall - offset);
    const int64_t last = std::min(end, wall + kDay - offset);
    if (first < last) add_stretch(schedule, first, last, day);
    if (end < until) {
      const int64_t change = zone.offset_at(instant(end)).count() - offset;
      // The change belongs to the day on which the clock stood when it came.
      const int64_t clock = end + offset;
      if (clock >= wall && clock < wall + kDay) day.offset_change += std::chrono::seconds{change};
    }
    begin = end;
  }
  return day;
}

std::vector<CalendarDay> calendar_month(const Schedule& schedule, std::chrono::year_month month) {
  std::vector<CalendarDay> days;
  const std::chrono::local_days first{month / 1};
  const std::chrono::local_days last{month / std::chrono::last};
  for (std::chrono::local_days date = first; date <= last; date += std::chrono::days{1})
    days.push_back(calendar_day(schedule, date));
  return days;
}

}  // namespace scheduler
