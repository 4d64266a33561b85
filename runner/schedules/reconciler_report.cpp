// What a round tells: the metrics, specs that cannot be read, steps that fail again and again.

#include <variant>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "kube/object.h"
#include "runner/schedules/recent.h"
#include "runner/schedules/reconciler.h"

namespace runner::schedules {
namespace {

using base::Code;
using nlohmann::json;
using std::chrono::seconds;

// A failure that is still there at the second try is told; a conflict, which is everyday, later.
// The same one is told once, a new one at most once a minute: its telling is a write that wakes us.
constexpr int kToldFrom = 2;
constexpr int kConflictToldFrom = 6;
constexpr seconds kToldAtMostEvery{60};

}  // namespace

void ScheduleReconciler::report(const Round& round, const json& status) {
  if (options_.telemetry == nullptr) return;
  const kube::ObjectKey key = kube::key_of(round.schedule);
  for (const scheduler::Action& action : round.decision.actions)
    if (const auto* skip = std::get_if<scheduler::SkipRun>(&action))
      options_.telemetry->slots_skipped(key, to_string(skip->reason), skip->slots.count);
  const scheduler::State& state = round.decision.state;
  ScheduleReport facts{.key = key,
                       .uid = kube::uid_of(round.schedule),
                       .suspended = round.parsed.spec.policy.suspended,
                       .active_runs = state.tracked.size(),
                       .counts = {.started = state.counts.started,
                                  .succeeded = state.counts.succeeded,
                                  .failed = state.counts.failed,
                                  .skipped = state.counts.skipped}};
  if (!round.decision.next_runs.empty()) facts.next_run = round.decision.next_runs.front();
  if (const auto time = base::parse_rfc3339(base::string_at(status, {"lastRun"})))
    facts.last_run = *time;
  if (const auto time = base::parse_rfc3339(base::string_at(status, {"lastSuccessfulTime"})))
    facts.last_success = *time;
  if (state.held) {
    facts.held_slots = state.held->slots.count;
    facts.held_reason = to_string(state.held->reason);
  }
  const RecentOutcomes recent = recent_outcomes(status);
  facts.consecutive_failures = recent.consecutive_failures;
  facts.oldest_active = recent.oldest_active;
  facts.usual_duration = recent.usual_duration;
  options_.telemetry->schedule_decided(facts);
  report_not_ready(round.schedule, round.decision.clock_behind && round.trouble.reason.empty()
                                       ? "ClockBehind"
                                       : round.trouble.reason);
}

void ScheduleReconciler::report_not_ready(const json& schedule, const std::string& reason) {
  if (options_.telemetry != nullptr)
    options_.telemetry->schedule_ready(kube::key_of(schedule), reason);
}

base::Result<kube::Reconciled> ScheduleReconciler::report_invalid(const json& schedule,
                                                                  const base::Error& problem) {
  report_not_ready(schedule, "InvalidSpec");
  json status = invalid_status(schedule, clock_.now(), problem.message);
  const json* before = base::find(schedule, {"status"});
  if (before != nullptr && *before == status) return kube::Reconciled{};
  RETURN_IF_ERROR(write_status(schedule, std::move(status)));
  events_.record(schedule, kube::EventType::Warning, "InvalidSpec", "Validating", problem.message);
  // Nothing to wait for: fixing the spec is an event.
  return kube::Reconciled{};
}

void ScheduleReconciler::failing(const kube::ObjectKey& key, const base::Error& error,
                                 int failures) {
  // When it works again, that round has said so in the status already.
  if (failures < (error.code == Code::Conflict ? kConflictToldFrom : kToldFrom)) return;
  const ScheduleMemory::Entry known = memory_.of(key);
  const base::SteadyTime now = clock_.steady_now();
  if (known.told_failure == error.message) return;
  if (known.told_at && now - *known.told_at < kToldAtMostEvery) return;
  const auto schedule = api_.get(config::scheduled_spark_applications(), key);
  const auto cached = cache_.get(config::scheduled_spark_applications(), key);
  if (!schedule && cached == nullptr) return;
  memory_.change(key, [&](ScheduleMemory::Entry& one) {
    one.told_failure = error.message;
    one.told_at = now;
  });
  const json& object = schedule ? *schedule : *cached;
  const std::string message = "a step failed and is tried again: " + error.message;
  events_.record(object, kube::EventType::Warning, "ReconcileFailing", "Scheduling", message);
  report_not_ready(object, "ReconcileFailing");
  // If this fails as well, for what refuses it may be what fails, the event and the metric tell.
  (void)write_status(object, failing_status(object, clock_.now(), message));
}

}  // namespace runner::schedules
