#pragma once

// CronExpression: a parsed cron expression, field by field, as the user wrote it: what explain and
// the compiler read. Lists are items in one vector; a field is a range of it.
//
// Errors are InvalidArgument and name the field, what was found, what would be right, and the byte
// offset in the text as given: "minute: 75 is out of range 0-59 (at 0)".
//
// Threads: plain values.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "scheduler/cron_pattern.h"

namespace scheduler {

enum class CronField : uint8_t { Second, Minute, Hour, DayOfMonth, Month, DayOfWeek, Year };
inline constexpr size_t kCronFields = 7;

struct CronItem {
  enum class Kind : uint8_t {
    Any,            // *, ?, with or without a step
    Range,          // a, a-b, a/n, a-b/n: first, last, step
    FromLast,       // L, L-n: first = n
    WeekdayToLast,  // LW, L-nW: first = n
    WeekdayToDay,   // nW: first = n
    LastWeekdayOf,  // dL, d#L: first = d
    NthWeekdayOf,   // d#n: first = d, last = n
  };
  Kind kind = Kind::Any;
  bool open = false;    // a/n: runs to the end of the field
  bool hashed = false;  // written with H; first, last and step are what H came to
  uint16_t first = 0;
  uint16_t last = 0;
  uint32_t step = 1;
};

struct CronExpression {
  struct Field {
    uint16_t begin = 0, end = 0;    // of items
    bool starts_with_star = false;  // the text begins with * or ?
    bool star_bit = false;          // holds * or ? without a step, anywhere in the list
  };
  std::array<Field, kCronFields> fields;
  std::vector<CronItem> items;
  bool both_days = false;  // "+": day-of-month AND day-of-week
  bool has_seconds = false;
  bool has_years = false;
  int64_t every_seconds = 0;  // @every; fields mean nothing then
  bool has_zone = false;      // TZ=, CRON_TZ=
  std::string_view zone;      // a part of the text that was parsed
  size_t zone_offset = 0;

  [[nodiscard]] const Field& field(CronField f) const { return fields[static_cast<size_t>(f)]; }
  [[nodiscard]] const CronItem* begin(CronField f) const { return items.data() + field(f).begin; }
  [[nodiscard]] const CronItem* end(CronField f) const { return items.data() + field(f).end; }
};

struct CronFieldSpec {
  const char* name;
  uint16_t min, max;
  uint16_t hash_max;       // H takes values up to here
  std::string_view names;  // three letters each, from `first_name` on
  uint16_t first_name = 0;
};
const CronFieldSpec& cron_field_spec(CronField field);

// `seed` decides what H comes to.
base::Result<CronExpression> parse_cron(std::string_view text, std::string_view seed,
                                        std::vector<std::string>* warnings);

// The masks, for DST handling the flags FirstPassOnly and CatchesUp are left to the caller.
Pattern compile_cron(const CronExpression& expression, int64_t anchor);
// Neither minute nor hour starts with * or ?, and the hours are not all 24.
bool is_fixed_time(const CronExpression& expression, const Pattern& pattern);

}  // namespace scheduler
