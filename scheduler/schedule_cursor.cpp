#include "scheduler/schedule_cursor.h"

namespace scheduler {
namespace {

constexpr int64_t kDay = civil::kSecondsPerDay;

// The bits above this one.
uint64_t above(uint64_t mask, uint32_t bit) {
  return mask & ~((uint64_t{2} << bit) - 1);
}

}  // namespace

ScheduleCursor::ScheduleCursor(const Schedule& schedule, Instant after)
    : schedule_(schedule),
      once_a_day_(schedule.pattern_.times_per_day() == 1),
      first_time_(schedule.pattern_.first_time()),
      wall_(after.time_since_epoch().count()) {}

// Where masks do not help: @every, years, the first step, gaps and overlaps.
int64_t ScheduleCursor::jump() {
  const int64_t slot = schedule_.next_slot(wall_ - offset_);
  seconds_left_ = minutes_left_ = hours_left_ = days_left_ = 0;
  month_ = nullptr;
  if (slot == Schedule::kNoSlot) return slot;
  wall_ = slot;
  offset_ = 0;
  const Pattern& pattern = schedule_.pattern_;
  if (!pattern.has(Pattern::Interval) && !pattern.years.restricted()) stand_at(slot);
  return slot;
}

// Prepares the masks for what follows a slot.
void ScheduleCursor::stand_at(int64_t slot) {
  const OffsetTable& offsets = schedule_.zone().offsets();
  if (slot >= offsets.folds_from()) return;
  segment_ = offsets.find(slot);
  // A second pass that does not count is left to the schedule.
  if (slot < schedule_.first_pass(*segment_)) return;
  const Pattern& pattern = schedule_.pattern_;
  offset_ = segment_->offset;
  valid_until_ = segment_[1].begin + offset_;
  wall_ = slot + offset_;
  const auto shifted = static_cast<uint64_t>(wall_ + civil::kEpochSeconds);
  const uint32_t today = civil::day_of_era(static_cast<civil::DayNumber>(shifted / kDaySeconds));
  const auto time = static_cast<uint32_t>(shifted % kDaySeconds);
  const uint32_t hour = time / 3600;
  const uint32_t minute = time / 60 % 60;
  day_ = wall_ - time;
  hour_ = day_ + int64_t{hour} * 3600;
  minute_ = hour_ + int64_t{minute} * 60;
  month_ = civil::month_of(today);
  const uint32_t day_of_month = today - month_->days_before() + 1;
  table_begin_ = day_ - today * kDay;
  // A slot that makes up for a gap need not match anything itself.
  const bool in_month = (pattern.months >> month_->number() & 1) != 0;
  const uint32_t days = in_month ? pattern.days_of(*month_) : 0;
  const bool on_day = (days >> day_of_month & 1) != 0;
  const bool in_hour = on_day && (pattern.hours >> hour & 1) != 0;
  const bool in_minute = in_hour && (pattern.minutes >> minute & 1) != 0;
  seconds_left_ = in_minute ? above(pattern.seconds, time % 60) : 0;
  minutes_left_ = in_hour ? above(pattern.minutes, minute) : 0;
  hours_left_ = on_day ? static_cast<uint32_t>(above(pattern.hours, hour)) : 0;
  // Of a day with one time nothing else is kept than whether that is still to come.
  const bool today_left = once_a_day_ && time < first_time_;
  days_left_ = static_cast<uint32_t>(above(days, day_of_month - (today_left ? 1 : 0)));
}

// False at the end of the table of months: the schedule decides whether there is any more.
bool ScheduleCursor::next_month() {
  const civil::Month* month = month_;
  if (month == nullptr) return false;
  const Pattern& pattern = schedule_.pattern_;
  const civil::Month* const end =
      civil::kMonths.data() + 2 * civil::kMonthsOfEra - Pattern::kMaxMonthsAhead;
  while (month < end) {
    month += pattern.months_ahead(*month);
    const uint32_t days = days_of(*month);
    if (days == 0) continue;
    month_ = month;
    days_left_ = days;
    return true;
  }
  return false;
}

// As Schedule::next(): where the wall time is not near a change, the segment that it lies in says
// the offset, unless wall times that come again after the next change have been passed.
int64_t ScheduleCursor::cross(int64_t wall) {
  const OffsetTable& offsets = schedule_.zone().offsets();
  if (wall >= offsets.folds_from() || wall_ >= segment_[1].begin + segment_[1].offset)
    return jump();
  const OffsetTable::Segment* there = offsets.find(wall - offset_);
  const int64_t slot = wall - there->offset;
  if (slot < there->begin + there->repeated || slot >= there[1].begin) return jump();
  segment_ = there;
  offset_ = there->offset;
  valid_until_ = there[1].begin + offset_;
  wall_ = wall;
  return slot;
}

}  // namespace scheduler
