#include "runner/application.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "base/saturating.h"
#include "config/names.h"
#include "kube/api.h"
#include "runner/failure.h"
#include "runner/spec_hash.h"

namespace runner {
namespace {

using base::integer_at;
using base::string_at;
using nlohmann::json;

constexpr std::array<std::pair<AppState, std::string_view>, 14> kStates{{
    {AppState::New, ""},
    {AppState::Submitted, "SUBMITTED"},
    {AppState::Running, "RUNNING"},
    {AppState::Completed, "COMPLETED"},
    {AppState::Failed, "FAILED"},
    {AppState::SubmissionFailed, "SUBMISSION_FAILED"},
    {AppState::PendingRerun, "PENDING_RERUN"},
    {AppState::Invalidating, "INVALIDATING"},
    {AppState::Succeeding, "SUCCEEDING"},
    {AppState::Failing, "FAILING"},
    {AppState::Suspending, "SUSPENDING"},
    {AppState::Suspended, "SUSPENDED"},
    {AppState::Resuming, "RESUMING"},
    {AppState::Unknown, "UNKNOWN"},
}};

std::optional<base::WallTime> time_at(const json& object,
                                      std::initializer_list<std::string_view> path) {
  const auto time = base::parse_rfc3339(string_at(object, path));
  return time ? std::optional(*time) : std::nullopt;
}

std::optional<std::chrono::seconds> seconds_at(const json& object,
                                               std::initializer_list<std::string_view> path) {
  const auto value = integer_at(object, path);
  return value ? std::optional(base::saturating_seconds(*value)) : std::nullopt;
}

RestartPolicy read_restart_policy(const json& object) {
  RestartPolicy policy;
  const std::string type = string_at(object, {"spec", "restartPolicy", "type"});
  if (type == "OnFailure") policy.type = RestartPolicy::Type::OnFailure;
  if (type == "Always") policy.type = RestartPolicy::Type::Always;
  policy.on_submission_failure_retries =
      integer_at(object, {"spec", "restartPolicy", "onSubmissionFailureRetries"});
  policy.on_failure_retries = integer_at(object, {"spec", "restartPolicy", "onFailureRetries"});
  policy.on_submission_failure_interval =
      seconds_at(object, {"spec", "restartPolicy", "onSubmissionFailureRetryInterval"})
          .value_or(policy.on_submission_failure_interval);
  policy.on_failure_interval =
      seconds_at(object, {"spec", "restartPolicy", "onFailureRetryInterval"})
          .value_or(policy.on_failure_interval);
  return policy;
}

json time_or_null(const std::optional<base::WallTime>& time) {
  if (!time) return nullptr;
  return base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(*time));
}

const json* spark_container_status(const json& pod, std::string_view name) {
  const json* statuses = base::find(pod, {"status", "containerStatuses"});
  if (statuses == nullptr || !statuses->is_array()) return nullptr;
  for (const json& status : *statuses) {
    if (string_at(status, {"name"}) == name) return &status;
  }
  return nullptr;
}

const json& container_statuses(const json& pod, const char* list) {
  static const json kNone = json::array();
  const json* statuses = base::find(pod, {"status", list});
  return statuses != nullptr && statuses->is_array() ? *statuses : kNone;
}

// "init container fetch failed with exit code 3: no such bucket"; "" = none did.
std::string init_failure(const json& pod) {
  for (const json& status : container_statuses(pod, "initContainerStatuses")) {
    const json* ended = base::find(status, {"state", "terminated"});
    const int64_t code = ended == nullptr ? 0 : integer_at(*ended, {"exitCode"}).value_or(0);
    if (code == 0) continue;
    return told_with_log("init container " + string_at(status, {"name"}) + " " +
                             exit_in_words(code, string_at(*ended, {"reason"})),
                         string_at(*ended, {"message"}));
  }
  return {};
}

// Of a container that waits for something which may never come.
std::string why_container_waits(const json& status) {
  const std::string reason = string_at(status, {"state", "waiting", "reason"});
  const std::string message = string_at(status, {"state", "waiting", "message"});
  // The ordinary course of things.
  if (message.empty() && (reason == "ContainerCreating" || reason == "PodInitializing")) return {};
  return message.empty() ? reason : reason + ": " + message;
}

const json* condition_of(const json& pod, std::string_view type) {
  const json* conditions = base::find(pod, {"status", "conditions"});
  if (conditions == nullptr || !conditions->is_array()) return nullptr;
  const auto found = std::find_if(conditions->begin(), conditions->end(), [&](const json& one) {
    return string_at(one, {"type"}) == type;
  });
  return found == conditions->end() ? nullptr : &*found;
}

// What keeps a pending pod from starting, in the words of whoever said it.
std::string why_waiting(const json& pod) {
  if (const json* scheduled = condition_of(pod, "PodScheduled");
      scheduled != nullptr && string_at(*scheduled, {"status"}) == "False") {
    return string_at(*scheduled, {"reason"}) + ": " + string_at(*scheduled, {"message"});
  }
  if (const json* driver = spark_container_status(pod, config::kDriverContainer)) {
    if (std::string why = why_container_waits(*driver); !why.empty()) return why;
  }
  for (const char* list : {"initContainerStatuses", "containerStatuses"}) {
    for (const json& status : container_statuses(pod, list)) {
      if (const std::string why = why_container_waits(status); !why.empty())
        return "container " + string_at(status, {"name"}) + ": " + why;
    }
  }
  return {};
}

// Why Kubernetes takes the pod away; "" while it does not.
std::string disruption_of(const json& pod) {
  const json* target = condition_of(pod, "DisruptionTarget");
  if (target == nullptr || string_at(*target, {"status"}) != "True") return {};
  return pod_end_in_words(string_at(*target, {"reason"}), string_at(*target, {"message"}));
}

// A kubelet gives Ready and ContainersReady the same value. That the node controller has changed
// one of them is how a pod tells that its node is heard of no more.
bool node_is_silent(const json& pod) {
  const json* gates = base::find(pod, {"spec", "readinessGates"});
  const json* ready = condition_of(pod, "Ready");
  const json* containers = condition_of(pod, "ContainersReady");
  return (gates == nullptr || gates->empty()) && ready != nullptr && containers != nullptr &&
         string_at(*ready, {"status"}) == "False" && string_at(*containers, {"status"}) == "True";
}

std::string why_in_doubt(const json& pod) {
  if (std::string why = disruption_of(pod); !why.empty()) return why;
  if (!node_is_silent(pod)) return {};
  return "the driver's node " + string_at(pod, {"spec", "nodeName"}) +
         " is not ready, and does not say how the driver is";
}

ObservedDriver::Phase parse_phase(std::string_view phase) {
  if (phase == "Running") return ObservedDriver::Phase::Running;
  if (phase == "Succeeded") return ObservedDriver::Phase::Succeeded;
  if (phase == "Failed") return ObservedDriver::Phase::Failed;
  if (phase == "Unknown") return ObservedDriver::Phase::Unknown;
  return ObservedDriver::Phase::Pending;
}

}  // namespace

std::string_view to_string(AppState state) {
  for (const auto& [value, name] : kStates) {
    if (value == state) return name;
  }
  return "UNKNOWN";
}

AppState parse_app_state(std::string_view text) {
  for (const auto& [value, name] : kStates) {
    if (name == text) return value;
  }
  return AppState::Unknown;
}

ApplicationStatus read_status(const json& object) {
  ApplicationStatus status;
  const json* found = base::find(object, {"status"});
  if (found == nullptr || !found->is_object()) return status;
  const json& from = *found;
  status.state = parse_app_state(string_at(from, {"applicationState", "state"}));
  status.error_message = string_at(from, {"applicationState", "errorMessage"});
  status.stop_reason = string_at(from, {"stopReason"});
  status.app_id = string_at(from, {"sparkApplicationId"});
  status.submission_id = string_at(from, {"submissionID"});
  status.spec_hash = string_at(from, {"specHash"});
  status.restart_hash = string_at(from, {"restartHash"});
  status.observed_generation = integer_at(from, {"observedGeneration"}).value_or(0);
  status.execution_attempts = integer_at(from, {"executionAttempts"}).value_or(0);
  status.submission_attempts = integer_at(from, {"submissionAttempts"}).value_or(0);
  status.failures_in_a_row = integer_at(from, {"failuresInARow"}).value_or(0);
  status.executor_failures = integer_at(from, {"executorFailures"}).value_or(0);
  status.last_submission = time_at(from, {"lastSubmissionAttemptTime"});
  status.not_submitted_since = time_at(from, {"notSubmittedSince"});
  status.driver_started = time_at(from, {"driverStartTime"});
  status.terminated = time_at(from, {"terminationTime"});
  status.driver_pod = string_at(from, {"driverInfo", "podName"});
  status.web_ui_address = string_at(from, {"driverInfo", "webUIAddress"});
  status.web_ui = {.service = string_at(from, {"driverInfo", "webUIServiceName"}),
                   .port = integer_at(from, {"driverInfo", "webUIPort"}).value_or(0),
                   .ingress = string_at(from, {"driverInfo", "webUIIngressName"}),
                   .ingress_address = string_at(from, {"driverInfo", "webUIIngressAddress"})};
  status.driver_exit_code = integer_at(from, {"driverExitCode"});
  const json* executors = base::find(from, {"executorState"});
  if (executors != nullptr && executors->is_object()) {
    for (const auto& [name, state] : executors->items()) {
      if (state.is_string()) status.executor_state[name] = state.get<std::string>();
    }
  }
  return status;
}

Application read_application(const json& object) {
  Application app;
  app.key = kube::key_of(object);
  app.uid = kube::uid_of(object);
  app.generation = integer_at(object, {"metadata", "generation"}).value_or(0);
  app.created = kube::created_at(object).value_or(base::WallTime{});
  app.deleting = kube::is_deleting(object);
  app.has_finalizer = kube::has_finalizer(object, config::kRunFinalizer);
  app.suspend = base::bool_at(object, {"spec", "suspend"}).value_or(false);
  app.spec_hash = spec_hash(object);
  app.restart_hash = restart_hash(object);
  app.restart = read_restart_policy(object);
  app.time_to_live = seconds_at(object, {"spec", "timeToLiveSeconds"});
  app.pending_deadline = seconds_at(object, {"spec", "pendingDeadlineSeconds"});
  app.active_deadline = seconds_at(object, {"spec", "activeDeadlineSeconds"});
  app.status = read_status(object);
  return app;
}

std::optional<base::WallTime> scheduled_time(const json& run) {
  const auto slot = base::parse_rfc3339(
      string_at(run, {"metadata", "annotations", config::kScheduledTimeAnnotation}));
  if (!slot) return std::nullopt;
  return base::WallTime(*slot);
}

bool is_by_hand(const json& run) {
  return !string_at(run, {"metadata", "annotations", config::kManualRunAnnotation}).empty();
}

json write_status(const ApplicationStatus& status) {
  json to = json::object();
  to["applicationState"]["state"] = to_string(status.state);
  if (!status.error_message.empty()) {
    to["applicationState"]["errorMessage"] = status.error_message;
    to["reason"] = one_line(status.error_message);
  }
  if (!status.stop_reason.empty()) to["stopReason"] = status.stop_reason;
  if (status.not_submitted_since)
    to["notSubmittedSince"] = time_or_null(status.not_submitted_since);
  if (!status.app_id.empty()) to["sparkApplicationId"] = status.app_id;
  if (!status.submission_id.empty()) to["submissionID"] = status.submission_id;
  if (!status.spec_hash.empty()) to["specHash"] = status.spec_hash;
  if (!status.restart_hash.empty()) to["restartHash"] = status.restart_hash;
  to["observedGeneration"] = status.observed_generation;
  to["executionAttempts"] = status.execution_attempts;
  to["submissionAttempts"] = status.submission_attempts;
  to["lastSubmissionAttemptTime"] = time_or_null(status.last_submission);
  to["terminationTime"] = time_or_null(status.terminated);
  // To the millisecond: deadlines and the ledger count from it.
  if (status.driver_started)
    to["driverStartTime"] = base::format_rfc3339_micro(*status.driver_started);
  if (status.driver_exit_code) to["driverExitCode"] = *status.driver_exit_code;
  if (!status.driver_pod.empty()) to["driverInfo"]["podName"] = status.driver_pod;
  if (!status.web_ui_address.empty()) to["driverInfo"]["webUIAddress"] = status.web_ui_address;
  if (status.failures_in_a_row > 0) to["failuresInARow"] = status.failures_in_a_row;
  if (status.executor_failures > 0) to["executorFailures"] = status.executor_failures;
  const WebUi& ui = status.web_ui;
  if (!ui.service.empty()) to["driverInfo"]["webUIServiceName"] = ui.service;
  if (ui.port != 0) to["driverInfo"]["webUIPort"] = ui.port;
  if (!ui.ingress.empty()) to["driverInfo"]["webUIIngressName"] = ui.ingress;
  if (!ui.ingress_address.empty()) to["driverInfo"]["webUIIngressAddress"] = ui.ingress_address;
  if (!status.executor_state.empty()) to["executorState"] = status.executor_state;
  return to;
}

ObservedDriver read_driver(const json& pod) {
  ObservedDriver driver;
  driver.name = kube::key_of(pod).name;
  driver.uid = kube::uid_of(pod);
  driver.phase = parse_phase(string_at(pod, {"status", "phase"}));
  driver.deleting = kube::is_deleting(pod);
  driver.submission_id = string_at(pod, {"metadata", "labels", config::kSubmissionIdLabel});
  driver.spec_hash = string_at(pod, {"metadata", "annotations", config::kSpecHashAnnotation});
  if (auto owner = kube::controller_of(pod)) driver.owner_uid = std::move(owner->uid);
  driver.pod_ip = string_at(pod, {"status", "podIP"});
  if (driver.phase == ObservedDriver::Phase::Pending) driver.waiting = why_waiting(pod);
  if (driver.phase == ObservedDriver::Phase::Failed) {
    driver.pod_failure = pod_end_in_words(string_at(pod, {"status", "reason"}),
                                          string_at(pod, {"status", "message"}));
    if (driver.pod_failure.empty()) driver.pod_failure = disruption_of(pod);
    if (driver.pod_failure.empty()) driver.pod_failure = init_failure(pod);
  }
  const json* container = spark_container_status(pod, config::kDriverContainer);
  const bool over = container != nullptr && base::find(*container, {"state", "terminated"});
  if (!over && !has_ended(driver)) driver.in_doubt = why_in_doubt(pod);
  if (container == nullptr) return driver;
  driver.started = time_at(*container, {"state", "running", "startedAt"});
  const json* terminated = base::find(*container, {"state", "terminated"});
  if (terminated == nullptr) return driver;
  driver.started = time_at(*terminated, {"startedAt"});
  driver.termination =
      DriverTermination{.exit_code = integer_at(*terminated, {"exitCode"}).value_or(-1),
                        .reason = string_at(*terminated, {"reason"}),
                        .message = string_at(*terminated, {"message"}),
                        .finished = time_at(*terminated, {"finishedAt"})};
  return driver;
}

std::string executor_state(const json& pod) {
  switch (parse_phase(string_at(pod, {"status", "phase"}))) {
    case ObservedDriver::Phase::Pending:
      return "PENDING";
    case ObservedDriver::Phase::Running:
      return "RUNNING";
    case ObservedDriver::Phase::Succeeded:
      return "COMPLETED";
    case ObservedDriver::Phase::Failed:
      return "FAILED";
    case ObservedDriver::Phase::Unknown:
      return "UNKNOWN";
  }
  return "UNKNOWN";
}

std::string executor_failure(const json& pod) {
  // Who ended it ("Evicted") says more than how it went down.
  const std::string reason = string_at(pod, {"status", "reason"});
  if (!reason.empty()) return "failed (" + reason + ")";
  for (const json& status : container_statuses(pod, "containerStatuses")) {
    const json* ended = base::find(status, {"state", "terminated"});
    const int64_t code = ended == nullptr ? 0 : integer_at(*ended, {"exitCode"}).value_or(0);
    if (code != 0) return exit_in_words(code, string_at(*ended, {"reason"}));
  }
  return "failed";
}

bool has_ended(const ObservedDriver& driver) {
  return driver.termination || driver.phase == ObservedDriver::Phase::Succeeded ||
         driver.phase == ObservedDriver::Phase::Failed;
}

}  // namespace runner
