#pragma once

// events: every text that `kubectl describe` shows of an application, in one place. Reasons are the
// Kubeflow operator's where it has one.
//
// Threads: pure.

#include <map>
#include <string>
#include <vector>

#include "runner/application.h"

namespace runner::applications {

inline constexpr const char* kDriverNotFound = "driver pod not found";

struct ApplicationEvent {
  bool warning = false;
  std::string reason;
  std::string note;
};
// What a change of status tells: a new state, another reason to wait, one more refused attempt.
std::vector<ApplicationEvent> events_of(const Application& app, const ApplicationStatus& after);

// Of executors that have failed since, a few by name; `failures` says how, by pod.
std::vector<ApplicationEvent> executor_events(const Application& app,
                                              const ApplicationStatus& after,
                                              const std::map<std::string, std::string>& failures);

ApplicationEvent executors_in_driver(int threads);
ApplicationEvent fields_without_effect(const std::vector<std::string>& paths);
// Nothing is wrong, but people should know.
ApplicationEvent odd_but_submitted(const std::string& warning);
// What an attempt made of this kind could not be removed when it ended.
ApplicationEvent left_behind(const std::string& kind, const std::string& error);
// An edit of where executors may be placed, while the driver runs: it holds for new executors, or
// not, and why.
ApplicationEvent executors_placed();
ApplicationEvent executors_not_placed(const std::string& why);
// A round has failed this many times in a row.
ApplicationEvent reconcile_failing(const std::string& error, int failures);

}  // namespace runner::applications
