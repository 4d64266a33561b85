#include "scheduler/explain.h"

#include <array>
#include <bit>
#include <vector>

#include "base/rfc3339.h"
#include "scheduler/cron_expression.h"
#include "scheduler/explain_words.h"

namespace scheduler {
namespace {

using Kind = CronItem::Kind;
using words::join;
using words::ordinal;

class Explainer {
 public:
  Explainer(const CronExpression& expression, const Pattern& pattern)
      : expression_(expression), pattern_(pattern) {}

  // "at 09:30 on Monday through Friday in January"
  [[nodiscard]] std::string when() const {
    std::string text = time();
    for (const std::string& part : {days(), months(), years()})
      if (!part.empty()) text += " " + part;
    if (days().empty() && months().empty() && clock_times() > 0) text += " every day";
    return text;
  }

 private:
  // How many times of day there are, if they are few enough to be named one by one; else 0.
  [[nodiscard]] size_t clock_times() const {
    constexpr int kMost = 6;
    if (any(CronField::Minute) || any(CronField::Hour) || std::popcount(pattern_.seconds) != 1)
      return 0;
    const int times = std::popcount(pattern_.hours) * std::popcount(pattern_.minutes);
    return times <= kMost ? static_cast<size_t>(times) : 0;
  }

  [[nodiscard]] std::string time() const {
    if (clock_times() > 0) return "at " + join(named_times(), "and");
    std::string text;
    const bool on_the_minute = pattern_.seconds == 1;
    if (!on_the_minute) text = units(CronField::Second, "second", "the minute");
    const bool any_hour = any(CronField::Hour);
    const bool every_minute = any(CronField::Minute);
    if (on_the_minute || !every_minute) {
      if (!text.empty()) text += ", ";
      text += units(CronField::Minute, "minute", "the hour");
    }
    if (!any_hour) text += " " + hours();
    return text;
  }

  [[nodiscard]] std::vector<std::string> named_times() const {
    std::vector<std::string> times;
    for (uint32_t hour = 0; hour < 24; ++hour) {
      for (uint32_t minute = 0; minute < 60; ++minute) {
        if ((pattern_.hours >> hour & 1) == 0 || (pattern_.minutes >> minute & 1) == 0) continue;
        std::string text = words::clock(hour, minute);
        if (pattern_.seconds != 1)
          text +=
              ":" + words::two_digits(static_cast<uint32_t>(std::countr_zero(pattern_.seconds)));
        times.push_back(std::move(text));
      }
    }
    return times;
  }

  // "every 15 minutes", "at minutes 0, 5 and 10 to 20 past the hour"
  [[nodiscard]] std::string units(CronField field, const std::string& unit,
                                  const std::string& parent) const {
    if (any(field)) return "every " + unit;
    const CronItem* item = expression_.begin(field);
    const uint32_t size = uint32_t{cron_field_spec(field).max} + 1;
    if (count(field) == 1 && item->step > 1 && item->first < item->step) {
      const std::string every = "every " + std::to_string(item->step) + " " + unit + "s";
      const bool whole = item->last + uint64_t{item->step} > cron_field_spec(field).max;
      if (whole && item->first == 0 && item->step < size && size % item->step == 0) return every;
      if (is_interval(*item))
        return every + ", from " + unit + " " + std::to_string(item->first) + " of " + parent +
               (whole ? "" : " to " + unit + " " + std::to_string(words::last_of(*item)));
    }
    const std::vector<std::string> values = numbers(field);
    const bool single = values.size() == 1 && item->first == words::last_of(*item);
    return "at " + unit + (single ? " " : "s ") + join(values, "and") + " past " + parent;
  }

  // Whether its step makes an interval that people would call one. `*/90` of minutes comes once in
  // each hour, and `*/45` after 45 and 15 minutes in turn: those are times, not intervals.
  [[nodiscard]] static bool is_interval(const CronItem& item) {
    constexpr uint32_t kFewTimes = 3;
    return item.step > 1 && (words::last_of(item) - item.first) / item.step >= kFewTimes;
  }

  [[nodiscard]] std::string hours() const {
    const CronItem* item = expression_.begin(CronField::Hour);
    const uint32_t last = words::last_of(*item);
    if (count(CronField::Hour) == 1 && (item->step == 1 || last == item->first))
      return "from " + words::clock(item->first, 0) + " to " + words::clock(last, 59);
    if (count(CronField::Hour) == 1 && (is_interval(*item) || 24 % item->step == 0)) {
      std::string every = "in every " + ordinal(item->step) + " hour";
      if (item->first == 0 && item->last + uint64_t{item->step} > 23 && 24 % item->step == 0)
        return every;
      return every + " from " + words::clock(item->first, 0) + " to " + words::clock(last, 59);
    }
    return "in the hours " + join(numbers(CronField::Hour), "and");
  }

  [[nodiscard]] std::string days() const {
    const bool any_day = any(CronField::DayOfMonth);
    const bool any_weekday = any(CronField::DayOfWeek);
    if (any_day && any_weekday) return "";
    if (any_weekday) return days_of_month();
    if (any_day) return weekdays();
    const bool either = pattern_.has(Pattern::EitherDay);
    return days_of_month() + (either ? ", or " : ", but only ") + weekdays() +
           (either ? " (either is enough)" : "");
  }

  [[nodiscard]] std::string days_of_month() const {
    std::vector<std::string> parts;
    std::vector<std::string> plain;
    for (const CronItem& item : items(CronField::DayOfMonth)) {
      const std::string n = std::to_string(item.first);
      if (item.kind == Kind::Any || item.kind == Kind::Range)
        plain.push_back(words::range(item, [](uint32_t day) { return std::to_string(day); }));
      else if (item.kind == Kind::FromLast && item.first == 0)
        parts.emplace_back("the last day of the month");
      else if (item.kind == Kind::FromLast)
        parts.push_back("the day " + n + (item.first == 1 ? " day" : " days") +
                        " before the last of the month");
      else if (item.kind == Kind::WeekdayToLast && item.first == 0)
        parts.emplace_back("the last working day (Monday to Friday) of the month");
      else if (item.kind == Kind::WeekdayToLast)
        parts.push_back("the working day nearest to " + n + (item.first == 1 ? " day" : " days") +
                        " before the last of the month");
      else
        parts.push_back("the working day nearest to day " + n + " of the month");
    }
    if (!plain.empty()) {
      const bool single = plain.size() == 1 && plain[0].size() <= 2;
      parts.insert(parts.begin(),
                   (single ? "day " : "days ") + join(plain, "and") + " of the month");
    }
    return "on " + join(parts, "and");
  }

  [[nodiscard]] std::string weekdays() const {
    std::vector<std::string> parts;
    for (const CronItem& item : items(CronField::DayOfWeek)) {
      const std::string day = words::weekday(item.first);
      if (item.kind == Kind::LastWeekdayOf)
        parts.push_back("the last " + day + " of the month");
      else if (item.kind == Kind::NthWeekdayOf)
        parts.push_back("the " + ordinal(item.last) + " " + day + " of the month");
      else
        parts.push_back(words::range(item, words::weekday));
    }
    return "on " + join(parts, "and");
  }

  [[nodiscard]] std::string months() const {
    if (any(CronField::Month)) return "";
    std::vector<std::string> parts;
    for (const CronItem& item : items(CronField::Month))
      parts.push_back(words::range(item, words::month));
    return "in " + join(parts, "and");
  }

  [[nodiscard]] std::string years() const {
    if (!pattern_.years.restricted()) return "";
    std::vector<std::string> parts;
    for (const CronItem& item : items(CronField::Year))
      parts.push_back(words::range(item, [](uint32_t year) { return std::to_string(year); }));
    return (months().empty() ? "in " : "of ") + join(parts, "and");
  }

  [[nodiscard]] bool any(CronField field) const {
    for (const CronItem& item : items(field))
      if (item.kind == Kind::Any && item.step == 1) return true;
    return false;
  }
  [[nodiscard]] size_t count(CronField field) const { return items(field).size(); }
  [[nodiscard]] std::vector<CronItem> items(CronField field) const {
    return {expression_.begin(field), expression_.end(field)};
  }
  [[nodiscard]] std::vector<std::string> numbers(CronField field) const {
    std::vector<std::string> parts;
    for (const CronItem& item : items(field)) {
      if (item.step == 1 || is_interval(item)) {
        parts.push_back(words::range(item, [](uint32_t value) { return std::to_string(value); }));
        continue;
      }
      for (uint64_t value = item.first; value <= item.last; value += item.step)
        parts.push_back(std::to_string(value));
    }
    return parts;
  }

  const CronExpression& expression_;
  const Pattern& pattern_;
};

bool changes_its_clock(const TimeZone& zone) {
  const OffsetTable& offsets = zone.offsets();
  const OffsetTable::Segment* segment = offsets.find(civil::seconds_of(2024, 1, 1));
  return segment[1].begin < civil::seconds_of(2040, 1, 1);
}

std::string on_changes(const CronExpression& expression, const Pattern& pattern, DstPolicy policy) {
  switch (policy) {
    case DstPolicy::Kubernetes:
      return "Times that the clock jumps over are skipped; times that come twice run twice.";
    case DstPolicy::Once:
      return "Times that the clock jumps over are skipped; times that come twice run the first "
             "time only.";
    case DstPolicy::Vixie:
      break;
  }
  if (is_fixed_time(expression, pattern)) {
    return "If the clock jumps over such a time, it runs once right after the jump; if such a time "
           "comes twice, it runs the first time only.";
  }
  return "It follows the clock at an interval: times that the clock jumps over do not occur, times "
         "that come twice run twice.";
}

bool uses_hash(const CronExpression& expression) {
  for (const CronItem& item : expression.items)
    if (item.hashed) return true;
  return false;
}

}  // namespace

base::Result<std::string> explain(std::string_view expression, const ScheduleOptions& options) {
  ASSIGN_OR_RETURN(const Schedule schedule, Schedule::parse(expression, options));
  ASSIGN_OR_RETURN(const CronExpression parsed, parse_cron(expression, options.seed, nullptr));
  if (parsed.every_seconds != 0) {
    return "Every " + words::duration(parsed.every_seconds) + ", counted from " +
           base::format_rfc3339(options.anchor) + ", whatever the clock does.";
  }
  const Pattern pattern = compile_cron(parsed, 0);
  std::string text = Explainer(parsed, pattern).when() + ", in " + schedule.zone().name() + ".";
  text.front() = static_cast<char>(text.front() - 'a' + 'A');
  if (uses_hash(parsed))
    text += " (H stands for values that hang on the seed \"" + std::string(options.seed) + "\".)";
  if (!schedule.can_fire()) return text + " There is no such time: it never fires.";
  if (changes_its_clock(schedule.zone()))
    text += " " + on_changes(parsed, pattern, options.dst_policy);
  return text;
}

}  // namespace scheduler
