#include "scheduler/posix_tz.h"

#include <utility>

#include "scheduler/cron_civil.h"
#include "scheduler/quoted.h"

namespace scheduler {

class PosixTzParser {
 public:
  explicit PosixTzParser(std::string_view text) : text_(text) {}

  base::Result<PosixTz> parse() {
    constexpr size_t kMaxLength = 128;
    if (text_.size() > kMaxLength) return fail("longer than 128 bytes");
    PosixTz zone;
    if (!parse_name(zone.standard_.abbreviation) || !parse_offset(zone.standard_.offset))
      return fail(problem_);
    if (done()) return zone;
    RETURN_IF_ERROR(parse_daylight(zone));
    if (!done()) return fail("nothing more expected");
    return zone;
  }

 private:
  base::Status parse_daylight(PosixTz& zone) {
    PosixTz::Kind daylight;
    if (!parse_name(daylight.abbreviation)) return fail(problem_);
    daylight.offset = zone.standard_.offset + 3600;
    if (!done() && peek() != ',' && !parse_offset(daylight.offset)) return fail(problem_);
    zone.daylight_ = std::move(daylight);
    if (!parse_rule(zone.start_) || !parse_rule(zone.end_)) return fail(problem_);
    return {};
  }

  bool parse_name(std::string& name) {
    const bool quoted = take('<');
    const size_t begin = position_;
    while (!done() &&
           (is_letter(peek()) || (quoted && (is_digit(peek()) || peek() == '+' || peek() == '-'))))
      ++position_;
    name = text_.substr(begin, position_ - begin);
    if (name.size() < 3) return refuse("a name of at least three letters expected");
    if (quoted && !take('>')) return refuse("> expected");
    return true;
  }

  // POSIX counts west of Greenwich as positive.
  bool parse_offset(int32_t& offset) {
    constexpr uint32_t kMaxHours = 24;
    if (!parse_time(offset, kMaxHours)) return false;
    offset = -offset;
    return true;
  }

  bool parse_time(int32_t& seconds, uint32_t max_hours) {
    const bool negative = take('-');
    if (!negative) take('+');
    uint32_t hours = 0, minutes = 0, rest = 0;
    if (!parse_number("hour", 0, max_hours, hours)) return false;
    if (take(':')) {
      if (!parse_number("minute", 0, 59, minutes)) return false;
      if (take(':') && !parse_number("second", 0, 59, rest)) return false;
    }
    seconds = static_cast<int32_t>(hours * 3600 + minutes * 60 + rest);
    if (negative) seconds = -seconds;
    return true;
  }

  bool parse_rule(PosixTz::Rule& rule) {
    constexpr uint32_t kMaxRuleHours = 167;
    using Form = PosixTz::Rule::Form;
    if (!take(',')) return refuse(", and a rule expected");
    if (take('M')) {
      rule.form = Form::MonthWeekDay;
      if (!parse_number("month", 1, 12, rule.month) || !expect('.') ||
          !parse_number("week", 1, 5, rule.week) || !expect('.') ||
          !parse_number("weekday", 0, 6, rule.day))
        return false;
    } else if (take('J')) {
      rule.form = Form::JulianWithoutLeapDay;
      if (!parse_number("day", 1, 365, rule.day)) return false;
    } else {
      rule.form = Form::DayOfYear;
      if (!parse_number("day", 0, 365, rule.day)) return false;
    }
    return !take('/') || parse_time(rule.time, kMaxRuleHours);
  }

  bool parse_number(const char* what, uint32_t min, uint32_t max, uint32_t& value) {
    const size_t begin = position_;
    value = 0;
    while (!done() && is_digit(peek()) && position_ - begin < 4)
      value = value * 10 + static_cast<uint32_t>(text_[position_++] - '0');
    if (position_ == begin) return refuse(std::string(what) + " expected");
    if (value >= min && value <= max) return true;
    position_ = begin;
    return refuse(std::string(what) + " " + std::to_string(value) + " is out of range " +
                  std::to_string(min) + "-" + std::to_string(max));
  }

  bool expect(char c) { return take(c) || refuse(std::string(1, c) + " expected"); }
  bool take(char c) {
    if (done() || peek() != c) return false;
    ++position_;
    return true;
  }
  bool refuse(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }
  [[nodiscard]] tl::unexpected<base::Error> fail(const std::string& problem) const {
    return base::failure(
        base::Code::InvalidArgument,
        quoted(text_.substr(0, 128)) + ": " + problem + " (at " + std::to_string(position_) + ")");
  }
  [[nodiscard]] bool done() const { return position_ == text_.size(); }
  [[nodiscard]] char peek() const { return text_[position_]; }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

  std::string_view text_;
  size_t position_ = 0;
  std::string problem_;
};

base::Result<PosixTz> PosixTz::parse(std::string_view text) {
  return PosixTzParser(text).parse();
}

// The wall time at which a rule strikes, as seconds since 1970 read as UTC.
int64_t PosixTz::wall_of(const Rule& rule, int32_t year) {
  const int64_t new_year = civil::seconds_of(year, 1, 1);
  switch (rule.form) {
    case Rule::Form::DayOfYear:
      return new_year + int64_t{rule.day} * civil::kSecondsPerDay + rule.time;
    case Rule::Form::JulianWithoutLeapDay: {
      const bool after_leap_day = civil::is_leap(year) && rule.day >= 60;
      return new_year + int64_t{rule.day - (after_leap_day ? 0 : 1)} * civil::kSecondsPerDay +
             rule.time;
    }
    case Rule::Form::MonthWeekDay:
      break;
  }
  const civil::DayNumber first = civil::day_number(year, rule.month, 1);
  uint32_t day = (rule.day + 7 - civil::weekday(first)) % 7 + 7 * (rule.week - 1);
  if (day >= civil::month_length(year, rule.month)) day -= 7;
  return civil::seconds_of(year, rule.month, 1) + int64_t{day} * civil::kSecondsPerDay + rule.time;
}

std::vector<PosixTz::Change> PosixTz::changes_in(int32_t year) const {
  if (!daylight_) return {};
  const Change start{.at = wall_of(start_, year) - standard_.offset, .to_daylight = true};
  const Change end{.at = wall_of(end_, year) - daylight_->offset, .to_daylight = false};
  // Daylight time all year ends at the instant at which the next year's begins.
  const int64_t next_start = wall_of(start_, year + 1) - standard_.offset;
  const bool all_year = end.at >= next_start;
  if (all_year) return {start};
  if (start.at == end.at) return {};  // daylight time of no length
  return start.at < end.at ? std::vector{start, end} : std::vector{end, start};
}

}  // namespace scheduler
