#include "scheduler/cron_pattern.h"

namespace scheduler {
namespace {

using civil::DayNumber;

constexpr uint32_t kAllDays = 0xfffffffe;
constexpr uint16_t kAllMonths = 0x1ffe;
constexpr uint8_t kAllWeekdays = 0x7f;
constexpr int32_t kEraYears = 400;

uint32_t highest(uint64_t mask) {
  return 63 - static_cast<uint32_t>(std::countl_zero(mask));
}

int64_t wall_at(int64_t day, int64_t second) {
  return day * civil::kSecondsPerDay + second - civil::kEpochSeconds;
}

}  // namespace

void YearSet::insert(int32_t year) {
  if (shared_ == nullptr) shared_ = new Shared;
  const auto bit = static_cast<uint32_t>(year - kFirst);
  shared_->bits[bit / 64] |= uint64_t{1} << (bit % 64);
}

void YearSet::release() {
  if (shared_ != nullptr && shared_->owners.fetch_sub(1, std::memory_order_acq_rel) == 1)
    delete shared_;
}

void Pattern::finish() {
  days &= kAllDays;
  const bool any_day = days == kAllDays;
  const bool any_weekday = weekdays == kAllWeekdays;
  const bool no_day_excluded = has(kEitherDay) ? any_day || any_weekday : any_day && any_weekday;
  flags &= static_cast<uint8_t>(~(kEveryDay | kWeekdaysOnly | kIgnoresWeekday));
  if (any_weekday && !has(kEitherDay) && (weekday_to_last | weekday_to_day | nth) == 0)
    flags |= kIgnoresWeekday;
  if (months != kAllMonths || years.restricted()) return;
  if (no_day_excluded)
    flags |= kEveryDay;
  else if (!has(kEitherDay) && any_day && weekdays != 0 && !has_special())
    flags |= kWeekdaysOnly;
}

uint32_t Pattern::days_in(int32_t year, uint32_t month) const {
  if (((months >> month) & 1) == 0 || !years.contains(year)) return 0;
  return days_of(civil::month_length(year, month), civil::day_number(year, month, 1));
}

bool Pattern::day_matches(DayNumber day) const {
  if (has(kEveryDay)) return true;
  const civil::Date date = civil::date_of(day);
  return ((days_in(date.year, date.month) >> date.day) & 1) != 0;
}

// Whether a month can match at all is cheaper to see than its weekdays, hence the order.
int64_t Pattern::next_after_month(int32_t year, uint32_t month) const {
  const int32_t last_year = years.restricted() ? YearSet::kLast : year + kEraYears;
  uint32_t rest = static_cast<uint32_t>(months) >> month >> 1 << month << 1;
  while (year <= last_year) {
    for (; rest != 0 && years.contains(year); rest &= rest - 1) {
      month = static_cast<uint32_t>(std::countr_zero(rest));
      const uint32_t length = civil::month_length(year, month);
      // Without weekdays an empty month is seen before its first day is known.
      if (has(kIgnoresWeekday) && days_of(length, 0) == 0) continue;
      const DayNumber first = civil::day_number(year, month, 1);
      if (const uint32_t mask = days_of(length, first); mask != 0)
        return wall_at(int64_t{first} + std::countr_zero(mask) - 1, first_time());
    }
    ++year;
    if (years.restricted() && year < YearSet::kFirst) year = YearSet::kFirst;
    rest = months;
  }
  return kNoWall;
}

// The last time of day at or before; -1: none on this day.
int32_t Pattern::last_time_until(uint32_t second_of_day) const {
  const uint32_t minute_of_day = second_of_day / 60;
  const uint32_t hour = minute_of_day / 60;
  const uint32_t minute = minute_of_day % 60;
  const uint32_t last_second = highest(seconds);
  if (((hours >> hour) & 1) != 0) {
    const uint64_t seconds_until = seconds & ((uint64_t{2} << (second_of_day % 60)) - 1);
    if (((minutes >> minute) & 1) != 0 && seconds_until != 0)
      return static_cast<int32_t>(minute_of_day * 60 + highest(seconds_until));
    if (const uint64_t before = minutes & ((uint64_t{1} << minute) - 1); before != 0)
      return static_cast<int32_t>(hour * 3600 + highest(before) * 60 + last_second);
  }
  const uint32_t before = hours & ((uint32_t{1} << hour) - 1);
  if (before == 0) return -1;
  return static_cast<int32_t>(highest(before) * 3600 + highest(minutes) * 60 + last_second);
}

int64_t Pattern::prev(int64_t wall) const {
  const auto shifted = static_cast<uint64_t>(wall + civil::kEpochSeconds);
  const auto day = static_cast<DayNumber>(shifted / kDaySeconds);
  const int32_t time = last_time_until(static_cast<uint32_t>(shifted % kDaySeconds));
  const int32_t last_time = last_time_until(kDaySeconds - 1);
  if (has(kEveryDay)) return time >= 0 ? wall_at(day, time) : wall_at(int64_t{day} - 1, last_time);

  const civil::Date date = civil::date_of(day);
  const uint32_t mask = days_in(date.year, date.month);
  if (((mask >> date.day) & 1) != 0 && time >= 0) return wall_at(day, time);
  if (const uint32_t before = mask & ((uint32_t{1} << date.day) - 1); before != 0)
    return wall_at(int64_t{day} - date.day + highest(before), last_time);
  return prev_before_month(date.year, date.month);
}

int64_t Pattern::prev_before_month(int32_t year, uint32_t month) const {
  const int32_t first_year = years.restricted() ? YearSet::kFirst : year - kEraYears;
  const int32_t last_time = last_time_until(kDaySeconds - 1);
  uint32_t rest = months & ((uint32_t{1} << month) - 1);
  while (year >= first_year) {
    for (; rest != 0 && years.contains(year); rest &= ~(uint32_t{1} << month)) {
      month = highest(rest);
      const DayNumber first = civil::day_number(year, month, 1);
      const uint32_t mask = days_of(civil::month_length(year, month), first);
      if (mask != 0) return wall_at(int64_t{first} + highest(mask) - 1, last_time);
    }
    --year;
    if (years.restricted() && year > YearSet::kLast) year = YearSet::kLast;
    rest = months;
  }
  return kNoWallBefore;
}

uint64_t Pattern::times_per_day() const {
  return static_cast<uint64_t>(std::popcount(hours)) *
         static_cast<uint64_t>(std::popcount(minutes)) *
         static_cast<uint64_t>(std::popcount(seconds));
}

uint64_t Pattern::times_before(uint32_t second_of_day) const {
  const auto ones = [](uint64_t mask) { return static_cast<uint64_t>(std::popcount(mask)); };
  const auto below = [](uint64_t mask, uint32_t bit) { return mask & ((uint64_t{1} << bit) - 1); };
  const uint32_t hour = second_of_day / 3600;
  const uint32_t minute = second_of_day / 60 % 60;
  uint64_t result = ones(below(hours, hour)) * ones(minutes) * ones(seconds);
  if (((hours >> hour) & 1) == 0) return result;
  result += ones(below(minutes, minute)) * ones(seconds);
  if (((minutes >> minute) & 1) != 0) result += ones(below(seconds, second_of_day % 60));
  return result;
}

uint64_t Pattern::count(int64_t from, int64_t to) const {
  if (from >= to) return 0;
  const auto begin = static_cast<uint64_t>(from + civil::kEpochSeconds);
  const auto end = static_cast<uint64_t>(to + civil::kEpochSeconds);
  const auto first_day = static_cast<DayNumber>(begin / kDaySeconds);
  const auto last_day = static_cast<DayNumber>(end / kDaySeconds);
  uint64_t result = days_between(first_day, last_day) * times_per_day();
  if (day_matches(last_day)) result += times_before(static_cast<uint32_t>(end % kDaySeconds));
  if (day_matches(first_day)) result -= times_before(static_cast<uint32_t>(begin % kDaySeconds));
  return result;
}

// Matching days in [from, to), month by month.
uint64_t Pattern::days_between(DayNumber from, DayNumber to) const {
  if (has(kEveryDay)) return to - from;
  const civil::Date first = civil::date_of(from);
  const civil::Date last = civil::date_of(to);
  uint64_t result = 0;
  int32_t year = first.year;
  uint32_t month = first.month;
  uint32_t skipped = (uint32_t{1} << first.day) - 1;  // days before the first
  while (year < last.year || (year == last.year && month < last.month)) {
    result += static_cast<uint64_t>(std::popcount(days_in(year, month) & ~skipped));
    skipped = 0;
    if (++month == 13) {
      month = 1;
      ++year;
    }
  }
  const uint32_t counted = ((uint32_t{1} << last.day) - 1) & ~skipped;
  return result + static_cast<uint64_t>(std::popcount(days_in(year, month) & counted));
}

}  // namespace scheduler
