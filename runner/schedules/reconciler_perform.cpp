// What a round does: stops, starts and deletes runs, in the order of the decision, and collects
// what the deleted have left.

#include <algorithm>
#include <map>
#include <variant>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "config/names.h"
#include "kube/object.h"
#include "runner/name_holder.h"
#include "runner/refusal.h"
#include "runner/run_record.h"
#include "runner/schedules/events.h"
#include "runner/schedules/reconciler.h"

namespace runner::schedules {
namespace {

using base::Code;
using nlohmann::json;
using scheduler::DeleteRun;
using scheduler::StartRun;
using scheduler::StopRun;

// In the words of the API server's own admission: a webhook may say what it likes, and change its
// mind.
bool is_terminating(const base::Error& error, const std::string& ns) {
  return error.message.find("admission webhook") == std::string::npos &&
         error.message.find("in namespace " + ns + " because it is being terminated") !=
             std::string::npos;
}

// What writes its trigger again whenever it is gone would have runs without end.
constexpr int64_t kMostTriggers = 10;
constexpr std::chrono::minutes kTriggersTime{1};

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

}  // namespace

base::Result<bool> ScheduleReconciler::take_trigger(Round& round) {
  const kube::ObjectKey key = kube::key_of(round.schedule);
  if (taken_lately(key, round.parsed.spec.trigger) >= kMostTriggers) {
    let_trigger_stay(
        round, "it was written again " + std::to_string(kMostTriggers) + " times within a minute");
    return false;
  }
  // With the version: what has been written since is another wish.
  const auto left =
      api_.patch(config::scheduled_spark_applications(), key, kube::PatchType::MergePatch,
                 {{"metadata",
                   {{"resourceVersion", kube::resource_version_of(round.schedule)},
                    {"annotations", {{config::kTriggerAnnotation, nullptr}}}}}});
  if (!left && !is_refusal(left.error().code)) return base::failure(left.error());
  if (left &&
      base::string_at(*left, {"metadata", "annotations", config::kTriggerAnnotation}).empty()) {
    memory_.change(key, [&](ScheduleMemory::Entry& one) {
      one.replaced_version = kube::resource_version_of(round.schedule);
      one.triggers_taken.emplace_back(clock_.steady_now(), round.parsed.spec.trigger);
    });
    return true;
  }
  let_trigger_stay(round, left ? "somebody puts it back at once"
                               : "it cannot be taken away: " + left.error().message);
  return false;
}

// Other words are other wishes: sparkctl writes the time.
int64_t ScheduleReconciler::taken_lately(const kube::ObjectKey& key, const std::string& trigger) {
  int64_t count = 0;
  memory_.change(key, [&](ScheduleMemory::Entry& one) {
    std::erase_if(one.triggers_taken, [&](const auto& taken) {
      return clock_.steady_now() - taken.first > kTriggersTime;
    });
    count = std::count_if(one.triggers_taken.begin(), one.triggers_taken.end(),
                          [&](const auto& taken) { return taken.second == trigger; });
  });
  return count;
}

void ScheduleReconciler::let_trigger_stay(Round& round, std::string reason) {
  round.trigger_refusal = std::move(reason);
  base::log_warning(
      "runner", "The trigger annotation stays",
      {{"schedule", kube::key_of(round.schedule).to_string()}, {"error", round.trigger_refusal}});
  round.observed.trigger_was_refused = true;
  round.decision = scheduler::decide_slots(clock_.now(), round.parsed.spec, round.observed);
}

base::Status ScheduleReconciler::stop_all(Round& round) {
  for (const scheduler::Action& action : round.decision.actions)
    if (const auto* run = std::get_if<StopRun>(&action)) RETURN_IF_ERROR(stop(round, *run));
  return {};
}

base::Status ScheduleReconciler::prune_all(Round& round) {
  for (const scheduler::Action& action : round.decision.actions)
    if (const auto* run = std::get_if<DeleteRun>(&action)) RETURN_IF_ERROR(prune(round, *run));
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
  fill_in_uids(round.decision.state, round.runs);
  return {};
}

// An annotation that stays asks again when the status is lost that knew its run, unless the records
// knew of it before the run was there.
base::Status ScheduleReconciler::promise_wish(const Round& round, const StartRun& run) {
  if (run.slot || !round.before || !round.before->decided.pending_trigger) return {};
  const scheduler::PendingTrigger& pending = *round.before->decided.pending_trigger;
  if (!pending.stays) return {};
  return recorder_.handled(kube::uid_of(round.schedule), pending.value);
}

base::Result<bool> ScheduleReconciler::start(Round& round, const StartRun& run) {
  // A run that was started, recorded and deleted again leaves its name free but not its slot.
  ASSIGN_OR_RETURN(const auto record, recorder_.find_run(kube::uid_of(round.schedule), run.name));
  if (record) {
    RETURN_IF_ERROR(see_recorded(round, *record));
    return false;
  }
  RETURN_IF_ERROR(promise_wish(round, run));
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
    const bool terminating =
        error.code == Code::Forbidden && is_terminating(error, kube::key_of(round.schedule).ns);
    const auto reason = terminating ? scheduler::SkipReason::NamespaceTerminating
                                    : scheduler::SkipReason::CreateRefused;
    round.trouble = {to_string(reason), "create " + run.name + ": " + error.message};
    round.observed.refusals.push_back(
        {.name = run.name, .reason = reason, .for_good = terminating});
    return false;
  }
  ScheduleRun made = read_run(*created);
  memory_.change(kube::key_of(round.schedule), [&](ScheduleMemory::Entry& one) {
    one.created.push_back({.run = made, .at = clock_.steady_now()});
    one.unrecorded.push_back(run_record(*created));
  });
  round.see(std::move(made));
  ++round.created;
  announce_start(events_, round.schedule, run);
  if (options_.telemetry != nullptr && run.slot)
    options_.telemetry->slot_started(kube::key_of(round.schedule), clock_.now() - *run.slot);
  base::log_info("runner", "Created SparkApplication",
                 {{"schedule", kube::key_of(round.schedule).to_string()}, {"run", run.name}});
  return true;
}

// After those that wait to start, for each record is a transaction of its own. A crash before it:
// the run's finalizer keeps it until the application controller has recorded it. Before the status,
// whose counts would have the ledger count it twice.
base::Status ScheduleReconciler::record_created(const kube::ObjectKey& key) {
  for (const RunRecord& run : memory_.of(key).unrecorded)
    RETURN_IF_ERROR(recorder_.record_run(run));
  // One worker has a schedule at a time: nothing was added meanwhile.
  memory_.change(key, [](ScheduleMemory::Entry& one) { one.unrecorded.clear(); });
  return {};
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
      round.see(read_run(*found));
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

}  // namespace runner::schedules
