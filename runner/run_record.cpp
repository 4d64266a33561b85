#include "runner/run_record.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "kube/object.h"

namespace runner {

using nlohmann::json;

RunRecord run_record(const json& application, const ApplicationStatus& status) {
  RunRecord run;
  const kube::ObjectKey key = kube::key_of(application);
  if (const auto owner = kube::owner_of_kind(application, config::kScheduleKind)) {
    run.schedule.name = owner->name;
    run.schedule_uid = owner->uid;
  }
  // A run of its own still has a namespace to be found by.
  run.schedule.ns = key.ns;
  run.name = key.name;
  run.uid = kube::uid_of(application);
  run.slot = scheduled_time(application);
  run.manual = is_by_hand(application);
  run.created = kube::created_at(application).value_or(base::WallTime{});
  run.submitted = status.last_submission;
  run.started = status.driver_started;
  if (is_final(status.state)) run.ended = status.terminated;
  run.state = to_string(status.state);
  run.attempts = static_cast<int>(status.execution_attempts);
  if (status.driver_exit_code) run.exit_code = static_cast<int>(*status.driver_exit_code);
  run.message = status.error_message;
  run.app_id = status.app_id;
  // A final state's executors are those of a driver that is gone.
  if (!is_final(status.state))
    run.executors = static_cast<int>(
        std::count_if(status.executor_state.begin(), status.executor_state.end(),
                      [](const auto& executor) { return executor.second == "RUNNING"; }));
  return run;
}

Origin origin_of(const RunRecord& run) {
  constexpr std::chrono::minutes kLate{1};
  if (run.manual) return Origin::Trigger;
  if (run.schedule.name.empty() || !run.slot) return Origin::Own;
  return run.created - *run.slot >= kLate ? Origin::CatchUp : Origin::Slot;
}

const char* to_string(Origin origin) {
  switch (origin) {
    case Origin::Own:
      return "own";
    case Origin::Slot:
      return "slot";
    case Origin::CatchUp:
      return "catch-up";
    case Origin::Trigger:
      return "trigger";
  }
  return "own";
}

RunRecord run_record(const json& application) {
  return run_record(application, read_status(application));
}

}  // namespace runner
