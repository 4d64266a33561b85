#pragma once

// A second, slow opinion about schedules, to compare the engine with: it walks the time line
// through the date library and asks of every local day, hour, minute and second whether it is due.
// It shares no code with the engine; not even the parser, because a question carries the sets of
// values that its expression was written from.
//
// Good for the years that the zone files tabulate (up to 2037): the date library knows no footers.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "scheduler/schedule.h"

namespace oracle {

using Instant = scheduler::Instant;

// Where a question's choices come from: a random engine or a fuzzer's bytes.
class Choices {
 public:
  virtual ~Choices() = default;
  virtual uint32_t below(uint32_t limit) = 0;  // 0 … limit - 1
};

struct Question {
  std::string expression;
  std::string zone;
  scheduler::DstPolicy policy = scheduler::DstPolicy::Vixie;
  Instant after;

  // What the expression means.
  std::set<int> seconds, minutes, hours, months, years;  // no years: any
  // Whether a date is chosen by either day field.
  using DayTest = std::function<bool(std::chrono::year_month_day)>;
  std::vector<DayTest> days, weekdays;
  bool days_restrict = false;  // no * or ? in the field
  bool weekdays_restrict = false;
  bool both_days = false;  // "+"
  bool fixed = false;      // Vixie's: neither minute nor hour begins with * or ?
};

Question make_question(Choices& choices);
const std::vector<std::string>& difficult_zones();

// Up to `count` slots after question.after and at or before `until`.
std::vector<Instant> slots(const Question& question, Instant until, size_t count);
bool matches_fields(const Question& question, std::chrono::local_seconds wall);

}  // namespace oracle
