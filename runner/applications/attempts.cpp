// The status before and after an attempt to submit, and the pauses between two.

#include <algorithm>

#include "runner/applications/decide.h"
#include "runner/failure.h"

namespace runner::applications {
namespace {

using base::WallTime;
using std::chrono::seconds;

constexpr seconds kLongestDelay{600};
constexpr seconds kShortestHold{1};
constexpr seconds kLongestHold{60};

void start_attempt(ApplicationStatus& status, WallTime now, const Attempt& attempt) {
  status.execution_attempts = attempt.execution;
  status.submission_attempts = attempt.submission;
  status.last_submission = now;
  status.stop_reason.clear();
  status.terminated.reset();
  status.driver_started.reset();
  status.driver_exit_code.reset();
  status.web_ui_address.clear();
  status.executor_state.clear();
  status.executor_failures = 0;
}

}  // namespace

ApplicationStatus after_submission(WallTime now, const Application& app, const Attempt& attempt,
                                   const SubmissionIds& ids) {
  ApplicationStatus status = app.status;
  start_attempt(status, now, attempt);
  status.state = AppState::Submitted;
  status.error_message.clear();
  status.not_submitted_since.reset();
  status.app_id = ids.app_id;
  status.submission_id = ids.submission_id;
  status.driver_pod = ids.driver_pod;
  status.web_ui = ids.web_ui;
  status.spec_hash = app.spec_hash;
  status.restart_hash = app.restart_hash;
  status.observed_generation = app.generation;
  return status;
}

ApplicationStatus after_refused_submission(WallTime now, const Application& app,
                                           const Attempt& attempt, const std::string& message) {
  ApplicationStatus status = app.status;
  start_attempt(status, now, attempt);
  status.state = AppState::SubmissionFailed;
  status.error_message = bounded(message);
  if (!status.not_submitted_since) status.not_submitted_since = now;
  status.spec_hash = app.spec_hash;
  status.restart_hash = app.restart_hash;
  status.observed_generation = app.generation;
  return status;
}

ApplicationStatus while_waiting_to_submit(WallTime now, const Application& app,
                                          const std::string& what) {
  ApplicationStatus status = app.status;
  status.error_message = bounded("waiting: " + what);
  if (!status.not_submitted_since) status.not_submitted_since = now;
  status.observed_generation = app.generation;
  return status;
}

ApplicationStatus while_held(WallTime now, const Application& app, const std::string& why) {
  ApplicationStatus status = while_waiting_to_submit(now, app, why);
  status.last_submission = now;
  return status;
}

seconds retry_delay(seconds interval, int64_t failures) {
  const seconds cap = std::max(interval, kLongestDelay);
  seconds delay = interval;
  for (int64_t i = 1; i < failures && delay < cap; ++i)
    delay *= 2;
  return std::min(delay, cap);
}

std::chrono::milliseconds hold_delay(std::chrono::milliseconds held_for) {
  return std::clamp<std::chrono::milliseconds>(held_for, kShortestHold, kLongestHold);
}

}  // namespace runner::applications
