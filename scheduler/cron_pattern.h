#pragma once

// Pattern: what a cron expression says about wall time, without any zone. Each field is a bit mask,
// so that "the next matching minute" is a shift and a count of trailing zeros.
//
// Wall times are seconds since 1970-01-01 00:00 read as if they were UTC, between the years 0000
// and 9999. All functions are total, allocate nothing and take a bounded number of steps: dates
// repeat after 400 years, so what has no match in 400 years has none.

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <utility>

#include "scheduler/cron_months.h"

namespace scheduler {

// Far outside of every zone's table, yet safe to add offsets to.
inline constexpr int64_t kNoWall = std::numeric_limits<int64_t>::max() / 2;
inline constexpr int64_t kNoWallBefore = std::numeric_limits<int64_t>::min() / 2;

// The years of a seven-field expression: rare, hence on the heap and shared between copies.
class YearSet {
 public:
  static constexpr int32_t kFirst = 1970;
  static constexpr int32_t kLast = 2199;

  YearSet() = default;  // every year
  YearSet(const YearSet& other) : shared_(other.shared_) { retain(); }
  YearSet(YearSet&& other) noexcept : shared_(std::exchange(other.shared_, nullptr)) {}
  YearSet& operator=(YearSet other) noexcept {
    std::swap(shared_, other.shared_);
    return *this;
  }
  ~YearSet() { release(); }

  // Restricts the set: from now on only years that were inserted are in it.
  void insert(int32_t year);

  [[nodiscard]] bool restricted() const { return shared_ != nullptr; }
  [[nodiscard]] bool contains(int32_t year) const {
    if (shared_ == nullptr) return true;
    if (year < kFirst || year > kLast) return false;
    const auto bit = static_cast<uint32_t>(year - kFirst);
    return (shared_->bits[bit / 64] >> (bit % 64) & 1) != 0;
  }

 private:
  struct Shared {
    std::atomic<uint32_t> owners{1};
    std::array<uint64_t, 4> bits{};
  };
  void retain() const {
    if (shared_ != nullptr) shared_->owners.fetch_add(1, std::memory_order_relaxed);
  }
  void release();

  Shared* shared_ = nullptr;
};

struct Pattern {
  enum Flag : uint8_t {
    EitherDay = 1,        // a day matches by day-of-month or by day-of-week, instead of by both
    EveryDay = 2,         // no date is excluded: searches need no calendar
    WeekdaysOnly = 4,     // only the weekday matters
    FirstPassOnly = 8,    // of a wall time that occurs twice, only the first counts
    CatchesUp = 16,       // what falls into a gap is made up for once, at its end
    Interval = 32,        // @every: no wall time at all
    IgnoresWeekday = 64,  // the days of a month do not depend on its weekdays
    LeapDay = 128,        // 29 February and no other day
  };

  uint64_t seconds = 1;  // bits 0-59
  uint64_t minutes = 0;  // bits 0-59
  uint32_t hours = 0;    // bits 0-23
  uint32_t days = 0;     // bits 1-31
  uint16_t months = 0;   // bits 1-12
  uint8_t weekdays = 0;  // bits 0-6, 0 = Sunday
  uint8_t flags = 0;
  // The forms that depend on the month, laid out so that most need no loop; see special_days().
  uint32_t from_last = 0;        // bit 31 - n: L-n
  uint32_t weekday_to_last = 0;  // bit n: L-nW
  uint32_t weekday_to_day = 0;   // bit n: nW
  uint64_t nth = 0;              // bit 7 * (n - 1) + d: d#n, with n = 6 for dL
  YearSet years;

  // @every: slots are anchor + k * period. Kept where the clock masks are not needed.
  static Pattern every(int64_t period, int64_t anchor) {
    Pattern pattern;
    pattern.flags = Interval;
    pattern.seconds = static_cast<uint64_t>(period);
    pattern.minutes = static_cast<uint64_t>(anchor);
    return pattern;
  }
  [[nodiscard]] int64_t period() const { return static_cast<int64_t>(seconds); }
  [[nodiscard]] int64_t anchor() const { return static_cast<int64_t>(minutes); }

  [[nodiscard]] bool has(Flag flag) const { return (flags & flag) != 0; }
  // To be called once the masks are complete: finds the cheapest search.
  void finish();

  // The first match at or after / the last at or before; kNoWall / kNoWallBefore: there is none.
  [[nodiscard]] inline int64_t next(int64_t wall) const;
  [[nodiscard]] int64_t prev(int64_t wall) const;
  // Matches in [from, to).
  [[nodiscard]] uint64_t count(int64_t from, int64_t to) const;
  [[nodiscard]] bool matches(int64_t wall) const { return next(wall) == wall; }
  // The days of a month that match, as bits 1-31; zero if the month or year does not.
  [[nodiscard]] uint32_t days_in(int32_t year, uint32_t month) const;
  // The same without a look at the month's number and year.
  [[nodiscard]] inline uint32_t days_of(civil::Month month) const;
  static constexpr size_t kMaxMonthsAhead = 48;
  // How many months on the next is that can match.
  [[nodiscard]] inline uint32_t months_ahead(civil::Month month) const;
  [[nodiscard]] uint64_t times_per_day() const;
  [[nodiscard]] inline uint32_t first_time() const;  // second of the day

 private:
  [[nodiscard]] inline uint32_t time_from(uint32_t second_of_day) const;
  [[nodiscard]] inline uint32_t time_from_minute(uint32_t minute_of_day) const;
  [[nodiscard]] inline uint32_t month_days(uint32_t length, uint32_t first_weekday) const;
  [[nodiscard]] inline int64_t next_by_weekday(civil::DayNumber day, uint32_t time) const;
  [[nodiscard]] inline int64_t next_by_calendar(civil::DayNumber day, uint32_t time) const;
  [[nodiscard]] int64_t next_in_years(civil::DayNumber day, uint32_t time) const;
  [[nodiscard]] inline uint32_t special_days(uint32_t length, uint32_t first_weekday) const;
  [[nodiscard]] inline uint32_t special_weekdays(uint32_t length, uint32_t first_weekday) const;
  [[nodiscard]] bool has_special() const {
    return (nth | from_last | weekday_to_last | weekday_to_day) != 0;
  }
  [[nodiscard]] int32_t last_time_until(uint32_t second_of_day) const;
  [[nodiscard]] int64_t prev_by_calendar(civil::DayNumber day, int32_t time) const;
  [[nodiscard]] int32_t last_time() const;
  // The days of a month of the table; of its first period if the years are restricted.
  [[nodiscard]] uint32_t days_at(const civil::Month* month) const;
  [[nodiscard]] uint64_t times_before(uint32_t second_of_day) const;
  [[nodiscard]] uint64_t days_between(civil::DayNumber from, civil::DayNumber to) const;
  [[nodiscard]] bool day_matches(civil::DayNumber day) const;
};

}  // namespace scheduler

#include "scheduler/cron_pattern_inline.h"
