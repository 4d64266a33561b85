#pragma once

// schedule_events: what `kubectl describe` tells about a schedule. Every decision leaves an event;
// the reasons are stable: RunStarted, RunStopped, RunSucceeded, RunFailed, SlotSkipped,
// InvalidSpec, NameTaken, WaitingForNamesake, CreateRefused, NamespaceTerminating, NeverFires,
// ScheduleWarning.
//
// Threads: any.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/event_recorder.h"
#include "runner/schedule_status.h"
#include "scheduler/decide.h"

namespace runner {

void announce_start(kube::EventRecorder& events, const nlohmann::json& schedule,
                    const scheduler::StartRun& run);
void announce_stop(kube::EventRecorder& events, const nlohmann::json& schedule,
                   const std::string& run);
// After the status was written. `known`: the schedule has been decided about before.
void announce_decision(kube::EventRecorder& events, const nlohmann::json& schedule,
                       const scheduler::Decision& decision, const Trouble& trouble, bool known,
                       const std::vector<std::string>& warnings);

}  // namespace runner
