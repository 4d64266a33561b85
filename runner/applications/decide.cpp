#include "runner/applications/decide.h"

#include <algorithm>

namespace runner::applications {
namespace {

using base::WallTime;
using std::chrono::seconds;

// status must fit into an object whatever dynamic allocation does (peer issue 2025).
constexpr size_t kMaxTrackedExecutors = 1000;
constexpr seconds kLongestDelay{600};
constexpr seconds kHealthyRun{600};

class Decider {
 public:
  Decider(WallTime now, const Application& app, const ObservedPods& observed, SubmissionIdOf id_of)
      : now_(now), app_(app), observed_(observed), id_of_(id_of) {
    decision_.status = app.status;
  }

  ApplicationDecision run() {
    if (app_.deleting) {
      on_deleting();
    } else if (is_final(app_.status.state)) {
      on_final();
    } else if (app_.suspend) {
      on_suspend();
    } else {
      on_wanted();
    }
    status().observed_generation = app_.generation;
    return std::move(decision_);
  }

 private:
  ApplicationStatus& status() { return decision_.status; }
  template <class Action>
  void act(Action action) {
    decision_.actions.emplace_back(std::move(action));
  }

  // A pod of that name that somebody else owns is not our driver.
  const ObservedDriver* driver() const {
    if (!observed_.driver || observed_.driver->owner_uid != app_.uid) return nullptr;
    return &*observed_.driver;
  }
  bool driver_lives() const { return driver() != nullptr && !has_ended(*driver()); }

  // The pod's own deletion wakes us again, so there is nothing to poll.
  void stop_driver() {
    if (!driver()->deleting) act(DeleteDriver{});
  }

  void on_deleting() {
    if (!app_.has_finalizer) return;
    if (is_final(app_.status.state)) return act(RemoveFinalizer{});
    if (driver_lives()) return stop_driver();
    if (driver() != nullptr && driver()->termination) take_termination(*driver()->termination);
    const bool succeeded = driver() != nullptr && driver_succeeded(*driver());
    finish(succeeded ? AppState::Completed : AppState::Failed,
           succeeded ? "" : "stopped: the application was deleted");
  }

  void on_final() {
    if (spec_changed()) return invalidate();
    // The final status is recorded before it is written, so nothing needs the object any longer.
    if (app_.has_finalizer) return act(RemoveFinalizer{});
    if (!app_.time_to_live) return;
    const WallTime expires =
        status().terminated.value_or(now_) + std::max(*app_.time_to_live, seconds{0});
    if (expires <= now_) return act(DeleteApplication{});
    decision_.wake_at = expires;
  }

  void on_suspend() {
    if (driver_lives()) {
      status().state = AppState::Suspending;
      return stop_driver();
    }
    if (app_.status.state == AppState::Suspended) return;
    if (app_.status.state == AppState::New) {
      status().state = AppState::Suspended;
      return;
    }
    // A driver that ended by itself before it could be stopped has its own outcome.
    if (driver() != nullptr && app_.status.state != AppState::Suspending && !driver()->deleting)
      return on_wanted();
    if (driver() != nullptr) return stop_driver();
    act(CleanUp{});
    forget_attempt();
    status().state = AppState::Suspended;
  }

  void on_wanted() {
    switch (app_.status.state) {
      case AppState::New:
      case AppState::Suspended:
      case AppState::Suspending:
      case AppState::Resuming:
        return submit_when_clear({app_.status.execution_attempts + 1, 1});
      case AppState::SubmissionFailed:
        return retry_submission();
      case AppState::PendingRerun:
      case AppState::Invalidating:
        return rerun();
      case AppState::Submitted:
      case AppState::Running:
      case AppState::Succeeding:
      case AppState::Failing:
      case AppState::Unknown:
        if (spec_changed()) return invalidate();
        return follow_driver();
      case AppState::Completed:
      case AppState::Failed:
        return;
    }
  }

  bool spec_changed() const {
    return !app_.status.spec_hash.empty() && app_.status.spec_hash != app_.spec_hash;
  }

  void invalidate() {
    if (driver() != nullptr) stop_driver();
    act(CleanUp{});
    forget_attempt();
    status().state = AppState::Invalidating;
    status().execution_attempts = 0;
    status().submission_attempts = 0;
    status().error_message.clear();
    status().spec_hash = app_.spec_hash;
  }

  // A new attempt starts only when no process of an old one lives: one driver at a time.
  void submit_when_clear(const Attempt& attempt) {
    if (driver() != nullptr && driver()->submission_id != id_of_(app_.uid, attempt))
      return stop_driver();
    if (!app_.has_finalizer) act(AddFinalizer{});
    act(Submit{attempt});
  }

  void retry_submission() {
    const int64_t tried = app_.status.submission_attempts;
    const bool again = may_retry(app_.restart.on_submission_failure_retries, tried);
    if (!again) return finish(AppState::Failed, app_.status.error_message);
    const WallTime due =
        app_.status.last_submission.value_or(now_) +
        retry_delay(app_.restart.on_submission_failure_interval, tried, std::nullopt);
    if (due > now_) {
      decision_.wake_at = due;
      return;
    }
    submit_when_clear({std::max<int64_t>(app_.status.execution_attempts, 1), tried + 1});
  }

  void rerun() {
    const Attempt next{app_.status.execution_attempts + 1, 1};
    const bool ours_already =
        driver() != nullptr && driver()->submission_id == id_of_(app_.uid, next);
    if (driver() != nullptr && !ours_already) return stop_driver();
    const WallTime due = rerun_due();
    if (due > now_ && !ours_already) {
      decision_.wake_at = due;
      return;
    }
    submit_when_clear(next);
  }

  WallTime rerun_due() const {
    if (app_.status.state == AppState::Invalidating || app_.status.error_message.empty() ||
        !app_.status.terminated) {
      return now_;
    }
    std::optional<std::chrono::milliseconds> ran;
    if (app_.status.driver_started) ran = *app_.status.terminated - *app_.status.driver_started;
    return *app_.status.terminated +
           retry_delay(app_.restart.on_failure_interval, app_.status.execution_attempts, ran);
  }

  void follow_driver() {
    track_executors();
    if (driver() == nullptr) {
      return end_attempt(false,
                         being_stopped() ? app_.status.error_message : "driver pod not found");
    }
    const ObservedDriver& pod = *driver();
    status().driver_started = pod.started ? pod.started : status().driver_started;
    if (!pod.pod_ip.empty()) status().web_ui_address = pod.pod_ip + ":4040";
    if (has_ended(pod)) {
      if (pod.termination) take_termination(*pod.termination);
      return end_attempt(driver_succeeded(pod), failure_message(pod));
    }
    switch (pod.phase) {
      case ObservedDriver::Phase::Pending:
        return while_pending(pod);
      case ObservedDriver::Phase::Running:
        return while_running();
      case ObservedDriver::Phase::Unknown:
        status().state = AppState::Unknown;
        return;
      case ObservedDriver::Phase::Succeeded:
      case ObservedDriver::Phase::Failed:
        return;
    }
  }

  void while_pending(const ObservedDriver& pod) {
    status().state = AppState::Submitted;
    enforce_deadline(app_.pending_deadline, app_.status.last_submission.value_or(now_),
                     "driver did not start within ", pod.waiting);
  }

  void while_running() {
    status().state = AppState::Running;
    enforce_deadline(app_.active_deadline,
                     status().driver_started.value_or(app_.status.last_submission.value_or(now_)),
                     "ran longer than ", "");
  }

  // The outcome is written only when the process is gone: until then the run counts as unfinished.
  void enforce_deadline(const std::optional<seconds>& allowed, WallTime since, const char* what,
                        const std::string& detail) {
    if (being_stopped()) return stop_driver();
    if (!allowed) return;
    if (since + *allowed > now_) {
      decision_.wake_at = since + *allowed;
      return;
    }
    stop_driver();
    status().error_message = what + std::to_string(allowed->count()) + " s" +
                             (detail.empty() ? "" : " (" + detail + ")");
  }

  // An unfinished attempt with an error is one that a deadline has ended.
  bool being_stopped() const { return !app_.status.error_message.empty(); }

  static bool driver_succeeded(const ObservedDriver& pod) {
    if (pod.termination) return pod.termination->exit_code == 0;
    return pod.phase == ObservedDriver::Phase::Succeeded;
  }

  std::string failure_message(const ObservedDriver& pod) const {
    if (driver_succeeded(pod)) return {};
    if (being_stopped()) return app_.status.error_message;
    if (!pod.termination) {
      return pod.pod_failure.empty() ? "driver container status missing"
                                     : "driver pod failed: " + pod.pod_failure;
    }
    std::string text =
        "driver container failed with ExitCode: " + std::to_string(pod.termination->exit_code) +
        ", Reason: " + pod.termination->reason;
    if (!pod.termination->message.empty()) text += ": " + pod.termination->message;
    return text;
  }

  void take_termination(const DriverTermination& termination) {
    status().driver_exit_code = termination.exit_code;
    status().terminated = termination.finished;
  }

  void end_attempt(bool succeeded, const std::string& message) {
    const bool again = succeeded ? app_.restart.type == RestartPolicy::Type::Always
                                 : !being_stopped() && may_retry(app_.restart.on_failure_retries,
                                                                 app_.status.execution_attempts);
    act(CleanUp{});
    if (!again) return finish(succeeded ? AppState::Completed : AppState::Failed, message);
    status().state = AppState::PendingRerun;
    status().error_message = message;
    status().submission_attempts = 0;
    if (!status().terminated) status().terminated = now_;
    decision_.wake_at = now_;
  }

  // The peer's counting: OnFailure without a number of retries never retries.
  bool may_retry(const std::optional<int64_t>& retries, int64_t attempts) const {
    switch (app_.restart.type) {
      case RestartPolicy::Type::Never:
        return false;
      case RestartPolicy::Type::Always:
        return true;
      case RestartPolicy::Type::OnFailure:
        return retries && attempts <= *retries;
    }
    return false;
  }

  void finish(AppState state, std::string message) {
    status().state = state;
    status().error_message = std::move(message);
    if (!status().terminated) status().terminated = now_;
    for (auto& [name, executor] : status().executor_state) {
      if (executor != "COMPLETED" && executor != "FAILED") {
        executor = state == AppState::Completed ? "COMPLETED" : "FAILED";
      }
    }
  }

  void forget_attempt() {
    status().terminated.reset();
    status().driver_started.reset();
    status().driver_exit_code.reset();
    status().web_ui_address.clear();
    status().executor_state.clear();
    status().app_id.clear();
    status().submission_id.clear();
  }

  void track_executors() {
    for (auto& [name, state] : status().executor_state) {
      if (!observed_.executors.contains(name) && state != "COMPLETED" && state != "FAILED")
        state = "UNKNOWN";
    }
    for (const auto& [name, state] : observed_.executors) {
      if (status().executor_state.size() >= kMaxTrackedExecutors &&
          !status().executor_state.contains(name)) {
        continue;
      }
      status().executor_state[name] = state;
    }
  }

  WallTime now_;
  const Application& app_;
  const ObservedPods& observed_;
  SubmissionIdOf id_of_;
  ApplicationDecision decision_;
};

void start_attempt(ApplicationStatus& status, WallTime now, const Attempt& attempt) {
  status.execution_attempts = attempt.execution;
  status.submission_attempts = attempt.submission;
  status.last_submission = now;
  status.terminated.reset();
  status.driver_started.reset();
  status.driver_exit_code.reset();
  status.web_ui_address.clear();
  status.executor_state.clear();
}

}  // namespace

ApplicationDecision decide(WallTime now, const Application& app, const ObservedPods& observed,
                           SubmissionIdOf submission_id_of) {
  return Decider(now, app, observed, submission_id_of).run();
}

ApplicationStatus after_submission(WallTime now, const Application& app, const Attempt& attempt,
                                   const SubmissionIds& ids) {
  ApplicationStatus status = app.status;
  start_attempt(status, now, attempt);
  status.state = AppState::Submitted;
  status.error_message.clear();
  status.app_id = ids.app_id;
  status.submission_id = ids.submission_id;
  status.driver_pod = ids.driver_pod;
  status.spec_hash = app.spec_hash;
  status.observed_generation = app.generation;
  return status;
}

ApplicationStatus after_refused_submission(WallTime now, const Application& app,
                                           const Attempt& attempt, const std::string& message) {
  ApplicationStatus status = app.status;
  start_attempt(status, now, attempt);
  status.state = AppState::SubmissionFailed;
  status.error_message = message;
  status.spec_hash = app.spec_hash;
  status.observed_generation = app.generation;
  return status;
}

std::vector<ApplicationEvent> events_of(const Application& app, const ApplicationStatus& after) {
  const std::string name = "SparkApplication " + app.key.name;
  const std::string why = after.error_message.empty() ? "" : ": " + after.error_message;
  if (after.state == app.status.state) return {};
  std::vector<ApplicationEvent> events;
  switch (after.state) {
    case AppState::Submitted:
      events.push_back(
          {false, "SparkApplicationSubmitted", name + " was submitted as " + after.driver_pod});
      break;
    case AppState::Running:
      events.push_back({false, "SparkDriverRunning", "Driver " + after.driver_pod + " is running"});
      break;
    case AppState::Completed:
      events.push_back(
          {false, "SparkDriverCompleted", "Driver " + after.driver_pod + " completed"});
      events.push_back({false, "SparkApplicationCompleted", name + " completed"});
      break;
    case AppState::Failed:
      if (!after.driver_pod.empty()) {
        const bool missing = after.error_message == "driver pod not found";
        events.push_back({true, missing ? "SparkDriverNotFound" : "SparkDriverFailed",
                          "Driver " + after.driver_pod + (missing ? " was not found" : " failed")});
      }
      events.push_back({true, "SparkApplicationFailed", name + " failed" + why});
      break;
    case AppState::SubmissionFailed:
      events.push_back(
          {true, "SparkApplicationSubmissionFailed", "Failed to submit " + name + why});
      break;
    case AppState::PendingRerun:
      events.push_back({true, "SparkApplicationPendingRerun", name + " will run again" + why});
      break;
    case AppState::Invalidating:
      events.push_back(
          {false, "SparkApplicationSpecChanged", name + " was changed and will run anew"});
      break;
    case AppState::Suspending:
      events.push_back({false, "SparkApplicationSuspending", name + " is being suspended"});
      break;
    case AppState::Suspended:
      events.push_back({false, "SparkApplicationSuspended", name + " is suspended"});
      break;
    case AppState::Unknown:
      events.push_back(
          {true, "SparkDriverUnknown", "The state of driver " + after.driver_pod + " is unknown"});
      break;
    case AppState::New:
    case AppState::Resuming:
    case AppState::Succeeding:
    case AppState::Failing:
      break;
  }
  return events;
}

seconds retry_delay(seconds interval, int64_t failures,
                    std::optional<std::chrono::milliseconds> ran_for) {
  const seconds cap = std::max(interval, kLongestDelay);
  if (ran_for && *ran_for >= kHealthyRun) return interval;
  seconds delay = interval;
  for (int64_t i = 1; i < failures && delay < cap; ++i)
    delay *= 2;
  return std::min(delay, cap);
}

}  // namespace runner::applications
