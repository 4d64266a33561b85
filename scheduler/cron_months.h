#pragma once

// The months of two Gregorian periods from 1970 on, as a table: two loads say what the arithmetic
// of cron_civil.h needs a chain of multiplications for, and the next month is the next entry. A
// search forward begins in the first period, a search back in the second, so that it can look at a
// whole period without leaving the table. Of its 38 kB the months around the present are a few
// hundred bytes.

#include <array>
#include <cstddef>
#include <cstdint>

#include "scheduler/cron_civil.h"

namespace scheduler::civil {

class Month {
 public:
  constexpr Month() = default;
  constexpr Month(int32_t year, uint32_t number, uint32_t days_before = 0)
      : bits_(days_before | number << kNumberAt | (month_length(year, number) - 28) << kLengthAt |
              weekday(day_number(year, number, 1)) << kWeekdayAt) {}

  // Days from the beginning of the table to the first of the month.
  [[nodiscard]] constexpr uint32_t days_before() const {
    return bits_ & ((uint32_t{1} << kNumberAt) - 1);
  }
  [[nodiscard]] constexpr uint32_t number() const { return bits_ >> kNumberAt & 15; }
  [[nodiscard]] constexpr uint32_t length() const { return 28 + (bits_ >> kLengthAt & 3); }
  [[nodiscard]] constexpr uint32_t first_weekday() const { return bits_ >> kWeekdayAt; }
  // Length and first weekday together: months of one shape have the same days. Below kShapes.
  [[nodiscard]] constexpr uint32_t shape() const { return bits_ >> kLengthAt; }
  static constexpr uint32_t kShapes = 28;

 private:
  static constexpr int kNumberAt = 19, kLengthAt = 23, kWeekdayAt = 25;
  uint32_t bits_ = 0;
};

inline constexpr int32_t kMonthsFirstYear = 1970;
inline constexpr DayNumber kMonthsBegin = kUnixEpoch;
inline constexpr size_t kMonthsOfEra = 4800;
inline constexpr uint32_t kDaysOfEra = 146097;

// With a sentinel, whose days_before() ends the last month.
inline constexpr std::array<Month, 2 * kMonthsOfEra + 1> kMonths = [] {
  std::array<Month, 2 * kMonthsOfEra + 1> months;
  uint32_t days = 0;
  for (uint32_t i = 0; i < months.size(); ++i) {
    const int32_t year = kMonthsFirstYear + static_cast<int32_t>(i / 12);
    const uint32_t number = i % 12 + 1;
    months[i] = Month(year, number, days);
    days += month_length(year, number);
  }
  return months;
}();

// Days from the beginning of the table to the same day of its first period.
inline uint32_t day_of_era(DayNumber day) {
  const uint32_t days = day - kMonthsBegin;
  if (days < kDaysOfEra) [[likely]]
    return days;
  return (day + (kDaysOfEra - kMonthsBegin % kDaysOfEra)) % kDaysOfEra;
}

// The month of a day of the first period. The estimate by the mean length of a month is right or
// one too high.
inline const Month* month_of(uint32_t day_of_era) {
  constexpr uint64_t kPerDay = (uint64_t{kMonthsOfEra} << 32) / kDaysOfEra;  // months, 32.32
  constexpr uint64_t kAhead = 16;
  const Month* month = kMonths.data() + ((day_of_era + kAhead) * kPerDay >> 32);
  return month - (day_of_era < month->days_before() ? 1 : 0);
}

}  // namespace scheduler::civil
