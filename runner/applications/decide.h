#pragma once

// decide: what to do next about one SparkApplication. Pure and level-triggered: any action may be
// lost to a crash, and deciding again from what is there repairs it. The state machine is the
// Kubeflow operator's without its dead ends: a submission is repeatable because its names
// come from the attempt, a driver that exists is adopted, every wait ends by a pod event or at
// wake_at.
//
// Actions are performed in order, stopping at the first error; then the status is recorded and
// written. Threads: pure.

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "runner/application.h"

namespace runner::applications {

// Names the attempt; all ids follow from it and the UID.
struct Attempt {
  int64_t execution = 1;
  int64_t submission = 1;
  bool operator==(const Attempt&) const = default;
};

// Keep the application until its driver has stopped and its outcome is recorded.
struct AddFinalizer {};
// Create the attempt's objects; the outcome goes through after_submission().
struct Submit {
  Attempt attempt;
};
// The attempt's ConfigMaps, and the pod that was observed, by its UID.
struct DeleteDriver {};
// Give the driver that runs the executors' pod template of the present spec.
struct PlaceExecutors {};
// Delete what only a living driver needs: ConfigMaps, the Service, executors left behind.
struct CleanUp {};
struct RemoveFinalizer {};
struct DeleteApplication {};
using ApplicationAction = std::variant<AddFinalizer, Submit, DeleteDriver, PlaceExecutors, CleanUp,
                                       RemoveFinalizer, DeleteApplication>;

struct ObservedPods {
  // The one that the status names; its absence is asked of the API itself where that matters.
  std::optional<ObservedDriver> driver;
  std::map<std::string, std::string> executors;          // pod name → state
  std::map<std::string, std::string> executor_failures;  // those that failed, in words
  // What our own reading says against the spec, asked for after a submission has failed.
  std::optional<std::string> spec_problem;
};

struct ApplicationDecision {
  std::vector<ApplicationAction> actions;
  ApplicationStatus status;
  std::optional<base::WallTime> wake_at;
};

// `next_submission_id` gives the id of an attempt: a driver that carries it is ours already.
using SubmissionIdOf = std::string (*)(const std::string& uid, const Attempt& attempt);

ApplicationDecision decide(base::WallTime now, const Application& app, const ObservedPods& observed,
                           SubmissionIdOf submission_id_of);

struct SubmissionIds {
  std::string app_id;
  std::string submission_id;
  std::string driver_pod;
  WebUi web_ui;
};
// Status once every object of the attempt exists.
ApplicationStatus after_submission(base::WallTime now, const Application& app,
                                   const Attempt& attempt, const SubmissionIds& ids);
// Status when the attempt was refused, by an API or by our own reading of the spec.
ApplicationStatus after_refused_submission(base::WallTime now, const Application& app,
                                           const Attempt& attempt, const std::string& message);
// Status while the attempt waits for somebody else's object to go; no attempt is counted.
ApplicationStatus while_waiting_to_submit(base::WallTime now, const Application& app,
                                          const std::string& what);

// Status while an API server is throttling or cannot ask a webhook; no attempt is counted.
ApplicationStatus while_held(base::WallTime now, const Application& app, const std::string& why);

// How long to wait after so many failures in a row: the interval, doubled with every failure up to
// ten minutes (or the interval, if longer).
std::chrono::seconds retry_delay(std::chrono::seconds interval, int64_t failures);
// How long a submission that has been held for `held_for` is held again: as long as it has been, a
// second at least, a minute at most.
std::chrono::milliseconds hold_delay(std::chrono::milliseconds held_for);

}  // namespace runner::applications
