#include "monitor/dashboard/slots.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "monitor/dashboard/answers.h"
#include "monitor/dashboard/question.h"
#include "scheduler/cron_expression.h"
#include "scheduler/schedule.h"

namespace monitor::dashboard {
namespace {

using base::Code;
using base::failure;
using nlohmann::json;
using scheduler::Instant;
using scheduler::Schedule;
using std::chrono::seconds;

int64_t number(Instant time) {
  return time.time_since_epoch().count();
}

json slots_of(const Schedule& schedule, Instant from, Instant to, size_t& room) {
  const uint64_t count = schedule.count(from, to);
  const std::vector<Instant> first = schedule.between(from, to, std::min(room, kMaxSlots));
  room -= first.size();
  json times = json::array();
  for (const Instant slot : first)
    times.push_back(number(slot));
  json answer = {{"slots", std::move(times)}, {"count", count}};
  if (count == first.size()) return answer;
  constexpr std::chrono::hours kHour{1};
  json hours = json::array();
  for (Instant hour = std::chrono::floor<std::chrono::hours>(from); hour < to; hour += kHour)
    hours.push_back(
        schedule.count(std::max(from, hour - seconds(1)), std::min(to, hour + kHour - seconds(1))));
  answer["hours"] = std::move(hours);
  return answer;
}

json answer_for(const json& one, const std::string& default_zone, Instant from, Instant to,
                size_t& room) {
  const auto question = read_question(one, default_zone);
  if (!question) return {{"error", question.error().message}};
  const auto schedule = Schedule::parse(question->expression, question->options());
  if (!schedule) return {{"error", schedule.error().message}};
  return slots_of(*schedule, from, to, room);
}

// "02:30", with seconds if there are any.
std::string clock(Instant wall) {
  const std::chrono::hh_mm_ss time(wall - std::chrono::floor<std::chrono::days>(wall));
  const auto two = [](int64_t value) { return (value < 10 ? "0" : "") + std::to_string(value); };
  std::string text = two(time.hours().count()) + ":" + two(time.minutes().count());
  if (time.seconds().count() != 0) text += ":" + two(time.seconds().count());
  return text;
}

// What the expression says without its zone.
std::string_view without_zone(std::string_view expression) {
  if (!expression.starts_with("TZ=") && !expression.starts_with("CRON_TZ=")) return expression;
  return expression.substr(std::min(expression.find(' '), expression.size()));
}

// The stretch of wall time that a change leaves out or repeats: [begin, end), and the slots that
// the expression has there, as wall times.
struct Stretch {
  Instant begin;
  Instant end;
  uint64_t slots = 0;
  std::string named;  // "The slot at 02:30", "The 4 slots from 02:00 to 02:45"
};

Stretch stretch_of(const Schedule& wall, Instant begin, Instant end) {
  Stretch stretch{.begin = begin, .end = end, .slots = 0, .named = ""};
  stretch.slots = wall.count(begin - seconds(1), end - seconds(1));
  if (stretch.slots == 0) return stretch;
  const Instant first = wall.next(begin - seconds(1)).value_or(begin);
  const Instant last = wall.prev(end).value_or(end);
  stretch.named = stretch.slots == 1 ? "The slot at " + clock(first)
                                     : "The " + std::to_string(stretch.slots) + " slots from " +
                                           clock(first) + " to " + clock(last);
  return stretch;
}

std::string on_gap(const Schedule& schedule, const Schedule& wall, Instant at, seconds before,
                   seconds after) {
  const Stretch gap = stretch_of(wall, at + before, at + after);
  const bool one = gap.slots == 1;
  std::string text = "The clock goes from " + clock(gap.begin) + " to " + clock(gap.end) + ". ";
  if (gap.slots == 0) return text + "No slot falls into the time that is left out.";
  if (schedule.next(at - seconds(1)) == at && schedule.is_catch_up(at))
    return text + gap.named + (one ? " runs" : " run") + " once, at " + clock(gap.end) + ".";
  return text + gap.named + (one ? " is" : " are") + " left out.";
}

std::string on_overlap(const Schedule& schedule, const Schedule& wall, Instant at, seconds before,
                       seconds after) {
  const seconds length = before - after;
  const Stretch twice = stretch_of(wall, at + after, at + before);
  const bool one = twice.slots == 1;
  std::string text =
      "The clock goes back from " + clock(twice.end) + " to " + clock(twice.begin) + ". ";
  if (twice.slots == 0) return text + "No slot falls into the time that comes twice.";
  const uint64_t runs = schedule.count(at - length - seconds(1), at + length - seconds(1));
  if (runs == 2 * twice.slots) return text + twice.named + (one ? " runs" : " run") + " twice.";
  if (runs == twice.slots)
    return text + twice.named + (one ? " runs" : " run") + " once, the first time.";
  return text + twice.named + (one ? " comes" : " come") + " to " + std::to_string(runs) + " runs.";
}

}  // namespace

base::Result<json> slots(const json& question, const std::string& default_zone) {
  ASSIGN_OR_RETURN(const Instant from, read_time(question, "from"));
  ASSIGN_OR_RETURN(const Instant to, read_time(question, "to"));
  if (to < from || to - from > kMaxAhead)
    return failure(Code::InvalidArgument, "to: must be from `from` to 8 days later");
  const json* schedules = base::find(question, {"schedules"});
  if (schedules == nullptr || !schedules->is_array() || schedules->size() > kMaxQuestions)
    return failure(Code::InvalidArgument,
                   "schedules: must be a list of at most " + std::to_string(kMaxQuestions));
  size_t room = kMaxSlotsOfAll;
  json answers = json::array();
  for (const json& one : *schedules)
    answers.push_back(answer_for(one, default_zone, from, to, room));
  return json{{"schedules", std::move(answers)}};
}

base::Result<json> clock_changes(const json& question, const std::string& default_zone) {
  ASSIGN_OR_RETURN(const Instant from, read_time(question, "from"));
  const json* one = base::find(question, {"schedule"});
  ASSIGN_OR_RETURN(const Question asked,
                   read_question(one != nullptr ? *one : json::object(), default_zone));
  ASSIGN_OR_RETURN(const Schedule schedule, Schedule::parse(asked.expression, asked.options()));
  ASSIGN_OR_RETURN(const scheduler::CronExpression parsed,
                   scheduler::parse_cron(asked.expression, asked.seed, nullptr));
  json changes = json::array();
  // The same expression on a clock that never changes tells which wall times it means.
  scheduler::ScheduleOptions plain = asked.options();
  plain.zone = "UTC";
  ASSIGN_OR_RETURN(const Schedule wall, Schedule::parse(without_zone(asked.expression), plain));
  const scheduler::TimeZone& zone = schedule.zone();
  const Instant end = from + kChangesAhead;
  for (Instant at = zone.next_change(from); at < end && changes.size() < kMaxChanges;
       at = zone.next_change(at)) {
    const seconds before = zone.offset_at(at - seconds(1));
    const seconds after = zone.offset_at(at);
    if (before == after) continue;  // another name of the same time
    std::string text = parsed.every_seconds != 0 ? "The clock changes; the slots come as always."
                       : after > before          ? on_gap(schedule, wall, at, before, after)
                                                 : on_overlap(schedule, wall, at, before, after);
    changes.push_back({{"at", number(at)},
                       {"day", scheduler::format_local(at - seconds(1), zone).substr(0, 10)},
                       {"text", std::move(text)}});
  }
  return json{{"changes", std::move(changes)}};
}

}  // namespace monitor::dashboard
