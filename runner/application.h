#pragma once

// Application: a SparkApplication as the controller's decisions see it, and the pods that belong to
// it. Plain values read from JSON; what is not decided here stays in the object.
//
// States and their names are the Kubeflow operator's, since other tools read them.
// Threads: plain values, pure functions.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "kube/resource_type.h"

namespace runner {

enum class AppState {
  New,
  Submitted,
  Running,
  Completed,
  Failed,
  SubmissionFailed,
  PendingRerun,
  Invalidating,
  Succeeding,
  Failing,
  Suspending,
  Suspended,
  Resuming,
  Unknown,
};

// "" for New, else "SUBMITTED", "SUBMISSION_FAILED", …
std::string_view to_string(AppState state);
// Unknown for what no version of ours or the peer's has written.
AppState parse_app_state(std::string_view text);
[[nodiscard]] inline bool is_final(AppState state) {
  return state == AppState::Completed || state == AppState::Failed;
}

struct RestartPolicy {
  enum class Type { Never, OnFailure, Always };
  Type type = Type::Never;
  std::optional<int64_t> on_submission_failure_retries;
  std::optional<int64_t> on_failure_retries;
  std::chrono::seconds on_submission_failure_interval{5};
  std::chrono::seconds on_failure_interval{5};
};

// What status says; written back whole.
// Where Spark's UI is found from outside of the run, as far as it was asked for.
struct WebUi {
  std::string service;
  int64_t port = 0;
  std::string ingress;
  std::string ingress_address;
  bool operator==(const WebUi&) const = default;
};

struct ApplicationStatus {
  AppState state = AppState::New;
  // Of a final state: why it failed. Before: why it is not submitted, or its driver not running,
  // yet.
  std::string error_message;
  // Set while a deadline ends the attempt, until its driver is gone.
  std::string stop_reason;
  std::string app_id;
  std::string submission_id;
  std::string spec_hash;     // of what was submitted; see Application::spec_hash
  std::string restart_hash;  // likewise; "" of what an earlier release has submitted
  int64_t observed_generation = 0;
  int64_t execution_attempts = 0;
  int64_t submission_attempts = 0;  // within the current execution
  int64_t failures_in_a_row = 0;    // runs that failed since one went well
  std::optional<base::WallTime> last_submission;
  // Since when submitting was refused, or waits for a name, without a success in between.
  std::optional<base::WallTime> not_submitted_since;
  std::optional<base::WallTime> driver_started;
  std::optional<base::WallTime> terminated;
  std::string driver_pod;
  std::string web_ui_address;
  WebUi web_ui;
  std::optional<int64_t> driver_exit_code;
  std::map<std::string, std::string> executor_state;
  int64_t executor_failures = 0;  // of the current execution, as far as they are tracked
  bool operator==(const ApplicationStatus&) const = default;
};

struct Application {
  kube::ObjectKey key;
  std::string uid;
  int64_t generation = 0;
  base::WallTime created;
  bool deleting = false;
  bool has_finalizer = false;  // ours: config::kRunFinalizer
  bool suspend = false;
  // runner::spec_hash. A finished application runs anew when it changes, which only counts if the
  // generation has changed too.
  std::string spec_hash;
  // runner::restart_hash. Where only the former has changed, a driver that runs goes on.
  std::string restart_hash;
  RestartPolicy restart;
  std::optional<std::chrono::seconds> time_to_live;
  std::optional<std::chrono::seconds> pending_deadline;
  std::optional<std::chrono::seconds> active_deadline;
  // The last moment for a driver to be created: of a schedule's startingDeadlineSeconds. Not in the
  // object; whoever knows the schedule fills it in.
  std::optional<base::WallTime> start_by;
  ApplicationStatus status;
};

// Never fails: the API server has validated the schema, and what is missing reads as its default.
Application read_application(const nlohmann::json& object);
// Of it the status alone, which costs no hash of the spec.
ApplicationStatus read_status(const nlohmann::json& object);

// The slot that a run was made for, or the moment of one by hand; nullopt: of no schedule.
std::optional<base::WallTime> scheduled_time(const nlohmann::json& run);
// Whether somebody asked for it, beside the schedule's slots.
bool is_by_hand(const nlohmann::json& run);

// The status subresource's body; the peer's fields keep the peer's meaning.
nlohmann::json write_status(const ApplicationStatus& status);

struct DriverTermination {
  int64_t exit_code = 0;
  std::string reason;
  std::string message;
  std::optional<base::WallTime> finished;
};

// The driver pod, as far as decisions care. A pod that is gone is no ObservedDriver at all.
struct ObservedDriver {
  enum class Phase { Pending, Running, Succeeded, Failed, Unknown };
  std::string name;
  std::string uid;
  Phase phase = Phase::Pending;
  bool deleting = false;
  std::string submission_id;  // of the attempt that made it
  std::string spec_hash;      // of the spec that it was made from
  std::string owner_uid;
  std::string pod_ip;
  // Why it does not start: unschedulable, image pull, missing ConfigMap; "" while nothing is wrong.
  std::string waiting;
  std::optional<base::WallTime> started;
  // Of the Spark container: it decides even while side cars go on.
  std::optional<DriverTermination> termination;
  // Of the pod, in words: evicted, its node lost, the init container that failed.
  std::string pod_failure;
  // Of one that has not ended: why it may never be heard of again; "" while nothing is wrong.
  std::string in_doubt;
};

ObservedDriver read_driver(const nlohmann::json& pod);
// Until it has, the pod may have a live Spark process: what Forbid, Replace and a retry wait for.
bool has_ended(const ObservedDriver& driver);
// "PENDING", "RUNNING", "COMPLETED", "FAILED" or "UNKNOWN", for status.executorState.
std::string executor_state(const nlohmann::json& pod);
// Of one that failed, in words: "was killed (exit code 137, SIGKILL)".
std::string executor_failure(const nlohmann::json& pod);

}  // namespace runner
