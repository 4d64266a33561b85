#pragma once

// The part of Pattern that every search runs through, in a header so that it is inlined.
// Included by cron_pattern.h only.

#include <bit>

#include "scheduler/cron_pattern.h"

namespace scheduler {

inline constexpr uint32_t kDaySeconds = 86400;

inline uint32_t Pattern::first_time() const {
  return static_cast<uint32_t>(std::countr_zero(hours)) * 3600 +
         static_cast<uint32_t>(std::countr_zero(minutes)) * 60 +
         static_cast<uint32_t>(std::countr_zero(seconds));
}

// Both return 86400 and more when the next time is tomorrow's first: the hours are looked at
// twice, today's and tomorrow's, so that midnight needs no branch.
inline uint32_t Pattern::time_from_minute(uint32_t minute_of_day) const {
  const uint32_t hour = minute_of_day / 60;
  const uint64_t rest = minutes >> (minute_of_day % 60);
  if (((hours >> hour) & 1) != 0 && rest != 0)
    return (minute_of_day + static_cast<uint32_t>(std::countr_zero(rest))) * 60;
  const uint64_t later = (uint64_t{hours} << 24 | hours) >> (hour + 1);
  const uint32_t next_hour = hour + 1 + static_cast<uint32_t>(std::countr_zero(later));
  return next_hour * 3600 + static_cast<uint32_t>(std::countr_zero(minutes)) * 60;
}

inline uint32_t Pattern::time_from(uint32_t second_of_day) const {
  const uint32_t minute_of_day = second_of_day / 60;
  const uint32_t hour = minute_of_day / 60;
  const uint32_t minute = minute_of_day % 60;
  const uint32_t first_second = static_cast<uint32_t>(std::countr_zero(seconds));
  if (((hours >> hour) & 1) != 0) {
    const uint64_t rest_of_minute = seconds >> (second_of_day % 60);
    if (((minutes >> minute) & 1) != 0 && rest_of_minute != 0)
      return second_of_day + static_cast<uint32_t>(std::countr_zero(rest_of_minute));
    if (const uint64_t rest = minutes >> minute >> 1; rest != 0) {
      return (minute_of_day + 1 + static_cast<uint32_t>(std::countr_zero(rest))) * 60 +
             first_second;
    }
  }
  const uint64_t later = (uint64_t{hours} << 24 | hours) >> (hour + 1);
  const uint32_t next_hour = hour + 1 + static_cast<uint32_t>(std::countr_zero(later));
  return next_hour * 3600 + static_cast<uint32_t>(std::countr_zero(minutes)) * 60 + first_second;
}

inline uint32_t Pattern::month_days(uint32_t length, uint32_t first_weekday) const {
  // The weekday mask seven times over, moved so that bit 1 is the first of the month.
  const uint64_t weeks = uint64_t{weekdays} * 0x0002040810204081;
  uint32_t by_month = days;
  uint32_t by_week = static_cast<uint32_t>(weeks >> first_weekday) << 1;
  if (has_special()) [[unlikely]] {
    by_month |= special_days(length, first_weekday);
    by_week |= special_weekdays(length, first_weekday);
  }
  const uint32_t valid = static_cast<uint32_t>((uint64_t{2} << length) - 2);
  return (has(kEitherDay) ? by_month | by_week : by_month & by_week) & valid;
}

inline int64_t Pattern::next_by_weekday(civil::DayNumber day, uint32_t time) const {
  const uint32_t weekday = civil::weekday(day);
  const uint32_t later = time < kDaySeconds ? 0 : 1;
  const uint32_t ahead = static_cast<uint32_t>(std::countr_zero(
      (uint32_t{weekdays} << 7 | weekdays | uint32_t{weekdays} << 14) >> (weekday + later)));
  if (ahead + later == 0) return int64_t{day} * kDaySeconds + time - civil::kEpochSeconds;
  return (int64_t{day} + ahead + later) * kDaySeconds + first_time() - civil::kEpochSeconds;
}

inline int64_t Pattern::next_by_calendar(civil::DayNumber day, uint32_t time) const {
  const civil::Date date = civil::date_of(day);
  if (((months >> date.month) & 1) != 0 && years.contains(date.year)) {
    const uint32_t mask =
        month_days(civil::month_length(date.year, date.month), civil::weekday(day - date.day + 1));
    const uint32_t from_today = mask >> date.day;
    if ((from_today & 1) != 0 && time < kDaySeconds)
      return int64_t{day} * kDaySeconds + time - civil::kEpochSeconds;
    if (const uint32_t rest = from_today >> 1; rest != 0) {
      const auto ahead = static_cast<uint32_t>(std::countr_zero(rest)) + 1;
      return (int64_t{day} + ahead) * kDaySeconds + first_time() - civil::kEpochSeconds;
    }
  }
  return next_after_month(date.year, date.month);
}

inline int64_t Pattern::next(int64_t wall) const {
  const auto shifted = static_cast<uint64_t>(wall + civil::kEpochSeconds);
  civil::DayNumber day;
  uint32_t time;
  if (seconds == 1) {
    const uint64_t minute = (shifted + 59) / 60;
    day = static_cast<civil::DayNumber>(minute / 1440);
    time = time_from_minute(static_cast<uint32_t>(minute % 1440));
  } else {
    day = static_cast<civil::DayNumber>(shifted / kDaySeconds);
    time = time_from(static_cast<uint32_t>(shifted % kDaySeconds));
  }
  if (has(kEveryDay)) return int64_t{day} * kDaySeconds + time - civil::kEpochSeconds;
  if (has(kWeekdaysOnly)) return next_by_weekday(day, time);
  return next_by_calendar(day, time);
}

}  // namespace scheduler
