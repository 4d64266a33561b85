#include "runner/schedules/reconciler.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "runner/run_record.h"
#include "runner/schedules/events.h"
#include "runner/schedules/observe.h"
#include "scheduler/run_name.h"

namespace runner::schedules {
namespace {

using base::Code;
using nlohmann::json;
using scheduler::DeleteRun;
using scheduler::StartRun;
using scheduler::StopRun;
using std::chrono::seconds;

// Runs end with events, and refusals may end with none at all; this bounds how long either can be
// missed.
constexpr seconds kWaitingPoll{10};
constexpr seconds kRefusedPoll{30};

// The API server gives 403 with this cause; the message is for servers that leave the cause out.
bool is_terminating(const base::Error& error) {
  return error.message.find("being terminated") != std::string::npos ||
         error.message.find("NamespaceTerminating") != std::string::npos;
}

// Tells the tracked runs that this round created what the API called them.
void fill_in_uids(scheduler::State& state, const std::vector<ScheduleRun>& runs) {
  for (scheduler::TrackedRun& tracked : state.tracked) {
    if (!tracked.uid.empty()) continue;
    const auto run = std::find_if(runs.begin(), runs.end(), [&](const ScheduleRun& one) {
      return one.observed.name == tracked.name && !one.observed.gone;
    });
    if (run != runs.end()) tracked.uid = run->observed.uid;
  }
}

template <class Wanted>
bool wants(const scheduler::Decision& decision) {
  return std::any_of(
      decision.actions.begin(), decision.actions.end(),
      [](const scheduler::Action& action) { return std::holds_alternative<Wanted>(action); });
}

// Slots, or a run by hand that was asked for: what is not seen now is not looked for again.
bool passes_something(const scheduler::Observed& observed, const scheduler::State& after) {
  if (!observed.state) return observed.edited_before;
  const auto& pending = observed.state->pending_trigger;
  return after.accounted > observed.state->accounted ||
         (pending && after.pending_trigger != pending);
}

// With Allow no driver is in the way of a start.
LiveDrivers which_drivers(const scheduler::Spec& spec) {
  return spec.policy.concurrency == scheduler::Concurrency::Allow ? LiveDrivers::Skip
                                                                  : LiveDrivers::Read;
}

}  // namespace

ScheduleReconciler::ScheduleReconciler(kube::Api& api, const kube::Cache& cache,
                                       kube::EventRecorder& events, RunRecorder& recorder,
                                       base::Clock& clock, ScheduleOptions options)
    : api_(api),
      cache_(cache),
      events_(events),
      recorder_(recorder),
      clock_(clock),
      options_(std::move(options)) {}

base::Result<kube::Reconciled> ScheduleReconciler::reconcile(const kube::ObjectKey& key) {
  const auto cached = cache_.get(config::scheduled_spark_applications(), key);
  if (cached == nullptr) {
    // Its runs go by garbage collection; their finalizer sees to it that drivers are stopped and
    // outcomes recorded first. So the schedule needs no finalizer of its own.
    if (options_.telemetry != nullptr) options_.telemetry->schedule_gone(key);
    base::MutexLock lock(mutex_);
    memory_.erase(key);
    return kube::Reconciled{};
  }
  if (kube::resource_version_of(*cached) != remembered(key).replaced_version)
    return run_round(*cached, View::Cached);
  // The cache has not seen our own last write yet. Deciding from it would only end in a conflict.
  const auto live = api_.get(config::scheduled_spark_applications(), key);
  if (live) return run_round(*live, View::Cached);
  if (live.error().code == Code::NotFound) return kube::Reconciled{};
  return base::failure(live.error());
}

base::Result<kube::Reconciled> ScheduleReconciler::run_round(const json& schedule, View view) {
  // A schedule that is being deleted starts nothing any more.
  if (kube::is_deleting(schedule)) return kube::Reconciled{};
  auto parsed = config::parse_schedule_spec(schedule, options_.default_time_zone);
  if (!parsed) return report_invalid(schedule, parsed.error());

  Round round{.schedule = schedule, .parsed = *std::move(parsed)};
  if (const json* status = base::find(schedule, {"status"}))
    round.before = read_schedule_state(*status);
  // Skips of an earlier decision whose record a crash prevented. Until this succeeds nothing new is
  // decided, so none is ever pushed out of the status unrecorded.
  if (round.before) RETURN_IF_ERROR(record_skips(schedule, *round.before));

  RETURN_IF_ERROR(observe(round, view));
  round.decision = scheduler::decide_slots(clock_.now(), round.parsed.spec, round.observed);
  const bool vanished = std::any_of(round.decision.ended.begin(), round.decision.ended.end(),
                                    [](const scheduler::EndedRun& run) { return run.gone; });
  const bool accounts = passes_something(round.observed, round.decision.state);
  if (view == View::Cached && (vanished || accounts || wants<StartRun>(round.decision))) {
    // The cache may lag: a suspend, an edit or a run could be missing from it. Starting, giving up
    // and passing slots (a run that a crash kept out of the counts is counted then or never) are
    // worth asking the API itself.
    const auto live = api_.get(config::scheduled_spark_applications(), kube::key_of(schedule));
    if (live) return run_round(*live, View::Live);
    if (live.error().code == Code::NotFound) return kube::Reconciled{};
    return base::failure(live.error());
  }
  RETURN_IF_ERROR(perform(round));
  return finish(round);
}

base::Status ScheduleReconciler::observe(Round& round, View view) {
  const json& schedule = round.schedule;
  ScheduleView seen = cached_view(cache_, schedule);
  if (view == View::Live) {
    ASSIGN_OR_RETURN(seen, live_view(api_, cache_, schedule, which_drivers(round.parsed.spec)));
  }
  round.runs = std::move(seen.runs);
  scheduler::Observed& observed = round.observed;
  observed.lingering = seen.lingering;
  const auto created =
      base::parse_rfc3339(base::string_at(schedule, {"metadata", "creationTimestamp"}));
  observed.created = std::chrono::floor<seconds>(created.value_or(clock_.now()));
  // A schedule that comes with the status of another controller has a past that is not ours.
  observed.edited_before = base::integer_at(schedule, {"metadata", "generation"}).value_or(1) > 1 ||
                           base::find(schedule, {"status", "lastRun"}) != nullptr;
  if (round.before) observed.state = round.before->decided;
  for (const ScheduleRun& run : round.runs)
    observed.runs.push_back(run.observed);
  if (!round.before) return {};
  RETURN_IF_ERROR(find_pending(round));
  if (view == View::Cached) return {};
  // What became of runs that are no more stands in the records.
  for (const scheduler::TrackedRun& tracked : round.before->decided.tracked) {
    const bool seen_alive =
        std::any_of(round.runs.begin(), round.runs.end(),
                    [&](const ScheduleRun& run) { return run.observed.uid == tracked.uid; });
    if (seen_alive) continue;
    ASSIGN_OR_RETURN(const auto record, recorder_.find_run(kube::uid_of(schedule), tracked.name));
    if (!record || record->uid != tracked.uid) continue;
    round.runs.push_back(read_run(*record));
    observed.runs.push_back(round.runs.back().observed);
  }
  return find_uncounted(round);
}

// Runs that were created just before a crash and have been deleted since: their slots are neither
// free nor skipped.
base::Status ScheduleReconciler::find_uncounted(Round& round) {
  ASSIGN_OR_RETURN(const auto records, recorder_.runs_after(kube::uid_of(round.schedule),
                                                            round.before->decided.accounted));
  for (const RunRecord& record : records) {
    const bool known =
        std::any_of(round.runs.begin(), round.runs.end(),
                    [&](const ScheduleRun& run) { return run.observed.uid == record.uid; });
    if (known) continue;
    round.runs.push_back(read_run(record));
    round.observed.runs.push_back(round.runs.back().observed);
  }
  return {};
}

// A run by hand that was created just before a crash, and is gone, must not be forgotten when
// another one is asked for.
base::Status ScheduleReconciler::find_pending(Round& round) {
  const auto& pending = round.before->decided.pending_trigger;
  if (!pending || pending->value == round.parsed.spec.trigger) return {};
  const std::string name = scheduler::manual_run_name(round.parsed.spec.name, pending->at);
  for (const ScheduleRun& run : round.runs)
    if (run.observed.name == name) return {};
  ASSIGN_OR_RETURN(const auto record, recorder_.find_run(kube::uid_of(round.schedule), name));
  if (!record) return {};
  round.runs.push_back(read_run(*record));
  round.observed.runs.push_back(round.runs.back().observed);
  return {};
}

base::Status ScheduleReconciler::perform(Round& round) {
  for (const scheduler::Action& action : round.decision.actions)
    if (const auto* run = std::get_if<StopRun>(&action)) RETURN_IF_ERROR(stop(round, *run));
  RETURN_IF_ERROR(start_all(round));
  for (const scheduler::Action& action : round.decision.actions)
    if (const auto* run = std::get_if<DeleteRun>(&action)) RETURN_IF_ERROR(prune(round, *run));
  fill_in_uids(round.decision.state, round.runs);
  return {};
}

base::Status ScheduleReconciler::start_all(Round& round) {
  // Each repetition follows a refusal or an adoption, which takes one candidate out for good.
  for (bool again = true; again;) {
    again = false;
    const std::vector<scheduler::Action> actions = round.decision.actions;
    for (const scheduler::Action& action : actions) {
      const auto* run = std::get_if<StartRun>(&action);
      if (run == nullptr) continue;
      const bool exists =
          std::any_of(round.runs.begin(), round.runs.end(), [&](const ScheduleRun& one) {
            return one.observed.name == run->name && !one.observed.gone;
          });
      if (exists) continue;
      ASSIGN_OR_RETURN(const bool started, start(round, *run));
      if (started) continue;
      round.decision = scheduler::decide_slots(clock_.now(), round.parsed.spec, round.observed);
      again = true;
      break;
    }
  }
  return {};
}

base::Result<bool> ScheduleReconciler::start(Round& round, const StartRun& run) {
  // A run that was started, recorded and deleted again leaves its name free but not its slot.
  ASSIGN_OR_RETURN(const auto record, recorder_.find_run(kube::uid_of(round.schedule), run.name));
  if (record) {
    round.runs.push_back(read_run(*record));
    round.observed.runs.push_back(round.runs.back().observed);
    return false;
  }
  const json object = build_run(round.schedule, *round.parsed.spec.schedule, run);
  const auto created = api_.create(config::spark_applications(), object);
  // A crash from here on: the run exists and the status does not say so. The next decision finds it
  // among the runs, or the API finds its name taken by us.
  if (!created) {
    const base::Error& error = created.error();
    if (error.code == Code::AlreadyExists) return adopt_existing(round, run);
    const bool terminating = error.code == Code::Forbidden && is_terminating(error);
    const bool for_good =
        terminating || error.code == Code::Refused || error.code == Code::TooLarge;
    if (!for_good && error.code != Code::Forbidden) return base::failure(error);
    const auto reason = terminating ? scheduler::SkipReason::NamespaceTerminating
                                    : scheduler::SkipReason::CreateRefused;
    round.trouble = {to_string(reason), "create " + run.name + ": " + error.message};
    round.observed.refusals.push_back({.name = run.name, .reason = reason, .for_good = for_good});
    return false;
  }
  round.runs.push_back(read_run(*created));
  round.observed.runs.push_back(round.runs.back().observed);
  announce_start(events_, round.schedule, run);
  if (options_.telemetry != nullptr && run.slot)
    options_.telemetry->slot_started(kube::key_of(round.schedule), clock_.now() - *run.slot);
  base::log_info("runner", "Created SparkApplication",
                 {{"schedule", kube::key_of(round.schedule).to_string()}, {"run", run.name}});
  RETURN_IF_ERROR(recorder_.record_run(run_record(*created)));
  return true;
}

base::Result<bool> ScheduleReconciler::adopt_existing(Round& round, const StartRun& run) {
  const kube::ObjectKey key{kube::key_of(round.schedule).ns, run.name};
  const auto found = api_.get(config::spark_applications(), key);
  if (!found) {
    // Taken a moment ago and free now: try again soon.
    if (found.error().code == Code::NotFound)
      return base::failure(Code::Unavailable, "create " + run.name + ": it was there and is gone");
    return base::failure(found.error());
  }
  switch (ownership(*found, round.schedule)) {
    case Ownership::Ours:
      round.runs.push_back(read_run(*found));
      round.observed.runs.push_back(round.runs.back().observed);
      RETURN_IF_ERROR(recorder_.record_run(run_record(*found)));
      return true;
    case Ownership::Namesake:
      round.trouble = {"WaitingForNamesake",
                       "SparkApplication " + run.name +
                           " of a deleted schedule of this name is still being removed"};
      break;
    case Ownership::Other:
      round.trouble = {"NameTaken", "SparkApplication " + run.name +
                                        " exists and does not belong to this schedule; rename or "
                                        "delete it"};
      break;
  }
  round.observed.refusals.push_back({.name = run.name, .for_good = false});
  return false;
}

base::Status ScheduleReconciler::stop(Round& round, const StopRun& run) {
  // The run's finalizer keeps it until its driver is dead and its outcome is recorded.
  const auto removed = api_.remove(config::spark_applications(),
                                   {kube::key_of(round.schedule).ns, run.name}, {.uid = run.uid});
  if (!removed && removed.error().code != Code::NotFound) return removed;
  announce_stop(events_, round.schedule, run.name);
  return {};
}

base::Status ScheduleReconciler::prune(Round& round, const DeleteRun& run) {
  const auto found = std::find_if(
      round.runs.begin(), round.runs.end(),
      [&](const ScheduleRun& one) { return one.observed.uid == run.uid && !one.observed.gone; });
  if (found == round.runs.end()) return {};
  // Nothing goes that is not recorded. The application controller has done so before the state
  // became final; this is for objects that came from elsewhere.
  ASSIGN_OR_RETURN(const auto record, recorder_.find_run(kube::uid_of(round.schedule), run.name));
  if (!record || record->uid != run.uid || !record->ended) {
    ASSIGN_OR_RETURN(const json object, api_.get(config::spark_applications(),
                                                 {kube::key_of(round.schedule).ns, run.name}));
    if (kube::uid_of(object) == run.uid) RETURN_IF_ERROR(recorder_.record_run(run_record(object)));
  }
  // With the version: a run that somebody has started again meanwhile is left alone.
  const auto removed =
      api_.remove(config::spark_applications(), {kube::key_of(round.schedule).ns, run.name},
                  {.uid = run.uid, .resource_version = found->resource_version});
  if (!removed && removed.error().code != Code::NotFound) return removed;
  announce_prune(events_, round.schedule, run.name);
  return {};
}

base::Result<kube::Reconciled> ScheduleReconciler::finish(Round& round) {
  std::vector<scheduler::SkipRun> skips;
  for (const scheduler::Action& action : round.decision.actions)
    if (const auto* skip = std::get_if<scheduler::SkipRun>(&action)) skips.push_back(*skip);
  const bool skipped = !skips.empty();
  if (!skipped && round.before) skips = round.before->skips;
  const ScheduleState after{.decided = round.decision.state, .skips = skips};

  json status = schedule_status({.schedule = round.schedule,
                                 .now = clock_.now(),
                                 .spec = round.parsed.spec,
                                 .decision = round.decision,
                                 .skips = skips,
                                 .runs = std::move(round.runs),
                                 .trouble = round.trouble});
  const json* before = base::find(round.schedule, {"status"});
  if (before == nullptr || *before != status) {
    // A crash before this: everything is decided again, from the same status. Starting finds its
    // names taken, stopping and pruning find nothing left to do, skipping has left no trace.
    RETURN_IF_ERROR(write_status(round.schedule, status));
    announce_decision(events_, {.schedule = round.schedule,
                                .warnings = round.parsed.warnings,
                                .before = round.before ? &round.before->decided : nullptr,
                                .decision = round.decision,
                                .trouble = round.trouble});
    // A crash before this: the skips stand in the status and are recorded by the next round.
    if (skipped) RETURN_IF_ERROR(record_skips(round.schedule, after));
  }
  // A ledger that was lost learns here what it no longer knows. After the status, so that what it
  // learns is what a restart would find.
  const scheduler::Counts& counts = round.decision.state.counts;
  RETURN_IF_ERROR(recorder_.counts(kube::key_of(round.schedule), kube::uid_of(round.schedule),
                                   {.started = counts.started,
                                    .succeeded = counts.succeeded,
                                    .failed = counts.failed,
                                    .skipped = counts.skipped}));
  tell(round, status);
  kube::Reconciled result{.wake_at = round.decision.wake_at};
  const auto wake_by = [&](base::WallTime time) {
    if (!result.wake_at || time < *result.wake_at) result.wake_at = time;
  };
  if (round.decision.waiting) wake_by(clock_.now() + kWaitingPoll);
  if (!round.trouble.reason.empty()) wake_by(clock_.now() + kRefusedPoll);
  return result;
}

void ScheduleReconciler::tell(const Round& round, const json& status) {
  if (options_.telemetry == nullptr) return;
  const kube::ObjectKey key = kube::key_of(round.schedule);
  for (const scheduler::Action& action : round.decision.actions)
    if (const auto* skip = std::get_if<scheduler::SkipRun>(&action))
      options_.telemetry->slots_skipped(key, to_string(skip->reason), skip->slots.count);
  const scheduler::State& state = round.decision.state;
  ScheduleFacts facts{.key = key,
                      .uid = kube::uid_of(round.schedule),
                      .suspended = state.suspended,
                      .active_runs = state.tracked.size(),
                      .counts = {.started = state.counts.started,
                                 .succeeded = state.counts.succeeded,
                                 .failed = state.counts.failed,
                                 .skipped = state.counts.skipped}};
  if (!round.decision.next_runs.empty()) facts.next_run = round.decision.next_runs.front();
  if (const auto time = base::parse_rfc3339(base::string_at(status, {"lastSuccessfulTime"})))
    facts.last_success = *time;
  options_.telemetry->schedule_decided(facts);
}

base::Result<kube::Reconciled> ScheduleReconciler::report_invalid(const json& schedule,
                                                                  const base::Error& problem) {
  json status = invalid_status(schedule, clock_.now(), problem.message);
  const json* before = base::find(schedule, {"status"});
  if (before != nullptr && *before == status) return kube::Reconciled{};
  RETURN_IF_ERROR(write_status(schedule, std::move(status)));
  events_.record(schedule, kube::EventType::Warning, "InvalidSpec", "Validating", problem.message);
  // Nothing to wait for: fixing the spec is an event.
  return kube::Reconciled{};
}

base::Status ScheduleReconciler::write_status(const json& schedule, json status) {
  json object = schedule;
  object["status"] = std::move(status);
  // Carries the resourceVersion it was decided from: if anybody wrote meanwhile, this is a conflict
  // and everything is decided again.
  RETURN_IF_ERROR(api_.update(config::scheduled_spark_applications(), object, "status"));
  base::MutexLock lock(mutex_);
  memory_[kube::key_of(schedule)].replaced_version = kube::resource_version_of(schedule);
  return {};
}

base::Status ScheduleReconciler::record_skips(const json& schedule, const ScheduleState& state) {
  const kube::ObjectKey key = kube::key_of(schedule);
  std::string all = kube::uid_of(schedule);
  for (const scheduler::SkipRun& skip : state.skips)
    all += " " + base::format_rfc3339(skip.slots.first) + base::format_rfc3339(skip.slots.last);
  if (remembered(key).recorded_skips == all) return {};
  for (const scheduler::SkipRun& skip : state.skips) {
    RETURN_IF_ERROR(recorder_.record_skip({.schedule = key,
                                           .schedule_uid = kube::uid_of(schedule),
                                           .from = skip.slots.first,
                                           .to = skip.slots.last,
                                           .count = skip.slots.count,
                                           .reason = to_string(skip.reason)}));
  }
  base::MutexLock lock(mutex_);
  memory_[key].recorded_skips = all;
  return {};
}

ScheduleReconciler::Memory ScheduleReconciler::remembered(const kube::ObjectKey& key) const {
  base::MutexLock lock(mutex_);
  const auto found = memory_.find(key);
  return found == memory_.end() ? Memory{} : found->second;
}

}  // namespace runner::schedules
