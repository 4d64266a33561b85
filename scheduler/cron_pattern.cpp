#include "scheduler/cron_pattern.h"

#include <algorithm>

namespace scheduler {
namespace {

using civil::DayNumber;

constexpr uint32_t kAllDays = 0xfffffffe;
constexpr uint16_t kAllMonths = 0x1ffe;
constexpr uint8_t kAllWeekdays = 0x7f;
static_assert(YearSet::kFirst == civil::kMonthsFirstYear);
constexpr DayNumber kYearsBegin = civil::kMonthsBegin;
constexpr DayNumber kYearsEnd = civil::day_number(YearSet::kLast + 1, 1, 1);

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
  const bool no_day_excluded = has(EitherDay) ? any_day || any_weekday : any_day && any_weekday;
  flags &= static_cast<uint8_t>(~(EveryDay | WeekdaysOnly | IgnoresWeekday | LeapDay));
  if (any_weekday && !has(EitherDay) && (weekday_to_last | weekday_to_day | nth) == 0)
    flags |= IgnoresWeekday;
  if (has(IgnoresWeekday) && months == 1 << 2 && days == uint32_t{1} << 29 && from_last == 0)
    flags |= LeapDay;
  if (months != kAllMonths || years.restricted()) return;
  if (no_day_excluded)
    flags |= EveryDay;
  else if (!has(EitherDay) && any_day && weekdays != 0 && !has_special())
    flags |= WeekdaysOnly;
}

uint32_t Pattern::days_in(int32_t year, uint32_t month) const {
  if (((months >> month) & 1) == 0 || !years.contains(year)) return 0;
  return days_of(civil::Month(year, month));
}

uint32_t Pattern::days_at(const civil::Month* month) const {
  if (((months >> month->number()) & 1) == 0) return 0;
  const auto index = static_cast<int32_t>(month - civil::kMonths.data());
  return years.contains(civil::kMonthsFirstYear + index / 12) ? days_of(*month) : 0;
}

bool Pattern::day_matches(DayNumber day) const {
  return days_between(day, day + 1) != 0;
}

int64_t Pattern::next_in_years(DayNumber day, uint32_t time) const {
  if (day >= kYearsEnd) return kNoWall;
  if (day < kYearsBegin) {
    day = kYearsBegin;
    time = first_time();
  }
  const uint32_t today = civil::day_of_era(day);
  const civil::Month* month = civil::month_of(today);
  const uint32_t from = today - month->days_before() + (time < kDaySeconds ? 1 : 2);
  uint32_t mask = static_cast<uint32_t>(uint64_t{days_at(month)} >> from << from);
  while (mask == 0) {
    month += months_ahead(*month);
    if (month->days_before() >= kYearsEnd - kYearsBegin) return kNoWall;
    mask = days_at(month);
  }
  const uint32_t found = month->days_before() + lowest(mask) - 1;
  return wall_at(int64_t{kYearsBegin} + found, found == today ? time : first_time());
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
  if (!has(EveryDay)) return prev_by_calendar(day, time);
  return time >= 0 ? wall_at(day, time) : wall_at(int64_t{day} - 1, last_time());
}

// `time`: the last of that day; -1: none.
int64_t Pattern::prev_by_calendar(DayNumber day, int32_t time) const {
  if (years.restricted()) {
    if (day < kYearsBegin) return kNoWallBefore;
    if (day >= kYearsEnd) {
      day = kYearsEnd - 1;
      time = last_time();
    }
  }
  // Years are those of the first period.
  const uint32_t period = years.restricted() ? 0 : 1;
  const uint32_t today = civil::day_of_era(day) + period * civil::kDaysOfEra;
  const civil::Month* month =
      civil::month_of(civil::day_of_era(day)) + period * civil::kMonthsOfEra;
  const uint32_t until = today - month->days_before() + (time >= 0 ? 1 : 0);
  uint32_t mask = days_at(month) & static_cast<uint32_t>((uint64_t{2} << until) - 1);
  while (mask == 0) {
    const uint32_t two_years = uint32_t{months} << 12 | months;
    const uint32_t number = month->number() + 12;
    const uint32_t back = number - highest(two_years & ((uint32_t{1} << number) - 1));
    if (month - civil::kMonths.data() < back) return kNoWallBefore;
    month -= back;
    mask = days_at(month);
  }
  const uint32_t found = month->days_before() + highest(mask) - 1;
  return wall_at(int64_t{day} - (today - found), found == today ? time : last_time());
}

int32_t Pattern::last_time() const {
  return last_time_until(kDaySeconds - 1);
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

// Matching days in [from, to), month by month, period by period.
uint64_t Pattern::days_between(DayNumber from, DayNumber to) const {
  if (has(EveryDay)) return to - from;
  if (years.restricted()) {
    from = std::max(from, kYearsBegin);
    to = std::min(to, kYearsEnd);
  }
  uint64_t result = 0;
  while (from < to) {
    const uint32_t begin = civil::day_of_era(from);
    const uint32_t end = std::min(begin + (to - from), civil::kDaysOfEra);
    for (const civil::Month* month = civil::month_of(begin); month->days_before() < end; ++month) {
      const uint32_t first = month->days_before();
      uint64_t mask = days_at(month);
      if (first < begin) mask &= ~uint64_t{0} << (begin - first + 1);
      if (end - first < month->length()) mask &= (uint64_t{2} << (end - first)) - 1;
      result += static_cast<uint64_t>(std::popcount(mask));
    }
    from += end - begin;
  }
  return result;
}

}  // namespace scheduler
