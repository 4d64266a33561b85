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
    : schedule_(schedule), last_(after.time_since_epoch().count()) {}

// Where masks do not help: @every, the first step, and changes of the offset.
std::optional<Instant> ScheduleCursor::jump() {
  const std::optional<Instant> slot = schedule_.next(Instant{std::chrono::seconds{last_}});
  seconds_left_ = minutes_left_ = hours_left_ = days_left_ = 0;
  valid_until_ = 0;
  if (!slot) return slot;
  last_ = slot->time_since_epoch().count();
  if (!schedule_.pattern_.has(Pattern::kInterval)) stand_at(last_);
  return slot;
}

// Prepares the masks for what follows a slot, as far as the offset reaches.
void ScheduleCursor::stand_at(int64_t slot) {
  const OffsetTable& offsets = schedule_.zone().offsets();
  if (slot >= offsets.folds_from()) return;
  const OffsetTable::Segment* segment = offsets.find(slot);
  // A second pass that does not count is left to the schedule.
  if (slot < schedule_.first_pass(*segment)) return;
  const Pattern& pattern = schedule_.pattern_;
  valid_until_ = std::min(segment[1].begin, offsets.folds_from());
  const auto shifted = static_cast<uint64_t>(slot + segment->offset + civil::kEpochSeconds);
  const auto day = static_cast<civil::DayNumber>(shifted / kDaySeconds);
  const auto time = static_cast<uint32_t>(shifted % kDaySeconds);
  const uint32_t hour = time / 3600;
  const uint32_t minute = time / 60 % 60;
  const civil::Date date = civil::date_of(day);
  day_ = slot - time;
  hour_ = day_ + hour * 3600;
  minute_ = hour_ + minute * 60;
  month_ = day_ - date.day * kDay;
  year_ = date.year;
  month_number_ = date.month;
  // A slot that makes up for a gap need not match anything itself.
  const uint32_t days = pattern.days_in(date.year, date.month);
  const bool on_day = (days >> date.day & 1) != 0;
  const bool in_hour = on_day && (pattern.hours >> hour & 1) != 0;
  const bool in_minute = in_hour && (pattern.minutes >> minute & 1) != 0;
  seconds_left_ = in_minute ? above(pattern.seconds, time % 60) : 0;
  minutes_left_ = in_hour ? above(pattern.minutes, minute) : 0;
  hours_left_ = on_day ? static_cast<uint32_t>(above(pattern.hours, hour)) : 0;
  days_left_ = static_cast<uint32_t>(above(days, date.day));
}

std::optional<Instant> ScheduleCursor::next_minute() {
  const Pattern& pattern = schedule_.pattern_;
  if (minutes_left_ == 0) {
    if (hours_left_ == 0 && !next_day()) return jump();
    hour_ = day_ + std::countr_zero(hours_left_) * 3600;
    hours_left_ &= hours_left_ - 1;
    minutes_left_ = pattern.minutes;
  }
  minute_ = hour_ + std::countr_zero(minutes_left_) * 60;
  minutes_left_ &= minutes_left_ - 1;
  const int64_t slot = minute_ + std::countr_zero(pattern.seconds);
  if (slot >= valid_until_) return jump();
  seconds_left_ = pattern.seconds & (pattern.seconds - 1);
  return Instant{std::chrono::seconds{last_ = slot}};
}

bool ScheduleCursor::next_day() {
  if (days_left_ == 0 && !next_month()) return false;
  day_ = month_ + std::countr_zero(days_left_) * kDay;
  days_left_ &= days_left_ - 1;
  hours_left_ = schedule_.pattern_.hours;
  return true;
}

// False when the offset changes before the next matching month: its length and weekday are then
// the schedule's business. False, too, after a whole Gregorian period without one: it decides that
// there is none.
bool ScheduleCursor::next_month() {
  constexpr int kMonthsOfPeriod = 4800;
  for (int looked = 0; month_ < valid_until_ && looked < kMonthsOfPeriod; ++looked) {
    month_ += civil::month_length(year_, month_number_) * kDay;
    if (++month_number_ == 13) {
      month_number_ = 1;
      ++year_;
    }
    days_left_ = schedule_.pattern_.days_in(year_, month_number_);
    if (days_left_ != 0) return true;
  }
  return false;
}

}  // namespace scheduler
