#include "tools/sparkctl/cron_answers.h"

#include <algorithm>
#include <ostream>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/rfc3339.h"
#include "scheduler/quoted.h"

namespace sparkctl {
namespace {

using nlohmann::ordered_json;
using scheduler::Instant;
using scheduler::Schedule;

constexpr int kFine = 0;
constexpr int kRefused = 1;

struct Slot {
  Instant instant;
  std::string note;
};

// Whether the offset differs an hour or so before: says what a slot has to do with a change.
std::string dst_note(const Schedule& schedule, Instant slot) {
  const scheduler::TimeZone& zone = schedule.zone();
  const auto offset = zone.offset_at(slot);
  if (schedule.is_catch_up(slot)) return "made up for: its wall time does not exist on this day";
  using std::chrono::hours;
  const auto earlier = zone.offset_at(slot - hours{3});
  if (earlier > offset && zone.offset_at(slot - (earlier - offset)) == earlier)
    return "second time of this wall time";
  const auto later = zone.offset_at(slot + hours{3});
  if (later < offset && zone.offset_at(slot + (offset - later)) == later)
    return "first time of a wall time that comes twice";
  return earlier == offset ? "" : "the clock has just changed";
}

std::vector<Slot> slots(const Schedule& schedule, CronDirection direction, Instant from,
                        size_t count) {
  std::vector<Slot> result;
  while (result.size() < count) {
    const auto slot = direction == CronDirection::Next ? schedule.next(from) : schedule.prev(from);
    if (!slot) break;
    result.push_back({*slot, dst_note(schedule, *slot)});
    from = *slot;
  }
  return result;
}

int refused(const CronQuestion& question, const base::Error& error, const CronContext& context) {
  if (question.output == CronOutput::Json) {
    context.out << ordered_json{{"expression", question.expression},
                                {"valid", false},
                                {"error", error.message}}
                       .dump(2, ' ', false, ordered_json::error_handler_t::replace)
                << '\n';
  } else {
    context.err << "error: " << error.message << '\n';
  }
  return kRefused;
}

void print_table(const std::vector<Slot>& found, const Schedule& schedule,
                 const CronContext& context) {
  size_t local_width = 0;
  size_t relative_width = 0;
  for (const Slot& slot : found) {
    local_width =
        std::max(local_width, scheduler::format_local(slot.instant, schedule.zone()).size());
    relative_width = std::max(relative_width, relative(slot.instant, context.now).size());
  }
  const auto padded = [](std::string text, size_t width) {
    text.resize(std::max(width, text.size()), ' ');
    return text;
  };
  for (const Slot& slot : found) {
    std::string line =
        padded(scheduler::format_local(slot.instant, schedule.zone()), local_width) + "  " +
        base::format_rfc3339(slot.instant) + "  " +
        padded(relative(slot.instant, context.now), slot.note.empty() ? 0 : relative_width);
    if (!slot.note.empty()) line += "  " + slot.note;
    context.out << line << '\n';
  }
}

ordered_json to_json(const std::vector<Slot>& found, const Schedule& schedule,
                     const CronContext& context) {
  ordered_json list = ordered_json::array();
  for (const Slot& slot : found) {
    ordered_json entry{{"utc", base::format_rfc3339(slot.instant)},
                       {"local", scheduler::format_local(slot.instant, schedule.zone())},
                       {"relative", relative(slot.instant, context.now)}};
    if (!slot.note.empty()) entry["note"] = slot.note;
    list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

std::optional<scheduler::DstPolicy> dst_policy_of(const std::string& name) {
  for (const auto policy : {scheduler::DstPolicy::Vixie, scheduler::DstPolicy::Kubernetes,
                            scheduler::DstPolicy::Once}) {
    const std::string_view known = to_string(policy);
    if (std::equal(name.begin(), name.end(), known.begin(), known.end(),
                   [](char a, char b) { return (a | 0x20) == (b | 0x20); }))
      return policy;
  }
  return std::nullopt;
}

const char* to_string(scheduler::DstPolicy policy) {
  switch (policy) {
    case scheduler::DstPolicy::Vixie:
      return "Vixie";
    case scheduler::DstPolicy::Kubernetes:
      return "Kubernetes";
    case scheduler::DstPolicy::Once:
      return "Once";
  }
  return "Vixie";
}

base::Result<Instant> instant_of(const std::string& text) {
  const base::Result<base::WallTime> time = base::parse_rfc3339(text);
  if (time) return std::chrono::floor<std::chrono::seconds>(*time);
  return base::failure(
      base::Code::InvalidArgument,
      scheduler::quoted(text) + " is not an RFC 3339 time such as 2026-03-08T07:00:00Z");
}

std::string relative(Instant instant, Instant now) {
  constexpr int64_t kSecondsOf400Years = int64_t{146097} * 86400;
  const int64_t difference = (instant - now).count();
  if (difference == 0) return "now";
  const int64_t size = difference < 0 ? -difference : difference;
  std::string text;
  if (size < 60)
    text = std::to_string(size) + " s";
  else if (size < 3600)
    text = std::to_string(size / 60) + " min";
  else if (size < int64_t{48} * 3600)
    text = std::to_string(size / 3600) + " h";
  else if (size < int64_t{2} * 366 * 86400)
    text = std::to_string(size / 86400) + " d";
  else
    text = std::to_string(size * 400 / kSecondsOf400Years) + " years";
  return difference < 0 ? text + " ago" : "in " + text;
}

int answer_slots(const CronQuestion& question, CronDirection direction, Instant from, size_t count,
                 const CronContext& context) {
  std::vector<std::string> warnings;
  const auto schedule = Schedule::parse(question.expression, question.options(), &warnings);
  if (!schedule) return refused(question, schedule.error(), context);
  const std::vector<Slot> found = slots(*schedule, direction, from, count);
  if (question.output == CronOutput::Json) {
    context.out << ordered_json{{"expression", question.expression},
                                {"zone", schedule->zone().name()},
                                {"dstPolicy", to_string(question.dst_policy)},
                                {"slots", to_json(found, *schedule, context)},
                                {"complete", found.size() < count},
                                {"warnings", warnings}}
                       .dump(2)
                << '\n';
    return kFine;
  }
  for (const std::string& warning : warnings)
    context.err << "warning: " << warning << '\n';
  print_table(found, *schedule, context);
  if (found.size() < count) {
    const bool next = direction == CronDirection::Next;
    context.out << (found.empty() ? (next ? "never" : "never before")
                                  : (next ? "and never again" : "and never before"))
                << '\n';
  }
  return kFine;
}

int answer_check(const CronQuestion& question, const CronContext& context) {
  std::vector<std::string> warnings;
  const auto schedule = Schedule::parse(question.expression, question.options(), &warnings);
  if (!schedule) return refused(question, schedule.error(), context);
  const bool ever = schedule->can_fire();
  const auto next = schedule->next(context.now);
  if (question.output == CronOutput::Json) {
    ordered_json result{{"expression", question.expression},
                        {"valid", true},
                        {"canFire", ever},
                        {"zone", schedule->zone().name()},
                        {"next", next ? ordered_json(base::format_rfc3339(*next)) : ordered_json()},
                        {"warnings", warnings}};
    context.out << result.dump(2) << '\n';
    return ever ? kFine : kRefused;
  }
  for (const std::string& warning : warnings)
    context.err << "warning: " << warning << '\n';
  if (!ever) {
    context.err << "error: this schedule can never fire\n";
    return kRefused;
  }
  if (next)
    context.out << "ok, next " << scheduler::format_local(*next, schedule->zone()) << '\n';
  else
    context.out << "ok, but all its slots are past\n";
  return kFine;
}

}  // namespace sparkctl
