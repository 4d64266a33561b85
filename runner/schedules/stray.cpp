#include "runner/schedules/stray.h"

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/object.h"
#include "runner/application.h"
#include "runner/schedules/state.h"

namespace runner::schedules {

bool is_stray(const nlohmann::json& schedule, const nlohmann::json& run) {
  const auto owner = kube::controller_of(run);
  const auto slot = scheduled_time(run);
  const bool by_hand = is_by_hand(run);
  if (!owner || owner->uid != kube::uid_of(schedule) || !slot) return false;
  const nlohmann::json* status = base::find(schedule, {"status"});
  const auto state = status == nullptr ? std::nullopt : read_schedule_state(*status);
  if (!state) return false;
  const auto second = std::chrono::floor<std::chrono::seconds>(*slot);
  const auto& pending = state->decided.pending_trigger;
  const bool counted =
      by_hand ? !pending || pending->at != second : state->decided.has_counted(second);
  if (!counted) return false;
  const auto& tracked = state->decided.tracked;
  return std::none_of(tracked.begin(), tracked.end(), [&](const scheduler::TrackedRun& one) {
    return one.uid == kube::uid_of(run);
  });
}

}  // namespace runner::schedules
