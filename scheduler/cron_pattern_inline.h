#pragma once

// The part of Pattern that every search runs through, in a header so that it is inlined.
// Included by cron_pattern.h only.

#include <bit>

#include "scheduler/cron_pattern.h"

// The compiler would call these, which is a third of their time.
#define SPARKCRON_INLINE [[gnu::always_inline]] inline

namespace scheduler {

inline constexpr uint32_t kDaySeconds = 86400;

// The lowest bit of a mask that is not empty: a single instruction, where std::countr_zero must
// also answer for zero.
inline uint32_t lowest(uint64_t mask) {
  return static_cast<uint32_t>(__builtin_ctzll(mask));
}

inline uint32_t Pattern::first_time() const {
  return lowest(hours) * 3600 + lowest(minutes) * 60 + lowest(seconds);
}

// Both return 86400 and more when the next time is tomorrow's first: the hours are looked at
// twice, today's and tomorrow's, so that midnight needs no branch.
SPARKCRON_INLINE uint32_t Pattern::time_from_minute(uint32_t minute_of_day) const {
  const uint32_t hour = minute_of_day / 60;
  const uint64_t rest = minutes >> (minute_of_day % 60);
  if (((hours >> hour) & 1) != 0 && rest != 0) return (minute_of_day + lowest(rest)) * 60;
  const uint64_t later = (uint64_t{hours} << 24 | hours) >> (hour + 1);
  const uint32_t next_hour = hour + 1 + lowest(later);
  return next_hour * 3600 + lowest(minutes) * 60;
}

inline uint32_t Pattern::time_from(uint32_t second_of_day) const {
  const uint32_t minute_of_day = second_of_day / 60;
  const uint32_t hour = minute_of_day / 60;
  const uint32_t minute = minute_of_day % 60;
  const uint32_t first_second = lowest(seconds);
  if (((hours >> hour) & 1) != 0) {
    const uint64_t rest_of_minute = seconds >> (second_of_day % 60);
    if (((minutes >> minute) & 1) != 0 && rest_of_minute != 0)
      return second_of_day + lowest(rest_of_minute);
    if (const uint64_t rest = minutes >> minute >> 1; rest != 0) {
      return (minute_of_day + 1 + lowest(rest)) * 60 + first_second;
    }
  }
  const uint64_t later = (uint64_t{hours} << 24 | hours) >> (hour + 1);
  const uint32_t next_hour = hour + 1 + lowest(later);
  return next_hour * 3600 + lowest(minutes) * 60 + first_second;
}

// The Monday to Friday nearest to a day, without leaving the month.
inline uint32_t nearest_weekday(uint32_t day, uint32_t length, uint32_t first_weekday) {
  const uint32_t weekday = (first_weekday + day - 1) % 7;
  const uint32_t from_saturday = day == 1 ? 3 : day - 1;
  const uint32_t from_sunday = day == length ? day - 2 : day + 1;
  return weekday == 6 ? from_saturday : weekday == 0 ? from_sunday : day;
}

inline uint32_t Pattern::special_days(uint32_t length, uint32_t first_weekday) const {
  uint32_t result = from_last >> (31 - length);
  for (uint32_t rest = weekday_to_last; rest != 0; rest &= rest - 1) {
    const auto back = lowest(rest);
    if (back < length)
      result |= uint32_t{1} << nearest_weekday(length - back, length, first_weekday);
  }
  for (uint32_t rest = weekday_to_day; rest != 0; rest &= rest - 1) {
    const auto day = lowest(rest);
    if (day <= length) result |= uint32_t{1} << nearest_weekday(day, length, first_weekday);
  }
  return result;
}

// A row of seven bits for each week, rotated so that it begins with the month's first weekday.
SPARKCRON_INLINE uint32_t Pattern::special_weekdays(uint32_t length, uint32_t first_weekday) const {
  constexpr uint64_t kRows = 0x10204081;  // bit 0 of five rows
  constexpr uint64_t kAllRows = (uint64_t{1} << 35) - 1;
  const uint64_t kept = (uint64_t{0x7f} >> first_weekday) * kRows;
  const uint64_t by_week = nth & kAllRows;
  const uint64_t rotated =
      (by_week >> first_weekday & kept) | (by_week << (7 - first_weekday) & kAllRows & ~kept);
  // dL lies in the last seven days.
  const uint64_t last = (nth >> 35) * 0x0002040810204081 >> first_weekday;
  const uint64_t last_week = uint64_t{0x7f} << (length - 7);
  return static_cast<uint32_t>((rotated | (last & last_week)) << 1);
}

SPARKCRON_INLINE uint32_t Pattern::month_days(uint32_t length, uint32_t first_weekday) const {
  // The weekday mask seven times over, moved so that bit 1 is the first of the month.
  const uint64_t weeks = uint64_t{weekdays} * 0x0002040810204081;
  uint32_t by_month = days;
  uint32_t by_week = static_cast<uint32_t>(weeks >> first_weekday) << 1;
  if (has_special()) {
    by_month |= special_days(length, first_weekday);
    by_week |= special_weekdays(length, first_weekday);
  }
  const uint32_t valid = static_cast<uint32_t>((uint64_t{2} << length) - 2);
  return (has(EitherDay) ? by_month | by_week : by_month & by_week) & valid;
}

SPARKCRON_INLINE uint32_t Pattern::days_of(civil::Month month) const {
  const uint32_t length = month.length();
  if (has(IgnoresWeekday))
    return (days | from_last >> (31 - length)) & static_cast<uint32_t>((uint64_t{2} << length) - 2);
  return month_days(length, month.first_weekday());
}

// The months are looked at twice in a row, so that the new year needs no branch.
SPARKCRON_INLINE uint32_t Pattern::months_ahead(civil::Month month) const {
  if (has(LeapDay) && month.length() == 29) return 48;
  const uint32_t two_years = uint32_t{months} << 12 | months;
  return lowest(two_years >> month.number() >> 1) + 1;
}

SPARKCRON_INLINE int64_t Pattern::next_by_weekday(civil::DayNumber day, uint32_t time) const {
  const uint32_t weekday = civil::weekday(day);
  const uint32_t later = time < kDaySeconds ? 0 : 1;
  const uint32_t ahead =
      lowest((uint32_t{weekdays} << 7 | weekdays | uint32_t{weekdays} << 14) >> (weekday + later));
  if (ahead + later == 0) return int64_t{day} * kDaySeconds + time - civil::kEpochSeconds;
  return (int64_t{day} + ahead + later) * kDaySeconds + first_time() - civil::kEpochSeconds;
}

SPARKCRON_INLINE int64_t Pattern::next_by_calendar(civil::DayNumber day, uint32_t time) const {
  if (years.restricted()) [[unlikely]]
    return next_in_years(day, time);
  const uint32_t today = civil::day_of_era(day);
  const auto at = [&](uint32_t days_later, uint32_t second) {
    return (int64_t{day} + days_later) * kDaySeconds + second - civil::kEpochSeconds;
  };
  const civil::Month* month = civil::month_of(today);
  if (((months >> month->number()) & 1) != 0) {
    const uint32_t from_today = days_of(*month) >> 1 >> (today - month->days_before());
    if ((from_today & 1) != 0 && time < kDaySeconds) return at(0, time);
    if (const uint32_t rest = from_today >> 1; rest != 0) return at(lowest(rest) + 1, first_time());
  }
  const civil::Month* const end = civil::kMonths.data() + 2 * civil::kMonthsOfEra - kMaxMonthsAhead;
  while (month < end) {
    month += months_ahead(*month);
    if (const uint32_t mask = days_of(*month); mask != 0)
      return at(month->days_before() - today + lowest(mask) - 1, first_time());
  }
  return kNoWall;
}

SPARKCRON_INLINE int64_t Pattern::next(int64_t wall) const {
  const auto shifted = static_cast<uint64_t>(wall + civil::kEpochSeconds);
  civil::DayNumber day;
  uint32_t time;
  if (seconds == 1) {
    // Both divisions are by constants and do not wait for each other.
    day = static_cast<civil::DayNumber>((shifted + 59) / kDaySeconds);
    time = time_from_minute(static_cast<uint32_t>((shifted + 59) / 60 - uint64_t{day} * 1440));
  } else {
    day = static_cast<civil::DayNumber>(shifted / kDaySeconds);
    time = time_from(static_cast<uint32_t>(shifted % kDaySeconds));
  }
  if (has(EveryDay)) return int64_t{day} * kDaySeconds + time - civil::kEpochSeconds;
  if (has(WeekdaysOnly)) return next_by_weekday(day, time);
  return next_by_calendar(day, time);
}

}  // namespace scheduler

#undef SPARKCRON_INLINE
