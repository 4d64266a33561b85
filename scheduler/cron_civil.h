#pragma once

// Civil dates as plain arithmetic: day number <-> year, month, day, without loops, tables of years
// or libc. Valid for the years 0000 to 9999 and some around them; callers clamp.
//
// A DayNumber counts days from an epoch far in the past, so that it is never negative and all
// divisions are unsigned divisions by constants. Source of the arithmetic: C. Neri and
// L. Schneider, "Euclidean affine functions and their application to calendar algorithms" (2022).

#include <cstdint>

namespace scheduler::civil {

using DayNumber = uint32_t;

inline constexpr uint32_t kErasBefore = 82;  // 400-year eras in front of the year 0
inline constexpr DayNumber kUnixEpoch = 719468 + 146097 * kErasBefore;
inline constexpr int64_t kSecondsPerDay = 86400;
inline constexpr int64_t kEpochSeconds = int64_t{kUnixEpoch} * kSecondsPerDay;
// The Gregorian calendar, weekdays included, repeats after 400 years.
inline constexpr int64_t kEraSeconds = int64_t{146097} * kSecondsPerDay;

struct Date {
  int32_t year;
  uint32_t month;  // 1-12
  uint32_t day;    // 1-31
};

constexpr Date date_of(DayNumber number) {
  const uint32_t n1 = 4 * number + 3;
  const uint32_t century = n1 / 146097;
  const uint32_t n2 = 4 * (n1 % 146097 / 4) + 3;
  const uint64_t p2 = uint64_t{2939745} * n2;
  const uint32_t year_of_century = static_cast<uint32_t>(p2 >> 32);
  const uint32_t day_of_year = static_cast<uint32_t>(p2) / 2939745 / 4;  // from 1 March
  const uint32_t n3 = 2141 * day_of_year + 197913;
  const bool after_new_year = day_of_year >= 306;
  const uint32_t year = 100 * century + year_of_century + (after_new_year ? 1 : 0);
  return {.year = static_cast<int32_t>(year) - static_cast<int32_t>(400 * kErasBefore),
          .month = after_new_year ? (n3 >> 16) - 12 : n3 >> 16,
          .day = (n3 & 0xffff) / 2141 + 1};
}

constexpr DayNumber day_number(int32_t year, uint32_t month, uint32_t day) {
  const bool before_march = month <= 2;
  const uint32_t y = static_cast<uint32_t>(year + static_cast<int32_t>(400 * kErasBefore)) -
                     (before_march ? 1 : 0);
  const uint32_t m = before_march ? month + 12 : month;
  const uint32_t century = y / 100;
  return 1461 * y / 4 - century + century / 4 + (979 * m - 2919) / 32 + day - 1;
}

// 0 = Sunday.
constexpr uint32_t weekday(DayNumber number) {
  return (number + (4 + 7 - kUnixEpoch % 7)) % 7;
}

constexpr bool is_leap(int32_t year) {
  return (year & (year % 25 == 0 ? 15 : 3)) == 0;
}

constexpr uint32_t month_length(int32_t year, uint32_t month) {
  return month == 2 ? (is_leap(year) ? 29 : 28) : 30 | (month ^ (month >> 3));
}

// Seconds since 1970 of midnight, as if the date were UTC.
constexpr int64_t seconds_of(int32_t year, uint32_t month, uint32_t day) {
  return (int64_t{day_number(year, month, day)} - int64_t{kUnixEpoch}) * kSecondsPerDay;
}

}  // namespace scheduler::civil
