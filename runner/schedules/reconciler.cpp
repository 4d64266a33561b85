#include "runner/schedules/reconciler.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "kube/back_off.h"
#include "kube/object.h"
#include "runner/schedules/events.h"
#include "runner/schedules/proof.h"
#include "scheduler/run_name.h"

namespace runner::schedules {
namespace {

using base::Code;
using nlohmann::json;
using scheduler::StartRun;
using std::chrono::seconds;

// Runs end with events; this bounds how long one can be missed.
constexpr seconds kWaitingPoll{10};
// Refusals may end without an event.
constexpr kube::BackOffPolicy kRefusedBackOff{.first = std::chrono::seconds{10},
                                              .most = std::chrono::minutes{5}};

// What was read since the slot came proves what stood then; but an edit that the cache misses is
// not to be missed for longer.
constexpr seconds kOldestRead{10};

// A restart has as many templates to check as there are schedules; who asks meanwhile is answered,
// and most are decided on before the first is checked.
constexpr std::chrono::milliseconds kTemplateChecksFrom{1'000};
constexpr std::chrono::milliseconds kTemplateChecks{4'000};

constexpr const char* kInvalidTemplate = "InvalidTemplate";

// As the status says, which was written of this spec.
bool was_fit(const json& schedule) {
  const auto generation = base::integer_at(schedule, {"metadata", "generation"});
  if (!generation || base::integer_at(schedule, {"status", "observedGeneration"}) != generation)
    return false;
  const json* conditions = base::find(schedule, {"status", "conditions"});
  if (conditions == nullptr || !conditions->is_array()) return false;
  return std::none_of(conditions->begin(), conditions->end(), [](const json& one) {
    return base::string_at(one, {"reason"}) == kInvalidTemplate;
  });
}

size_t starts(const scheduler::Decision& decision) {
  return static_cast<size_t>(std::count_if(
      decision.actions.begin(), decision.actions.end(),
      [](const scheduler::Action& action) { return std::holds_alternative<StartRun>(action); }));
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
  return ask_the_api(key, View::Cached);
}

base::Result<kube::Reconciled> ScheduleReconciler::ask_the_api(const kube::ObjectKey& key,
                                                               View view) {
  const auto live = api_.get(config::scheduled_spark_applications(), key);
  if (live) return run_round(*live, view);
  if (live.error().code == Code::NotFound) return kube::Reconciled{};
  return base::failure(live.error());
}

base::Result<kube::Reconciled> ScheduleReconciler::run_round(const json& schedule, View view) {
  // A schedule that is being deleted starts nothing any more.
  if (kube::is_deleting(schedule)) return kube::Reconciled{};
  RETURN_IF_ERROR(record_created(kube::key_of(schedule)));
  auto parsed = config::parse_schedule_spec(schedule, options_.default_time_zone);
  if (!parsed) return report_invalid(schedule, parsed.error());

  Round round{.schedule = schedule, .view = view, .parsed = *std::move(parsed)};
  if (std::string told = about_pod_name(schedule); !told.empty())
    round.parsed.warnings.push_back(std::move(told));
  check_template(round);
  if (const json* status = base::find(schedule, {"status"}))
    round.before = read_schedule_state(*status);
  // Skips of an earlier decision whose record a crash prevented. Until this succeeds nothing new is
  // decided, so none is ever pushed out of the status unrecorded.
  if (round.before) {
    round.skips_are_old = memory_.of(kube::key_of(schedule)).recorded_skips.empty();
    RETURN_IF_ERROR(record_skips(schedule, *round.before));
  }

  // A status that somebody took away is made again from the records and from what exists.
  if (!round.before) {
    ASSIGN_OR_RETURN(
        round.remembered,
        recorder_.remembered(kube::uid_of(schedule), std::chrono::floor<seconds>(clock_.now())));
    if (round.remembered && view != View::Live)
      return ask_the_api(kube::key_of(schedule), View::Live);
  }
  RETURN_IF_ERROR(observe(round));
  round.decision = scheduler::decide_slots(clock_.now(), round.parsed.spec, round.observed);
  RETURN_IF_ERROR(name_wish(round));
  if (round.template_is_believed && starts(round.decision) > 0) return run_round(schedule, view);
  const kube::ObjectKey key = kube::key_of(schedule);
  switch (view == View::Live ? Proof::None
                             : needed_proof(round.parsed.spec, round.observed, round.decision)) {
    case Proof::Runs:
      return view == View::Confirmed ? run_round(schedule, View::Live)
                                     : ask_the_api(key, View::Live);
    case Proof::Schedule:
      if (view != View::Cached) break;
      return was_so_at_its_slot(round) ? run_round(schedule, View::Confirmed)
                                       : ask_the_api(key, View::Confirmed);
    case Proof::None:
      break;
  }
  base::Status trigger_left;
  if (round.decision.take_trigger) {
    const auto taken = take_trigger(round);
    // A crash before this: it is taken away once more, or is gone. Its run starts in a round that
    // has seen so.
    if (taken && *taken) return kube::Reconciled{.wake_at = {}, .again = true};
    // Somebody wrote first: nothing of what was decided holds. For all else slots do not wait.
    if (!taken && taken.error().code == base::Code::Conflict) return base::failure(taken.error());
    if (!taken) trigger_left = base::failure(taken.error());
  }
  RETURN_IF_ERROR(stop_all(round));
  RETURN_IF_ERROR(start_all(round));
  const bool refused = !round.observed.refusals.empty();
  const bool covered = has_run_for_all(round.parsed.spec, round.observed, round.decision);
  // A run that is not created is a slot that may pass after all.
  if (view == View::Confirmed && (refused || !covered)) return run_round(schedule, View::Live);
  // What has been created is written down by the next round, after those that wait to start. A
  // crash before it, or an edit: that round finds the runs all the same.
  if (round.created > 0 && round.created == starts(round.decision) && covered && !refused)
    return kube::Reconciled{.wake_at = {}, .again = true};
  RETURN_IF_ERROR(record_created(key));
  RETURN_IF_ERROR(prune_all(round));
  auto finished = finish(round);
  if (finished) RETURN_IF_ERROR(trigger_left);
  return finished;
}

bool ScheduleReconciler::was_so_at_its_slot(const Round& round) {
  if (options_.versions == nullptr) return false;
  const base::WallTime now = clock_.now();
  // Of several slots the newest: an edit before it must be seen. A run by hand is due now.
  base::WallTime slot = now - kOldestRead;
  for (const scheduler::Action& action : round.decision.actions)
    if (const auto* start = std::get_if<StartRun>(&action))
      slot = std::max(slot, start->slot ? base::WallTime(*start->slot) : now);
  const auto late = std::max(base::WallTime::duration(0), now - slot);
  return options_.versions->has(kube::key_of(round.schedule),
                                kube::resource_version_of(round.schedule),
                                clock_.steady_now() - late);
}

// Once for each spec and process: what can never be submitted says so now and not at its first
// slot. What another process has found fit is checked at the next look, within seconds, for this
// version may think otherwise, and before it starts anything: a dry run costs more than all else of
// a round.
void ScheduleReconciler::check_template(Round& round) {
  if (!options_.check_template) return;
  const kube::ObjectKey key = kube::key_of(round.schedule);
  const std::string spec =
      kube::uid_of(round.schedule) + "/" +
      std::to_string(base::integer_at(round.schedule, {"metadata", "generation"}).value_or(0));
  ScheduleMemory::Entry known = memory_.of(key);
  if (known.checked_spec != spec && known.believed_spec != spec && was_fit(round.schedule)) {
    memory_.change(key, [&](ScheduleMemory::Entry& entry) { entry.believed_spec = spec; });
    round.template_is_believed = true;
    return;
  }
  if (known.checked_spec != spec) {
    const json run = trial_run(round.schedule, round.parsed.spec, clock_.now());
    known.template_problem = options_.check_template(run);
    memory_.change(key, [&](ScheduleMemory::Entry& entry) {
      entry.checked_spec = spec;
      entry.template_problem = known.template_problem;
    });
  }
  if (!known.template_problem) return;
  // No run is created that cannot be submitted: it would only fail, slot after slot.
  round.parsed.spec.submittable = false;
  round.trouble = {kInvalidTemplate, known.template_problem->message};
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
    RETURN_IF_ERROR(remember_wish(round));
    // A crash before this: everything is decided again, from the same status. Starting finds its
    // names taken, stopping and pruning find nothing left to do, skipping has left no trace.
    RETURN_IF_ERROR(write_status(round.schedule, status));
    announce_decision(events_, {.schedule = round.schedule,
                                .warnings = round.parsed.warnings,
                                .spec = round.parsed.spec,
                                .observed = round.observed,
                                .decision = round.decision,
                                .status = status,
                                .trigger_refusal = round.trigger_refusal});
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
                                    .skipped = counts.skipped},
                                   round.decision.state.handled_trigger));
  report(round, status);
  RETURN_IF_ERROR(collect_leftovers(round));
  return kube::Reconciled{.wake_at = next_look(round)};
}

base::Status ScheduleReconciler::remember_wish(const Round& round) {
  const std::string& now = round.decision.state.handled_trigger;
  const std::string* before = round.before       ? &round.before->decided.handled_trigger
                              : round.remembered ? &round.remembered->trigger
                                                 : nullptr;
  if (before == nullptr || *before == now) return {};
  return recorder_.handled(kube::uid_of(round.schedule), now);
}

std::optional<base::WallTime> ScheduleReconciler::next_look(const Round& round) {
  const kube::ObjectKey key = kube::key_of(round.schedule);
  std::optional<base::WallTime> look = round.decision.wake_at;
  const auto wake_by = [&](base::WallTime time) {
    if (!look || time < *look) look = time;
  };
  if (round.template_is_believed) {
    const size_t turn = std::hash<std::string>()(kube::uid_of(round.schedule));
    wake_by(clock_.now() + kTemplateChecksFrom + kTemplateChecks * (turn % 1'000) / 1'000);
  }
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
