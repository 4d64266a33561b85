#include "runner/applications/events.h"

#include "config/names.h"
#include "runner/failure.h"

namespace runner::applications {

std::vector<ApplicationEvent> events_of(const Application& app, const ApplicationStatus& after) {
  const std::string name = "SparkApplication " + app.key.name;
  const std::string reason = one_line(after.error_message);
  const std::string why = reason.empty() ? "" : ": " + reason;
  const bool same_state = after.state == app.status.state;
  const bool new_message =
      !after.error_message.empty() && after.error_message != app.status.error_message;
  const bool tried_again = after.state == AppState::SubmissionFailed &&
                           after.submission_attempts != app.status.submission_attempts;
  std::vector<ApplicationEvent> events;
  const bool deadline = !after.stop_reason.empty() && app.status.stop_reason.empty();
  if (deadline) {
    events.push_back({true, "SparkDriverDeadlineExceeded",
                      "Driver " + after.driver_pod + ": " + one_line(after.stop_reason)});
  } else if (same_state && after.state == AppState::Submitted && new_message) {
    events.push_back(
        {true, "SparkDriverPending", "Driver " + after.driver_pod + " does not start yet" + why});
  } else if (same_state && after.state == AppState::Running && new_message) {
    events.push_back({true, "SparkDriverUnknown", "Driver " + after.driver_pod + why});
  }
  if (same_state && new_message && after.not_submitted_since && !tried_again &&
      !is_final(after.state)) {
    events.push_back({true, "SparkApplicationWaiting", name + " is not submitted yet" + why});
  }
  if (same_state && !tried_again) return events;
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
        const bool missing = after.error_message.starts_with(kDriverNotFound);
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

std::vector<ApplicationEvent> executor_events(const Application& app,
                                              const ApplicationStatus& after,
                                              const std::map<std::string, std::string>& failures) {
  constexpr size_t kMostByName = 5;
  const auto failed = [](const ApplicationStatus& status, const std::string& name) {
    const auto found = status.executor_state.find(name);
    return found != status.executor_state.end() && found->second == "FAILED";
  };
  std::vector<ApplicationEvent> events;
  size_t others = 0;
  for (const auto& [name, words] : failures) {
    if (failed(app.status, name) || !failed(after, name)) continue;
    if (events.size() < kMostByName)
      events.push_back({true, "SparkExecutorFailed", "Executor " + name + " " + words});
    else
      ++others;
  }
  if (others > 0)
    events.push_back(
        {true, "SparkExecutorFailed", std::to_string(others) + " more executors failed"});
  return events;
}

ApplicationEvent executors_in_driver(int threads) {
  return {false, "ExecutorsInDriver",
          "Executors run as " + std::to_string(threads) +
              " threads of the driver; annotate the application with " +
              config::kExecutorsAnnotation + "=pods to run them as pods"};
}

ApplicationEvent fields_without_effect(const std::vector<std::string>& paths) {
  std::string list;
  for (const std::string& path : paths)
    list += (list.empty() ? "" : ", ") + path;
  return {false, "FieldsWithoutEffect",
          "Pods run as processes of this machine, where these have no effect: " + list};
}

ApplicationEvent odd_but_submitted(const std::string& warning) {
  return {true, "SparkApplicationWarning", warning};
}

ApplicationEvent left_behind(const std::string& kind, const std::string& error) {
  return {true, "SparkApplicationLeftBehind",
          "Objects of kind " + kind + " stay until their SparkApplication goes: " + error};
}

ApplicationEvent executors_placed() {
  return {false, "SparkApplicationWebhookFieldsUpdated",
          "Where executors may be placed was changed: it holds for executors that the driver "
          "requests from now on, as soon as its node has the new pod template (a minute or two); "
          "the driver and the executors that are there run on"};
}

ApplicationEvent executors_not_placed(const std::string& why) {
  return {true, "SparkApplicationSpecUpdateFailed",
          "Where executors may be placed was changed, which has no effect on this run: " + why};
}

ApplicationEvent reconcile_failing(const std::string& error, int failures) {
  return {true, "SparkApplicationReconcileFailed",
          "Nothing can be done for it at the moment, " + std::to_string(failures) +
              " tries so far; trying again: " + error};
}

}  // namespace runner::applications
