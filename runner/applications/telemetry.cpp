#include "runner/applications/telemetry.h"

#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "runner/applications/submitter.h"

namespace runner::applications {
namespace {

using nlohmann::json;

std::map<std::string, std::string> labels_of(const json& object) {
  std::map<std::string, std::string> labels;
  const json* found = base::find(object, {"metadata", "labels"});
  if (found == nullptr || !found->is_object()) return labels;
  for (const auto& [name, value] : found->items())
    if (value.is_string()) labels.emplace(name, value.get<std::string>());
  return labels;
}

std::optional<base::WallTime> slot_of(const json& run) {
  return is_by_hand(run) ? std::nullopt : scheduled_time(run);
}

ApplicationReport facts_of(const Application& app, const json& object,
                           const ApplicationStatus& status) {
  return {.key = app.key,
          .uid = app.uid,
          .labels = labels_of(object),
          .state = std::string(to_string(status.state)),
          .created = app.created,
          .slot = slot_of(object),
          .submitted = status.last_submission,
          .running_since = status.driver_started,
          .ended = status.terminated,
          .execution_attempts = static_cast<int>(status.execution_attempts)};
}

// The phase that an entry of status.executorState was written for.
std::string phase_of(const std::string& state) {
  if (state == "PENDING") return "Pending";
  if (state == "RUNNING") return "Running";
  if (state == "COMPLETED") return "Succeeded";
  if (state == "FAILED") return "Failed";
  return state.empty() ? "" : "Unknown";
}

}  // namespace

ApplicationTelemetry::ApplicationTelemetry(Telemetry* to) : to_(to) {}

ApplicationTelemetry::Known ApplicationTelemetry::known(const kube::ObjectKey& key) const {
  base::MutexLock lock(mutex_);
  const auto found = known_.find(key);
  return found == known_.end() ? Known{} : found->second;
}

void ApplicationTelemetry::written(const Application& app, const json& object,
                                   const ApplicationStatus& status, const kube::Cache& cache) {
  if (to_ == nullptr) return;
  Known mine = known(app.key);
  std::string before = mine.state;
  if (mine.uid != app.uid) {
    // Deleted and made again under the same name.
    if (!mine.uid.empty()) gone(app.key);
    mine = {.uid = app.uid, .state = {}, .executors = {}};
    before = to_string(app.status.state);
  }
  const ApplicationReport facts = facts_of(app, object, status);
  to_->application_changed(facts, before);
  mine.state = facts.state;
  report_executors(mine, app, cache);
  base::MutexLock lock(mutex_);
  known_[app.key] = std::move(mine);
}

void ApplicationTelemetry::seen(const Application& app, const json& object,
                                const kube::Cache& cache) {
  if (to_ == nullptr) return;
  Known mine = known(app.key);
  if (mine.uid != app.uid) {
    written(app, object, app.status, cache);
    return;
  }
  report_executors(mine, app, cache);
  base::MutexLock lock(mutex_);
  known_[app.key] = std::move(mine);
}

void ApplicationTelemetry::gone(const kube::ObjectKey& key) {
  if (to_ == nullptr) return;
  const Known mine = known(key);
  if (mine.uid.empty()) return;
  for (const auto& [uid, phase] : mine.executors)
    to_->executor_gone(uid);
  to_->application_gone(mine.uid);
  base::MutexLock lock(mutex_);
  known_.erase(key);
}

void ApplicationTelemetry::report_executors(Known& known, const Application& app,
                                            const kube::Cache& cache) {
  std::map<std::string, std::string> now;
  for (const auto& pod : executors_of(cache, app)) {
    const ExecutorReport facts{.pod_uid = kube::uid_of(*pod),
                               .pod = kube::key_of(*pod),
                               .labels = labels_of(*pod),
                               .phase = phase_of(executor_state(*pod))};
    std::string before;
    if (const auto mine = known.executors.find(facts.pod_uid); mine != known.executors.end()) {
      before = mine->second;
    } else if (const auto stood = app.status.executor_state.find(facts.pod.name);
               stood != app.status.executor_state.end()) {
      before = phase_of(stood->second);
    }
    to_->executor_changed(facts, before);
    now[facts.pod_uid] = facts.phase;
  }
  for (const auto& [uid, phase] : known.executors)
    if (!now.contains(uid)) to_->executor_gone(uid);
  known.executors = std::move(now);
}

}  // namespace runner::applications
