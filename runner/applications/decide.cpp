#include "runner/applications/decide.h"

#include <algorithm>

#include "base/saturating.h"
#include "runner/applications/events.h"
#include "runner/failure.h"
#include "runner/refusal.h"

namespace runner::applications {
namespace {

using base::WallTime;
using std::chrono::seconds;

// status must fit into an object whatever dynamic allocation does.
constexpr size_t kMaxTrackedExecutors = 1000;
constexpr seconds kHealthyRun{600};
// By how many refused tries a cache may lag.
constexpr int64_t kTriesInDoubt = 16;

class ApplicationDecider {
 public:
  ApplicationDecider(WallTime now, const Application& app, const ObservedPods& observed,
                     SubmissionIdOf id_of)
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
    if (!was_edited() && !status().spec_hash.empty()) note_hashes();
    status().observed_generation = app_.generation;
    status().error_message = bounded(std::move(status().error_message));
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
    if (!driver()->deleting) return act(DeleteDriver{});
    // It may never go by itself; whoever waits for it should know.
    if (driver()->in_doubt.empty()) return;
    std::string& told = status().error_message;
    told = (deadline_passed() ? app_.status.stop_reason + "; " : "") + driver()->in_doubt;
  }

  void on_deleting() {
    if (!app_.has_finalizer) return;
    if (is_final(app_.status.state)) return act(RemoveFinalizer{});
    if (driver_lives()) return stop_driver();
    if (driver() != nullptr && driver()->termination) take_termination(*driver()->termination);
    const bool succeeded = driver() != nullptr && driver_succeeded(*driver());
    act(CleanUp{});
    finish(succeeded ? AppState::Completed : AppState::Failed,
           succeeded ? "" : "stopped: the application was deleted");
  }

  void on_final() {
    if (spec_changed()) return invalidate();
    // It came when all was over, and would wait for its ConfigMap forever.
    if (driver_lives() && driver()->phase == ObservedDriver::Phase::Pending) return stop_driver();
    // The final status is recorded before it is written, so nothing needs the object any longer.
    if (app_.has_finalizer) return act(RemoveFinalizer{});
    if (!app_.time_to_live) return;
    const WallTime expires = base::saturating_add(status().terminated.value_or(now_),
                                                  std::max(*app_.time_to_live, seconds{0}));
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
      forget_attempt();
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
        if (spec_changed()) return invalidate();
        return retry_submission();
      case AppState::PendingRerun:
        if (spec_changed()) return invalidate();
        return rerun();
      case AppState::Invalidating:
        return rerun();
      case AppState::Submitted:
      case AppState::Running:
      case AppState::Succeeding:
      case AppState::Failing:
      case AppState::Unknown:
        if (spec_changed() && !only_placement_changed()) return invalidate();
        if (spec_changed()) place_executors();
        return follow_driver();
      case AppState::Completed:
      case AppState::Failed:
        return;
    }
  }

  // An unchanged generation means that nobody has written the spec, whatever a newer CRD shows in
  // it or no longer shows. Its hash is then the one to compare the next edit with.
  bool was_edited() const { return app_.status.observed_generation != app_.generation; }
  bool spec_changed() const {
    return was_edited() && !app_.status.spec_hash.empty() &&
           app_.status.spec_hash != app_.spec_hash;
  }

  bool only_placement_changed() const {
    return !app_.restart_hash.empty() && app_.status.restart_hash == app_.restart_hash;
  }

  // Of a driver that has ended meanwhile the outcome counts, and the next attempt is made of the
  // present spec anyway.
  void place_executors() {
    if (driver_lives() && !driver()->deleting) act(PlaceExecutors{});
    status().spec_hash = app_.spec_hash;
  }

  // What is finished is compared by its whole spec: nothing of it is written for a new hash.
  void note_hashes() {
    status().spec_hash = app_.spec_hash;
    if (!is_final(status().state)) status().restart_hash = app_.restart_hash;
  }

  void invalidate() {
    if (driver() != nullptr) stop_driver();
    act(CleanUp{});
    forget_attempt();
    status().state = AppState::Invalidating;
    status().execution_attempts = 0;
    status().submission_attempts = 0;
    status().failures_in_a_row = 0;
    status().spec_hash = app_.spec_hash;
    status().restart_hash = app_.restart_hash;
  }

  // Whether the driver is what submitting this attempt would make: made before a crash, and
  // adopted. One that is on its way out is of an attempt before. An edit since the driver was made
  // leads to a new one, as it would have with a status that says so.
  bool is_of(const Attempt& attempt) const {
    return driver()->submission_id == id_of_(app_.uid, attempt) && !driver()->deleting &&
           driver()->spec_hash == app_.spec_hash;
  }

  // A new attempt starts only when no process of an old one lives: one driver at a time.
  void submit_when_clear(const Attempt& attempt) {
    if (driver() != nullptr && !is_of(attempt)) return stop_driver();
    // One that is there has been made in time: it is adopted.
    if (driver() == nullptr) {
      if (const auto late = too_late()) return give_up(*late);
      if (const WallTime due = held_until(); due > now_) {
        decision_.wake_at = std::min(due, submit_by().value_or(due));
        return;
      }
    }
    if (!app_.has_finalizer) act(AddFinalizer{});
    act(Submit{attempt});
  }

  // What was written by a clock that was ahead waits for nothing.
  WallTime after(WallTime time, std::chrono::milliseconds delay) const {
    return time > now_ ? now_ : base::saturating_add(time, delay);
  }

  // Whoever waits for a name or for a refusal to be taken back has not been held since then.
  WallTime held_until() const {
    const auto& since = app_.status.not_submitted_since;
    const auto& tried = app_.status.last_submission;
    if (was_edited() || !since || !tried || *tried < *since) return now_;
    return after(*tried, hold_delay(*tried - *since));
  }

  // The try, of this one and those before it, that made the driver that is there. A cache that lags
  // shows a status of before the last refusals, so that what was made by then was of an earlier try
  // than the status tells when it comes: it is the run's driver all the same, and there is no
  // other.
  std::optional<Attempt> made_by_try(Attempt attempt) const {
    if (driver() == nullptr) return std::nullopt;
    const int64_t oldest = std::max<int64_t>(attempt.submission - kTriesInDoubt, 1);
    for (; attempt.submission >= oldest; --attempt.submission)
      if (is_of(attempt)) return attempt;
    return std::nullopt;
  }

  // What an API, a webhook or a quota refused is tried again until it works: a policy of Never says
  // that nothing runs twice, not that nothing is tried twice. A number of retries or a deadline
  // ends it. What our own reading of the spec refuses waits for an edit, and so does what the API
  // server says about a field.
  void retry_submission() {
    if (observed_.spec_problem) return give_up(*observed_.spec_problem);
    const Attempt next{std::max<int64_t>(app_.status.execution_attempts, 1),
                       app_.status.submission_attempts + 1};
    if (const auto made = made_by_try(next)) return submit_when_clear(*made);
    if (is_for_good(app_.status.error_message)) return give_up(app_.status.error_message);
    const int64_t tried = app_.status.submission_attempts;
    const auto& retries = app_.restart.on_submission_failure_retries;
    if (app_.restart.type == RestartPolicy::Type::OnFailure && retries && tried > *retries)
      return give_up(app_.status.error_message);
    if (const auto late = too_late()) return give_up(*late);
    const WallTime due = after(app_.status.last_submission.value_or(now_),
                               retry_delay(app_.restart.on_submission_failure_interval, tried));
    if (due > now_) {
      decision_.wake_at = std::min(due, submit_by().value_or(due));
      return;
    }
    // What the last try has made has other names than what the next one will make.
    act(CleanUp{});
    submit_when_clear(next);
  }

  // The last moment for a submission that has been refused or has waited already.
  std::optional<WallTime> submit_by() const {
    if (!app_.status.not_submitted_since) return std::nullopt;
    std::optional<WallTime> last = app_.start_by;
    if (app_.pending_deadline) {
      const WallTime pending =
          base::saturating_add(*app_.status.not_submitted_since, *app_.pending_deadline);
      last = std::min(last.value_or(pending), pending);
    }
    return last;
  }
  std::optional<std::string> too_late() const {
    const auto last = submit_by();
    if (!last || *last > now_) return std::nullopt;
    const bool deadline_of_schedule = app_.start_by && *last == *app_.start_by;
    return "not submitted within " +
           (deadline_of_schedule ? "the schedule's startingDeadlineSeconds"
                                 : std::to_string(app_.pending_deadline->count()) + " s") +
           (app_.status.error_message.empty() ? "" : " (" + app_.status.error_message + ")");
  }

  void give_up(const std::string& why) {
    if (driver_lives()) return stop_driver();
    act(CleanUp{});
    // Of this attempt, not of the run before it.
    status().terminated = now_;
    status().driver_exit_code.reset();
    status().spec_hash = app_.spec_hash;
    status().restart_hash = app_.restart_hash;
    finish(AppState::Failed, why);
  }

  void rerun() {
    const Attempt next{app_.status.execution_attempts + 1, 1};
    const bool ours_already = driver() != nullptr && is_of(next);
    if (driver() != nullptr && !ours_already) return stop_driver();
    const WallTime due = rerun_due();
    if (due > now_ && !ours_already) {
      decision_.wake_at = due;
      return;
    }
    submit_when_clear(next);
  }

  // A driver that ends at once, well or not, does not run in a tight loop.
  WallTime rerun_due() const {
    if (app_.status.state == AppState::Invalidating || !app_.status.terminated) return now_;
    return after(*app_.status.terminated,
                 retry_delay(app_.restart.on_failure_interval, app_.status.failures_in_a_row));
  }

  void follow_driver() {
    track_executors();
    if (driver() == nullptr) {
      return end_attempt(false, deadline_passed() ? app_.status.stop_reason : lost_driver());
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
        return while_alive(AppState::Running, pod.in_doubt);
      case ObservedDriver::Phase::Unknown:
        return while_alive(AppState::Unknown, pod.in_doubt);
      case ObservedDriver::Phase::Succeeded:
      case ObservedDriver::Phase::Failed:
        return;
    }
  }

  void while_pending(const ObservedDriver& pod) {
    status().state = AppState::Submitted;
    status().error_message = pod.waiting;
    enforce_deadline(app_.pending_deadline, app_.status.last_submission.value_or(now_),
                     "driver did not start within ", pod.waiting);
  }

  // A node that nobody hears of ends no deadline.
  void while_alive(AppState state, const std::string& in_doubt) {
    status().state = state;
    status().error_message = in_doubt;
    enforce_deadline(app_.active_deadline,
                     status().driver_started.value_or(app_.status.last_submission.value_or(now_)),
                     "ran longer than ", "");
  }

  // The outcome is written only when the process is gone: until then the run counts as unfinished.
  void enforce_deadline(const std::optional<seconds>& allowed, WallTime since, const char* what,
                        const std::string& detail) {
    if (deadline_passed()) {
      status().error_message = app_.status.stop_reason;
      return stop_driver();
    }
    if (!allowed) return;
    const WallTime deadline = base::saturating_add(since, *allowed);
    if (deadline > now_) {
      decision_.wake_at = deadline;
      return;
    }
    stop_driver();
    status().stop_reason = bounded(what + std::to_string(allowed->count()) + " s" +
                                   (detail.empty() ? "" : " (" + detail + ")"));
    status().error_message = status().stop_reason;
  }

  // A deadline has ended this attempt; its driver may still be on its way out.
  bool deadline_passed() const { return !app_.status.stop_reason.empty(); }

  // With what was known of it last: a node that is lost leaves nothing else behind.
  std::string lost_driver() const {
    return kDriverNotFound +
           (app_.status.error_message.empty() ? "" : "; before that: " + app_.status.error_message);
  }

  static bool driver_succeeded(const ObservedDriver& pod) {
    if (pod.termination) return pod.termination->exit_code == 0;
    return pod.phase == ObservedDriver::Phase::Succeeded;
  }

  std::string failure_message(const ObservedDriver& pod) const {
    if (driver_succeeded(pod)) return {};
    if (deadline_passed()) return app_.status.stop_reason;
    const auto& end = pod.termination;
    if (!end)
      return pod.pod_failure.empty() ? "driver pod failed, and nothing says why" : pod.pod_failure;
    std::string text = "driver " + exit_in_words(end->exit_code, end->reason);
    // Who ended it says more than how it went down.
    if (!pod.pod_failure.empty())
      text = pod.pod_failure + " (exit code " + std::to_string(end->exit_code) + ")";
    else if (pod.deleting)
      text += "; its pod was deleted";
    return told_with_log(std::move(text), end->message);
  }

  void take_termination(const DriverTermination& termination) {
    status().driver_exit_code = termination.exit_code;
    status().terminated = termination.finished;
  }

  void end_attempt(bool succeeded, const std::string& message) {
    const bool again = succeeded ? app_.restart.type == RestartPolicy::Type::Always
                                 : !deadline_passed() && may_retry(app_.restart.on_failure_retries,
                                                                   app_.status.execution_attempts);
    act(CleanUp{});
    if (!again) return finish(succeeded ? AppState::Completed : AppState::Failed, message);
    status().state = AppState::PendingRerun;
    status().error_message = message;
    status().stop_reason.clear();
    status().submission_attempts = 0;
    if (!status().terminated) status().terminated = now_;
    status().failures_in_a_row =
        succeeded ? 0 : (ran_well() ? 0 : app_.status.failures_in_a_row) + 1;
    decision_.wake_at = now_;
  }

  bool ran_well() const {
    const auto& started = decision_.status.driver_started;
    return started && *decision_.status.terminated - *started >= kHealthyRun;
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
    status().stop_reason.clear();
    status().not_submitted_since.reset();
    if (!status().terminated) status().terminated = now_;
    for (auto& [name, executor] : status().executor_state) {
      if (executor != "COMPLETED" && executor != "FAILED") {
        executor = state == AppState::Completed ? "COMPLETED" : "FAILED";
      }
    }
  }

  void forget_attempt() {
    status().error_message.clear();
    status().stop_reason.clear();
    status().not_submitted_since.reset();
    status().terminated.reset();
    status().driver_started.reset();
    status().driver_exit_code.reset();
    status().web_ui_address.clear();
    status().executor_state.clear();
    status().executor_failures = 0;
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
      std::string& known = status().executor_state[name];
      if (state == "FAILED" && known != "FAILED") ++status().executor_failures;
      known = state;
    }
  }

  WallTime now_;
  const Application& app_;
  const ObservedPods& observed_;
  SubmissionIdOf id_of_;
  ApplicationDecision decision_;
};

}  // namespace

ApplicationDecision decide(WallTime now, const Application& app, const ObservedPods& observed,
                           SubmissionIdOf submission_id_of) {
  return ApplicationDecider(now, app, observed, submission_id_of).run();
}

}  // namespace runner::applications
