#pragma once

// PosixTz: the rule at the end of a TZif file ("EST5EDT,M3.2.0,M11.1.0"), which says what the
// offset is after the last tabulated change. Accepts what POSIX and RFC 9636 allow: quoted names
// (<+0330>), M, J and n dates, rule times from -167 to 167 hours, daylight time that is behind
// standard time (Dublin) and daylight time all year.
//
// Threads: a plain value.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace scheduler {

class PosixTz {
 public:
  struct Kind {
    std::string abbreviation;
    int32_t offset = 0;  // seconds; local = UTC + offset
  };
  struct Change {
    int64_t at = 0;  // seconds since 1970, UTC
    bool to_daylight = false;
  };

  // InvalidArgument: `"EST5EDT,M13.2.0": month 13 is out of range 1-12 (at 9)`.
  static base::Result<PosixTz> parse(std::string_view text);

  [[nodiscard]] const Kind& standard() const { return standard_; }
  // nullopt: standard time for ever.
  [[nodiscard]] const std::optional<Kind>& daylight() const { return daylight_; }
  // The changes that the rule puts into one civil year, in order; none without daylight time. A
  // change that takes no effect, because the opposite one follows at the same instant, is left out.
  [[nodiscard]] std::vector<Change> changes_in(int32_t year) const;

 private:
  friend class PosixTzParser;
  struct Rule {
    enum class Form : uint8_t { MonthWeekDay, JulianWithoutLeapDay, DayOfYear };
    Form form = Form::DayOfYear;
    uint32_t month = 0, week = 0, day = 0;
    int32_t time = 7200;  // wall time, seconds after midnight
  };
  static int64_t wall_of(const Rule& rule, int32_t year);

  Kind standard_;
  std::optional<Kind> daylight_;
  Rule start_, end_;
};

}  // namespace scheduler
