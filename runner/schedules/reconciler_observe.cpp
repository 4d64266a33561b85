// What a round sees: runs and drivers, what the records know of runs that are gone, the clock.

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "kube/object.h"
#include "runner/run_record.h"
#include "runner/schedules/observe.h"
#include "runner/schedules/recall.h"
#include "runner/schedules/reconciler.h"
#include "runner/schedules/trigger.h"
#include "scheduler/run_name.h"

namespace runner::schedules {
namespace {

using nlohmann::json;
using std::chrono::seconds;

// Where runs may overlap no driver is in the way of a start.
LiveDrivers which_drivers(const scheduler::Spec& spec) {
  return rules_of(spec.policy.concurrency).overlaps ? LiveDrivers::Skip : LiveDrivers::Read;
}

}  // namespace

void ScheduleReconciler::Round::see(ScheduleRun run) {
  observed.runs.push_back(run.observed);
  runs.push_back(std::move(run));
}

base::Status ScheduleReconciler::observe(Round& round) {
  const View view = round.view;
  const json& schedule = round.schedule;
  ScheduleView seen = cached_view(cache_, schedule);
  if (view == View::Live) {
    ASSIGN_OR_RETURN(seen, live_view(api_, cache_, schedule, which_drivers(round.parsed.spec)));
  }
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
  observed.trigger_may_go = is_nobodys_manifest(schedule, config::kTriggerAnnotation);
  if (round.before) observed.state = round.before->decided;
  for (ScheduleRun& run : seen.runs)
    round.see(std::move(run));
  see_created(round);
  if (round.remembered) return recall(round);
  // A status that could never be written hides what was started all the same.
  if (!round.before) return view == View::Live ? find_uncounted(round) : base::Status();
  RETURN_IF_ERROR(find_pending(round));
  RETURN_IF_ERROR(observe_clock(round));
  if (view == View::Cached) return {};
  if (view == View::Live) RETURN_IF_ERROR(find_ended(round));
  return find_uncounted(round);
}

// Whatever exists is recorded first: then the counts of the records are those of all runs, and only
// what goes on is still to be counted.
base::Status ScheduleReconciler::recall(Round& round) {
  const std::string uid = kube::uid_of(round.schedule);
  const auto now = std::chrono::floor<seconds>(clock_.now());
  RETURN_IF_ERROR(record_existing(round));
  ASSIGN_OR_RETURN(round.remembered, recorder_.remembered(uid, now));
  if (!round.remembered)
    return base::failure(base::Code::Unavailable, "the ledger has lost what it knew a moment ago");
  ASSIGN_OR_RETURN(const auto ahead, recorder_.runs_after(uid, now));
  round.observed.state =
      recalled_state(*round.remembered, ahead, round.parsed.spec, round.observed, now);
  return {};
}

base::Status ScheduleReconciler::record_existing(const Round& round) {
  for (const ScheduleRun& run : round.runs) {
    ASSIGN_OR_RETURN(const auto record,
                     recorder_.find_run(kube::uid_of(round.schedule), run.observed.name));
    if (record && record->uid == run.observed.uid &&
        record->ended.has_value() == run.ended.has_value())
      continue;
    const auto live = api_.get(config::spark_applications(),
                               {kube::key_of(round.schedule).ns, run.observed.name});
    // Gone since: whoever let it go has recorded it.
    if (!live && live.error().code == base::Code::NotFound) continue;
    if (!live) return base::failure(live.error());
    RETURN_IF_ERROR(recorder_.record_run(run_record(*live)));
  }
  return {};
}

// What this process has created is there, though the cache does not show it yet. The API itself,
// once it is asked, knows better.
void ScheduleReconciler::see_created(Round& round) {
  const kube::ObjectKey key = kube::key_of(round.schedule);
  std::vector<ScheduleMemory::CreatedRun> created = memory_.of(key).created;
  if (created.empty()) return;
  const base::SteadyTime now = clock_.steady_now();
  std::erase_if(created, [&](const ScheduleMemory::CreatedRun& one) {
    const bool seen = std::any_of(
        round.runs.begin(), round.runs.end(),
        [&](const ScheduleRun& run) { return run.observed.uid == one.run.observed.uid; });
    return seen || round.view == View::Live || now - one.at > kCachesTime;
  });
  for (const ScheduleMemory::CreatedRun& one : created)
    round.see(one.run);
  memory_.change(key, [&](ScheduleMemory::Entry& entry) { entry.created = std::move(created); });
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
  for (const scheduler::TrackedRun& tracked : round.before->decided.tracked) {
    const bool seen_alive =
        std::any_of(round.runs.begin(), round.runs.end(),
                    [&](const ScheduleRun& run) { return run.observed.uid == tracked.uid; });
    if (seen_alive) continue;
    ASSIGN_OR_RETURN(const auto record, recorder_.find_run(kube::uid_of(schedule), tracked.name));
    if (!record || record->uid != tracked.uid) continue;
    round.see(read_run(*record));
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
    RETURN_IF_ERROR(see_recorded(round, record));
  }
  return {};
}

// A run that was recorded and is not in view. If its end is not known it may just be too new for
// the cache, or for the list: taken for gone it would be counted as failed.
base::Status ScheduleReconciler::see_recorded(Round& round, const RunRecord& record) {
  if (!record.ended) {
    const auto live =
        api_.get(config::spark_applications(), {kube::key_of(round.schedule).ns, record.name});
    if (!live && live.error().code != base::Code::NotFound) return base::failure(live.error());
    if (live && kube::uid_of(*live) == record.uid) {
      round.see(read_run(*live));
      return {};
    }
  }
  round.see(read_run(record));
  return {};
}

// The name of a run that was pruned is taken as well: a wish under it would be taken for that run,
// which would be counted again.
base::Status ScheduleReconciler::name_wish(Round& round) {
  while (const auto& wish = round.decision.state.pending_trigger) {
    const auto& before =
        round.observed.state ? round.observed.state->pending_trigger : std::nullopt;
    if (before && before->at == wish->at) break;
    ASSIGN_OR_RETURN(const auto record, recorder_.find_run(kube::uid_of(round.schedule),
                                                           scheduler::manual_run_name(
                                                               round.parsed.spec.name, wish->at)));
    if (!record) break;
    RETURN_IF_ERROR(see_recorded(round, *record));
    round.decision = scheduler::decide_slots(clock_.now(), round.parsed.spec, round.observed);
  }
  return {};
}

// A run by hand that was created just before a crash, and is gone, must not be forgotten when
// another one is asked for, be it with the same word.
base::Status ScheduleReconciler::find_pending(Round& round) {
  const auto& pending = round.before->decided.pending_trigger;
  if (!pending || (pending->stays && pending->value == round.parsed.spec.trigger)) return {};
  const std::string name = scheduler::manual_run_name(round.parsed.spec.name, pending->at);
  for (const ScheduleRun& run : round.runs)
    if (run.observed.name == name) return {};
  ASSIGN_OR_RETURN(const auto record, recorder_.find_run(kube::uid_of(round.schedule), name));
  if (!record) return {};
  round.see(read_run(*record));
  return {};
}

}  // namespace runner::schedules
