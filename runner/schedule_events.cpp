#include "runner/schedule_events.h"

#include <nlohmann/json.hpp>

#include "base/rfc3339.h"

namespace runner {
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

void announce_ended(kube::EventRecorder& events, const json& schedule,
                    const scheduler::EndedRun& ended) {
  if (ended.phase == scheduler::RunPhase::Succeeded) {
    events.record(schedule, EventType::Normal, "RunSucceeded", "Counting",
                  "Run " + ended.run.name + " succeeded");
  } else {
    events.record(schedule, EventType::Warning, "RunFailed", "Counting",
                  "Run " + ended.run.name +
                      (ended.gone ? " was deleted before its end was seen" : " failed"));
  }
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

void announce_decision(kube::EventRecorder& events, const json& schedule,
                       const scheduler::Decision& decision, const Trouble& trouble, bool known,
                       const std::vector<std::string>& warnings) {
  for (const scheduler::EndedRun& ended : decision.ended)
    announce_ended(events, schedule, ended);
  for (const scheduler::Action& action : decision.actions) {
    const auto* skip = std::get_if<scheduler::SkipRun>(&action);
    if (skip == nullptr) continue;
    events.record(schedule, EventType::Warning, "SlotSkipped", "Scheduling",
                  describe(skip->slots) + (skip->slots.count == 1 ? " was" : " were") +
                      " skipped (" + to_string(skip->reason) + "): " + in_words(skip->reason));
  }
  if (!trouble.reason.empty())
    events.record(schedule, EventType::Warning, trouble.reason, "Starting", trouble.message);
  if (known) return;
  for (const std::string& warning : warnings)
    events.record(schedule, EventType::Warning, "ScheduleWarning", "Validating", warning);
}

}  // namespace runner
