#include "runner/schedules/events.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "runner/name_holder.h"

namespace runner::schedules {
namespace {

using kube::EventType;
using nlohmann::json;

std::string describe(const scheduler::Stretch& slots) {
  if (slots.count == 1) return "The slot " + base::format_rfc3339(slots.first);
  return std::to_string(slots.count) + " slots from " + base::format_rfc3339(slots.first) + " to " +
         base::format_rfc3339(slots.last);
}

const char* in_words(scheduler::SkipReason reason) {
  switch (reason) {
    case scheduler::SkipReason::Superseded:
      return "a newer slot took its place";
    case scheduler::SkipReason::ForbidConcurrent:
      return "another run was unfinished and concurrencyPolicy is Forbid";
    case scheduler::SkipReason::DeadlineExceeded:
      return "it was later than startingDeadlineSeconds";
    case scheduler::SkipReason::MissedSkipped:
      return "it was missed and missedRunPolicy is Skip";
    case scheduler::SkipReason::NamespaceTerminating:
      return "the namespace is being deleted";
    case scheduler::SkipReason::CreateRefused:
      return "the API server refused to create the run";
  }
  return "";
}

// As the status that was written says it; "" if it does not.
std::string reason_of(const json& status, const std::string& run) {
  const json* recent = base::find(status, {"recentRuns"});
  if (recent != nullptr && recent->is_array())
    for (const json& one : *recent)
      if (base::string_at(one, {"name"}) == run) return base::string_at(one, {"reason"});
  return {};
}

void announce_ended(kube::EventRecorder& events, const Announcement& news,
                    const scheduler::EndedRun& ended) {
  const json& schedule = news.schedule;
  if (ended.phase == scheduler::RunPhase::Succeeded) {
    events.record(schedule, EventType::Normal, "RunSucceeded", "Counting",
                  "Run " + ended.run.name + " succeeded");
  } else {
    const std::string reason = reason_of(news.status, ended.run.name);
    const std::string failed = reason.empty() ? " failed" : " failed: " + reason;
    events.record(
        schedule, EventType::Warning, "RunFailed", "Counting",
        "Run " + ended.run.name + (ended.gone ? " was deleted before its end was seen" : failed));
  }
}

void announce_skip(kube::EventRecorder& events, const json& schedule,
                   const scheduler::SkipRun& skip) {
  events.record(schedule, EventType::Warning, "SlotSkipped", "Scheduling",
                describe(skip.slots) + (skip.slots.count == 1 ? " was" : " were") + " skipped (" +
                    to_string(skip.reason) + "): " + in_words(skip.reason));
}

// What the user did to the schedule since the last decision.
void announce_changes(kube::EventRecorder& events, const Announcement& news) {
  const scheduler::State* before = news.observed.state ? &*news.observed.state : nullptr;
  const bool first = before == nullptr;
  const scheduler::State& now = news.decision.state;
  const bool changed = first || before->fingerprint != now.fingerprint;
  // What cannot be submitted is held as if suspended, but nobody has suspended it.
  const bool by_user = news.spec.policy.suspended == now.suspended;
  if (!first && before->suspended != now.suspended && by_user)
    events.record(news.schedule, EventType::Normal, now.suspended ? "Suspended" : "Resumed",
                  "Scheduling",
                  now.suspended ? "No runs are started until spec.suspend is false"
                                : "Runs are started again from the next slot on");
  if (!changed) return;
  if (!first)
    events.record(news.schedule, EventType::Normal, "ScheduleChanged", "Scheduling",
                  "The schedule is now " + now.fingerprint + "; nothing is owed from before");
  if (!now.suspended && news.decision.next_runs.empty())
    events.record(news.schedule, EventType::Warning, "NeverFires", "Scheduling",
                  "The schedule has no slot in the future");
  for (const std::string& warning : news.warnings)
    events.record(news.schedule, EventType::Warning, "ScheduleWarning", "Validating", warning);
}

// Whatever keeps a schedule from being ready is told when it begins or changes, not at every write.
void announce_ready(kube::EventRecorder& events, const Announcement& news) {
  const auto ready = [](const json& status) {
    const json* conditions = base::find(status, {"conditions"});
    if (conditions != nullptr && conditions->is_array())
      for (const json& one : *conditions)
        if (base::string_at(one, {"type"}) == "Ready") return one;
    return json::object();
  };
  const json now = ready(news.status);
  if (base::string_at(now, {"status"}) != "False") return;
  const json* status = base::find(news.schedule, {"status"});
  const json before = status == nullptr ? json::object() : ready(*status);
  const std::string reason = base::string_at(now, {"reason"});
  const std::string message = base::string_at(now, {"message"});
  if (base::string_at(before, {"reason"}) == reason &&
      base::string_at(before, {"message"}) == message)
    return;
  events.record(news.schedule, EventType::Warning, reason, "Scheduling", message);
}

// A clock that was wrong, and a trigger that was copied or cannot be taken away.
void announce_disbelief(kube::EventRecorder& events, const Announcement& news) {
  const auto& before = news.observed.state;
  const scheduler::Instant now = news.decision.state.accounted;
  if (before && before->accounted > now)
    events.record(news.schedule, EventType::Normal, "ClockBelieved", "Scheduling",
                  "Slots up to " + base::format_rfc3339(before->accounted) +
                      " had been accounted for by another clock; those after " +
                      base::format_rfc3339(now) +
                      " are due again, but for those that have been started");
  if (!before && !news.spec.trigger.empty() && !news.observed.trigger_is_wanted)
    events.record(news.schedule, EventType::Normal, "TriggerIgnored", "Scheduling",
                  "The trigger annotation \"" + news.spec.trigger +
                      "\" came with the schedule and starts nothing; set a new value for a run");
  if (!news.trigger_refusal.empty())
    events.record(news.schedule, EventType::Warning, "TriggerStays", "Scheduling",
                  "The trigger annotation \"" + news.spec.trigger + "\" is obeyed and stays: " +
                      news.trigger_refusal + "; a new value asks for the next run");
}

}  // namespace

void announce_start(kube::EventRecorder& events, const json& schedule,
                    const scheduler::StartRun& run) {
  events.record(schedule, EventType::Normal, "RunStarted", "Starting",
                "Created SparkApplication " + run.name +
                    (run.slot ? " for the slot " + base::format_rfc3339(*run.slot)
                              : std::string(" by hand")));
}

void announce_stop(kube::EventRecorder& events, const json& schedule, const std::string& run) {
  events.record(schedule, EventType::Normal, "RunStopped", "Replacing",
                "Stopping run " + run + ": the next one is due and concurrencyPolicy is Replace");
}

void announce_prune(kube::EventRecorder& events, const json& schedule, const std::string& run) {
  events.record(schedule, EventType::Normal, "RunPruned", "Pruning",
                "Deleted run " + run + ": the history is within its limit again");
}

void announce_collected(kube::EventRecorder& events, const json& schedule,
                        const Leftover& leftover) {
  events.record(schedule, EventType::Normal, "LeftoverDeleted", "Scheduling",
                "Deleted " + leftover.type->kind + " " + leftover.key.name +
                    ": its owner is gone, and nobody has collected it for " +
                    std::to_string(kCollectorsTime.count()) + " s");
}

void announce_decision(kube::EventRecorder& events, const Announcement& news) {
  announce_changes(events, news);
  announce_disbelief(events, news);
  for (const scheduler::EndedRun& ended : news.decision.ended)
    announce_ended(events, news, ended);
  for (const scheduler::Action& action : news.decision.actions)
    if (const auto* skip = std::get_if<scheduler::SkipRun>(&action))
      announce_skip(events, news.schedule, *skip);
  announce_ready(events, news);
}

}  // namespace runner::schedules
