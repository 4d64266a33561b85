#include "runner/schedules/reconciler.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "kube/back_off.h"
#include "kube/object.h"
#include "runner/name_holder.h"
#include "runner/refusal.h"
#include "runner/run_record.h"
#include "runner/schedules/events.h"
#include "runner/schedules/observe.h"
#include "runner/schedules/trigger.h"
#include "scheduler/run_name.h"

namespace runner::schedules {
namespace {

using base::Code;
using nlohmann::json;
using scheduler::DeleteRun;
using scheduler::StartRun;
using scheduler::StopRun;
using std::chrono::seconds;

// Runs end with events; this bounds how long one can be missed.
constexpr seconds kWaitingPoll{10};
// Refusals may end without an event.
constexpr kube::BackOffPolicy kRefusedBackOff{.first = std::chrono::seconds{10},
                                              .most = std::chrono::minutes{5}};
// A failure that is still there at the second try is told; a conflict, which is everyday, later.
// The same one is told once, a new one at most once a minute: its telling is a write that wakes us.
constexpr int kToldFrom = 2;
constexpr int kConflictToldFrom = 6;
constexpr seconds kToldAtMostEvery{60};

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
  // Whether a trigger is a wish only the API itself can tell.
  if (!observed.state)
    return observed.edited_before || after.accounted != observed.created ||
           !after.handled_trigger.empty();
  const auto& pending = observed.state->pending_trigger;
  return after.accounted != observed.state->accounted || after.ahead != observed.state->ahead ||
         (pending && after.pending_trigger != pending);
}

// Where runs may overlap no driver is in the way of a start.
LiveDrivers which_drivers(const scheduler::Spec& spec) {
  return rules_of(spec.policy.concurrency).overlaps ? LiveDrivers::Skip : LiveDrivers::Read;
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
    memory_.forget(key);
    return kube::Reconciled{};
  }
  if (kube::resource_version_of(*cached) != memory_.of(key).replaced_version)
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

  Round round{.schedule = schedule, .view = view, .parsed = *std::move(parsed)};
  check_template(round);
  if (const json* status = base::find(schedule, {"status"}))
    round.before = read_schedule_state(*status);
  // Skips of an earlier decision whose record a crash prevented. Until this succeeds nothing new is
  // decided, so none is ever pushed out of the status unrecorded.
  if (round.before) {
    round.skips_are_old = memory_.of(kube::key_of(schedule)).recorded_skips.empty();
    RETURN_IF_ERROR(record_skips(schedule, *round.before));
  }

  RETURN_IF_ERROR(observe(round));
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

// Once for each spec and process: what can never be submitted says so now and not at its first
// slot.
void ScheduleReconciler::check_template(Round& round) {
  if (!options_.check_template) return;
  const kube::ObjectKey key = kube::key_of(round.schedule);
  const std::string spec =
      kube::uid_of(round.schedule) + "/" +
      std::to_string(base::integer_at(round.schedule, {"metadata", "generation"}).value_or(0));
  ScheduleMemory::Entry known = memory_.of(key);
  if (known.checked_spec != spec) {
    const auto now = std::chrono::floor<seconds>(clock_.now());
    const json run = build_run(
        round.schedule, *round.parsed.spec.schedule,
        {.name = scheduler::run_name(round.parsed.spec.name, now), .slot = now, .at = now});
    known.template_problem = options_.check_template(run);
    memory_.change(key, [&](ScheduleMemory::Entry& entry) {
      entry.checked_spec = spec;
      entry.template_problem = known.template_problem;
    });
  }
  if (!known.template_problem) return;
  // No run is created that cannot be submitted: it would only fail, slot after slot.
  round.parsed.spec.submittable = false;
  round.trouble = {"InvalidTemplate", known.template_problem->message};
}

base::Status ScheduleReconciler::observe(Round& round) {
  const View view = round.view;
  const json& schedule = round.schedule;
  ScheduleView seen = cached_view(cache_, schedule);
  if (view == View::Live) {
    ASSIGN_OR_RETURN(seen, live_view(api_, cache_, schedule, which_drivers(round.parsed.spec)));
  }
  round.runs = std::move(seen.runs);
  scheduler::Observed& observed = round.observed;
  round.leftovers = std::move(seen.leftovers);
  observed.lingering = static_cast<uint32_t>(round.leftovers.size());
  const auto created =
      base::parse_rfc3339(base::string_at(schedule, {"metadata", "creationTimestamp"}));
  observed.created = std::chrono::floor<seconds>(created.value_or(clock_.now()));
  // A schedule that comes with the status of another controller has a past that is not ours.
  observed.edited_before = base::integer_at(schedule, {"metadata", "generation"}).value_or(1) > 1 ||
                           base::find(schedule, {"status", "lastRun"}) != nullptr;
  observed.trigger_is_wanted = annotated_after_creation(schedule, config::kTriggerAnnotation);
  if (round.before) observed.state = round.before->decided;
  for (const ScheduleRun& run : round.runs)
    observed.runs.push_back(run.observed);
  // A status that could never be written hides what was started all the same.
  if (!round.before) return view == View::Live ? find_uncounted(round) : base::Status();
  RETURN_IF_ERROR(find_pending(round));
  RETURN_IF_ERROR(observe_clock(round));
  if (view == View::Cached) return {};
  RETURN_IF_ERROR(find_ended(round));
  return find_uncounted(round);
}

// How long the clock has stood before what is accounted for, by the clock that nobody sets.
base::Status ScheduleReconciler::observe_clock(Round& round) {
  const kube::ObjectKey key = kube::key_of(round.schedule);
  const auto now = std::chrono::floor<seconds>(clock_.now());
  const auto since = memory_.of(key).clock_behind_since;
  if (round.before->decided.accounted <= now) {
    if (since)
      memory_.change(key, [](ScheduleMemory::Entry& one) { one.clock_behind_since.reset(); });
    return {};
  }
  const base::SteadyTime steady = clock_.steady_now();
  if (!since)
    memory_.change(key, [&](ScheduleMemory::Entry& one) { one.clock_behind_since = steady; });
  round.observed.clock_behind_for = std::chrono::floor<seconds>(steady - since.value_or(steady));
  return {};
}

// What became of runs that are no more stands in the records.
base::Status ScheduleReconciler::find_ended(Round& round) {
  const json& schedule = round.schedule;
  scheduler::Observed& observed = round.observed;
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
  return {};
}

// Runs that were created just before a crash and have been deleted since: their slots are neither
// free nor skipped.
base::Status ScheduleReconciler::find_uncounted(Round& round) {
  // Before a clock is believed that was set back, those ahead of it as well.
  const base::WallTime after = std::min<base::WallTime>(
      round.before ? round.before->decided.accounted : round.observed.created, clock_.now());
  ASSIGN_OR_RETURN(const auto records, recorder_.runs_after(kube::uid_of(round.schedule), after));
  // So many runs after today: it is today that is wrong.
  if (records.size() >= RunRecorder::kMaxRunsAfter) round.observed.clock_behind_for = seconds{0};
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
    if (!is_refusal(error.code)) return base::failure(error);
    // Held and tried again until it works, a newer slot comes or its deadline passes. Only in a
    // namespace that is being deleted nothing can ever be created any more.
    const bool terminating = error.code == Code::Forbidden && is_terminating(error);
    const auto reason = terminating ? scheduler::SkipReason::NamespaceTerminating
                                    : scheduler::SkipReason::CreateRefused;
    round.trouble = {to_string(reason), "create " + run.name + ": " + error.message};
    round.observed.refusals.push_back(
        {.name = run.name, .reason = reason, .for_good = terminating});
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
      // Of all leftovers the one that is told, since its name is what is missing.
      round.leftovers.insert(
          round.leftovers.begin(),
          {.type = &config::spark_applications(), .key = key, .uid = kube::uid_of(*found)});
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

// By the clock that nobody sets. A round that saw only the cache knows of none, and forgets none.
base::Status ScheduleReconciler::collect_leftovers(const Round& round) {
  const kube::ObjectKey key = kube::key_of(round.schedule);
  const auto before = memory_.of(key).leftover_since;
  if (round.view == View::Cached || (round.leftovers.empty() && before.empty())) return {};
  const base::SteadyTime now = clock_.steady_now();
  std::map<std::string, base::SteadyTime> since;
  for (const Leftover& leftover : round.leftovers) {
    const auto known = before.find(leftover.uid);
    since[leftover.uid] = known == before.end() ? now : known->second;
  }
  memory_.change(key, [&](ScheduleMemory::Entry& one) { one.leftover_since = since; });
  for (const Leftover& leftover : round.leftovers) {
    if (now - since[leftover.uid] < kCollectorsTime) continue;
    ASSIGN_OR_RETURN(const bool collected, collect(api_, leftover, kube::uid_of(round.schedule)));
    if (collected) announce_collected(events_, round.schedule, leftover);
  }
  return {};
}

base::Result<kube::Reconciled> ScheduleReconciler::finish(Round& round) {
  if (round.decision.waiting && !round.leftovers.empty() && round.trouble.reason.empty())
    round.trouble = waiting_for(round.leftovers.front());
  std::vector<scheduler::SkipRun> skips;
  for (const scheduler::Action& action : round.decision.actions)
    if (const auto* skip = std::get_if<scheduler::SkipRun>(&action)) skips.push_back(*skip);
  const bool skipped = !skips.empty();
  if (!skipped && round.before) skips = round.before->skips;

  StatusInput input{.schedule = round.schedule,
                    .now = clock_.now(),
                    .spec = round.parsed.spec,
                    .decision = round.decision,
                    .skips = skips,
                    .runs = std::move(round.runs),
                    .trouble = round.trouble};
  json status = schedule_status(input);
  const json* before = base::find(round.schedule, {"status"});
  const bool changed = before == nullptr || *before != status;
  const bool recorded = !skipped && !skips.empty();
  if (changed || (recorded && round.skips_are_old)) {
    // What has been recorded is not recorded after each restart for ever: some day the ledger drops
    // it and would count it anew.
    if (recorded) {
      input.skips.clear();
      status = schedule_status(std::move(input));
    }
    // A crash before this: everything is decided again, from the same status. Starting finds its
    // names taken, stopping and pruning find nothing left to do, skipping has left no trace.
    RETURN_IF_ERROR(write_status(round.schedule, status));
    announce_decision(events_, {.schedule = round.schedule,
                                .warnings = round.parsed.warnings,
                                .spec = round.parsed.spec,
                                .observed = round.observed,
                                .decision = round.decision,
                                .status = status});
    // A crash before this: the skips stand in the status and are recorded by the next round.
    if (skipped)
      RETURN_IF_ERROR(
          record_skips(round.schedule, {.decided = round.decision.state, .skips = skips}));
  }
  // A ledger that was lost learns here what it no longer knows. After the status, so that what it
  // learns is what a restart would find.
  const scheduler::Counts& counts = round.decision.state.counts;
  RETURN_IF_ERROR(recorder_.counts(kube::key_of(round.schedule), kube::uid_of(round.schedule),
                                   {.started = counts.started,
                                    .succeeded = counts.succeeded,
                                    .failed = counts.failed,
                                    .skipped = counts.skipped}));
  report(round, status);
  RETURN_IF_ERROR(collect_leftovers(round));
  return kube::Reconciled{.wake_at = next_look(round)};
}

std::optional<base::WallTime> ScheduleReconciler::next_look(const Round& round) {
  const kube::ObjectKey key = kube::key_of(round.schedule);
  std::optional<base::WallTime> look = round.decision.wake_at;
  const auto wake_by = [&](base::WallTime time) {
    if (!look || time < *look) look = time;
  };
  int refusals = 0;
  // What is left over goes soon, like a run that ends.
  const bool refused = !round.observed.refusals.empty() && round.leftovers.empty();
  if (refused) refusals = memory_.of(key).refusals + 1;
  memory_.change(key, [&](ScheduleMemory::Entry& one) {
    one.refusals = refusals;
    one.told_failure.clear();
    one.told_at.reset();
  });
  if (refused)
    wake_by(clock_.now() + kube::back_off(kRefusedBackOff, refusals, 0));
  else if (round.decision.waiting)
    wake_by(clock_.now() + kWaitingPoll);
  return look;
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
  if (const auto time = base::parse_rfc3339(base::string_at(status, {"lastSuccessfulTime"})))
    facts.last_success = *time;
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

base::Status ScheduleReconciler::write_status(const json& schedule, json status) {
  json object = schedule;
  object["status"] = std::move(status);
  // Carries the resourceVersion it was decided from: if anybody wrote meanwhile, this is a conflict
  // and everything is decided again.
  RETURN_IF_ERROR(api_.update(config::scheduled_spark_applications(), object, "status"));
  memory_.change(kube::key_of(schedule), [&](ScheduleMemory::Entry& one) {
    one.replaced_version = kube::resource_version_of(schedule);
  });
  return {};
}

base::Status ScheduleReconciler::record_skips(const json& schedule, const ScheduleState& state) {
  if (state.skips.empty()) return {};
  const kube::ObjectKey key = kube::key_of(schedule);
  std::string all = kube::uid_of(schedule);
  for (const scheduler::SkipRun& skip : state.skips)
    all += " " + base::format_rfc3339(skip.slots.first) + base::format_rfc3339(skip.slots.last);
  if (memory_.of(key).recorded_skips == all) return {};
  for (const scheduler::SkipRun& skip : state.skips) {
    RETURN_IF_ERROR(recorder_.record_skip({.schedule = key,
                                           .schedule_uid = kube::uid_of(schedule),
                                           .from = skip.slots.first,
                                           .to = skip.slots.last,
                                           .count = skip.slots.count,
                                           .reason = to_string(skip.reason)}));
  }
  memory_.change(key, [&](ScheduleMemory::Entry& one) { one.recorded_skips = all; });
  return {};
}

}  // namespace runner::schedules
