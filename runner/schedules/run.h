#pragma once

// schedule_run: the SparkApplication that a schedule creates for a slot, and how such a run is
// recognised and read again.
//
// A run belongs to a schedule by the UID in its ownerReference, never by its labels alone. Those of
// the Kubeflow operator are runs like ours: they count towards limits and policies, as if by hand.
// Threads: pure.

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "runner/run_recorder.h"
#include "scheduler/decide.h"

namespace runner::schedules {

// A driver pod's name that the template gives is made unique for each run: two runs cannot have one
// pod, and the pod of the run before is kept for its log.
nlohmann::json build_run(const nlohmann::json& schedule, const scheduler::Schedule& compiled,
                         const scheduler::StartRun& start);

// A run that a slot at `now` would be given: for dry runs, before there is a slot.
nlohmann::json trial_run(const nlohmann::json& schedule, const scheduler::Spec& spec,
                         base::WallTime now);

// What people should know of it; "" if the template names no driver pod.
std::string about_pod_name(const nlohmann::json& schedule);

// A run as decisions and the status see it.
struct ScheduleRun {
  scheduler::ObservedRun observed;
  std::string state;  // the peer's name; "" = not seen by the application controller yet
  std::string message;
  std::string resource_version;
  std::optional<base::WallTime> started;
  std::optional<base::WallTime> ended;
};
ScheduleRun read_run(const nlohmann::json& application);
// Of a run whose object is gone: what was recorded of it.
ScheduleRun read_run(const RunRecord& record);

// Whose a run is.
enum class Ownership {
  Ours,
  Namesake,  // of a deleted schedule of the same name: garbage collection will take it
  Other,
};
Ownership ownership(const nlohmann::json& application, const nlohmann::json& schedule);

// Whether a driver pod may have a live Spark process.
bool driver_alive(const nlohmann::json& pod);

}  // namespace runner::schedules
