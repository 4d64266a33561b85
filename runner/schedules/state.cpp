#include "runner/schedules/state.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"

namespace runner::schedules {
namespace {

using nlohmann::json;
using scheduler::Instant;

std::optional<Instant> time_at(const json& object, std::initializer_list<std::string_view> path) {
  const auto time = base::parse_rfc3339(base::string_at(object, path));
  if (!time) return std::nullopt;
  return std::chrono::floor<std::chrono::seconds>(*time);
}

uint64_t number_at(const json& object, std::initializer_list<std::string_view> path) {
  return static_cast<uint64_t>(std::max<int64_t>(0, base::integer_at(object, path).value_or(0)));
}

json write_stretch(const scheduler::Stretch& slots, scheduler::SkipReason reason) {
  return {{"first", base::format_rfc3339(slots.first)},
          {"last", base::format_rfc3339(slots.last)},
          {"count", slots.count},
          {"reason", to_string(reason)}};
}

std::optional<scheduler::SkipRun> read_stretch(const json& value) {
  const auto first = time_at(value, {"first"});
  const auto last = time_at(value, {"last"});
  const auto reason = scheduler::parse_skip_reason(base::string_at(value, {"reason"}));
  if (!first || !last || !reason) return std::nullopt;
  return scheduler::SkipRun{
      .slots = {.first = *first, .last = *last, .count = number_at(value, {"count"})},
      .reason = *reason};
}

json write_span(const scheduler::Span& span) {
  return {{"first", base::format_rfc3339(span.first)}, {"last", base::format_rfc3339(span.last)}};
}

std::optional<scheduler::Span> read_span(const json& value) {
  const auto first = time_at(value, {"first"});
  const auto last = time_at(value, {"last"});
  if (!first || !last) return std::nullopt;
  return scheduler::Span{.first = *first, .last = *last};
}

json write_tracked(const scheduler::TrackedRun& run) {
  json value{{"name", run.name}, {"uid", run.uid}};
  if (run.slot) value["slot"] = base::format_rfc3339(*run.slot);
  if (run.manual) value["manual"] = true;
  return value;
}

scheduler::TrackedRun read_tracked(const json& value) {
  return {.name = base::string_at(value, {"name"}),
          .uid = base::string_at(value, {"uid"}),
          .slot = time_at(value, {"slot"}),
          .manual = base::bool_at(value, {"manual"}).value_or(false)};
}

void read_lists(const json& at, ScheduleState& state) {
  if (const json* tracked = base::find(at, {"unfinished"}); tracked && tracked->is_array())
    for (const json& run : *tracked)
      state.decided.tracked.push_back(read_tracked(run));
  if (const json* ahead = base::find(at, {"ahead"}); ahead && ahead->is_array())
    for (const json& span : *ahead)
      if (const auto one = read_span(span)) state.decided.ahead.push_back(*one);
  if (const json* skips = base::find(at, {"skips"}); skips && skips->is_array())
    for (const json& skip : *skips)
      if (auto stretch = read_stretch(skip)) state.skips.push_back(*stretch);
}

}  // namespace

std::optional<ScheduleState> read_schedule_state(const json& status) {
  const json* at = base::find(status, {"scheduling"});
  if (at == nullptr) return std::nullopt;
  const auto accounted = time_at(*at, {"accounted"});
  if (!accounted) return std::nullopt;
  ScheduleState state;
  scheduler::State& decided = state.decided;
  decided.accounted = *accounted;
  decided.fingerprint = base::string_at(*at, {"schedule"});
  decided.suspended = base::bool_at(*at, {"suspended"}).value_or(false);
  decided.handled_trigger = base::string_at(*at, {"handledTrigger"});
  if (const json* held = base::find(*at, {"held"}))
    if (const auto stretch = read_stretch(*held))
      decided.held = scheduler::HeldSlots{.slots = stretch->slots, .reason = stretch->reason};
  if (const auto asked = time_at(*at, {"pendingTrigger", "at"}))
    decided.pending_trigger = scheduler::PendingTrigger{
        .value = base::string_at(*at, {"pendingTrigger", "value"}),
        .at = *asked,
        // Of a version that let every annotation stay.
        .stays = base::bool_at(*at, {"pendingTrigger", "stays"}).value_or(true)};
  decided.counts = {.started = number_at(status, {"counts", "started"}),
                    .succeeded = number_at(status, {"counts", "succeeded"}),
                    .failed = number_at(status, {"counts", "failed"}),
                    .skipped = number_at(status, {"counts", "skipped"})};
  read_lists(*at, state);
  return state;
}

void write_schedule_state(const ScheduleState& state, json& status) {
  const scheduler::State& decided = state.decided;
  json at{{"schedule", decided.fingerprint},
          {"accounted", base::format_rfc3339(decided.accounted)}};
  if (decided.suspended) at["suspended"] = true;
  if (decided.held) at["held"] = write_stretch(decided.held->slots, decided.held->reason);
  if (!decided.handled_trigger.empty()) at["handledTrigger"] = decided.handled_trigger;
  if (const auto& pending = decided.pending_trigger)
    at["pendingTrigger"] = {{"value", pending->value},
                            {"at", base::format_rfc3339(pending->at)},
                            {"stays", pending->stays}};
  for (const scheduler::Span& span : decided.ahead)
    at["ahead"].push_back(write_span(span));
  for (const scheduler::TrackedRun& run : decided.tracked)
    at["unfinished"].push_back(write_tracked(run));
  for (const scheduler::SkipRun& skip : state.skips)
    at["skips"].push_back(write_stretch(skip.slots, skip.reason));
  status["scheduling"] = std::move(at);
  status["counts"] = {{"started", decided.counts.started},
                      {"succeeded", decided.counts.succeeded},
                      {"failed", decided.counts.failed},
                      {"skipped", decided.counts.skipped},
                      {"active", decided.tracked.size()}};
}

}  // namespace runner::schedules
