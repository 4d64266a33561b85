#pragma once

// schedule_events: what `kubectl describe` tells about a schedule. Every decision leaves an event;
// the reasons are stable: RunStarted, RunStopped, RunPruned, RunSucceeded, RunFailed, SlotSkipped,
// Suspended, Resumed, ScheduleChanged, NeverFires, ScheduleWarning, InvalidSpec, NameTaken,
// WaitingForNamesake, WaitingForDriver, LeftoverDeleted, CreateRefused, NamespaceTerminating,
// InvalidTemplate, ClockBehind, ClockBelieved, TriggerIgnored, TriggerStays, ReconcileFailing.
//
// Threads: any.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/event_recorder.h"
#include "runner/schedules/leftovers.h"
#include "runner/schedules/status.h"
#include "scheduler/decide.h"

namespace runner::schedules {

void announce_start(kube::EventRecorder& events, const nlohmann::json& schedule,
                    const scheduler::StartRun& run);
void announce_stop(kube::EventRecorder& events, const nlohmann::json& schedule,
                   const std::string& run);
void announce_collected(kube::EventRecorder& events, const nlohmann::json& schedule,
                        const Leftover& leftover);
void announce_prune(kube::EventRecorder& events, const nlohmann::json& schedule,
                    const std::string& run);

struct Announcement {
  const nlohmann::json& schedule;  // as it was decided about
  const std::vector<std::string>& warnings;
  const scheduler::Spec& spec;
  const scheduler::Observed& observed;  // of the decision; its state is the one before
  const scheduler::Decision& decision;
  const nlohmann::json& status;  // as it was written
  std::string trigger_refusal;   // why its annotation was not taken away; "" = it was, or has none
};
// After the status was written, so that no crash makes it say a thing twice.
void announce_decision(kube::EventRecorder& events, const Announcement& news);

}  // namespace runner::schedules
