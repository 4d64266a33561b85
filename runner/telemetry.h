#pragma once

// Telemetry: what the controllers tell whoever counts. monitor::Metrics listens; nobody has to.
//
// Calls follow the write that made the news true, so a crash in between loses a count but never
// doubles one. They never fail and never block for long. Threads: any.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "kube/resource_type.h"
#include "runner/run_recorder.h"

namespace runner {

// A SparkApplication as its status says now.
struct ApplicationReport {
  kube::ObjectKey key;
  std::string uid;
  std::map<std::string, std::string> labels;
  std::string state;  // the peer's: "" (new), SUBMITTED, RUNNING, …
  base::WallTime created;
  std::optional<base::WallTime> slot;       // that it was started for; not of runs by hand
  std::optional<base::WallTime> submitted;  // the last submission attempt
  std::optional<base::WallTime> running_since;
  std::optional<base::WallTime> ended;
  int execution_attempts = 0;
};

// An executor pod, by its phase.
struct ExecutorReport {
  std::string pod_uid;
  kube::ObjectKey pod;
  std::map<std::string, std::string> labels;
  std::string phase;  // Pending, Running, Succeeded, Failed, Unknown
};

// A schedule after a decision.
struct ScheduleReport {
  kube::ObjectKey key;
  std::string uid;
  bool suspended = false;
  uint64_t active_runs = 0;
  std::optional<base::WallTime> last_run;  // the creation of the latest
  std::optional<base::WallTime> last_success;
  std::optional<base::WallTime> next_run;
  // The last ended runs in a row that failed; of the ten runs that the status knows.
  uint64_t consecutive_failures = 0;
  // The creation of the oldest run that has not ended.
  std::optional<base::WallTime> oldest_active;
  // What runs usually take that succeed, once enough have; schedules::RecentOutcomes.
  std::optional<std::chrono::seconds> usual_duration;
  // Slots that are due and wait, and what they would be skipped as; 0 = none.
  uint64_t held_slots = 0;
  std::string held_reason;
  RunCounts counts;  // since the schedule exists, not since the process does
};

class Telemetry {
 public:
  virtual ~Telemetry() = default;
  // `before` is the state that the status had; equal to facts.state when an application is only
  // seen again (after a restart), which counts nothing.
  virtual void application_changed(const ApplicationReport& facts, std::string_view before) = 0;
  virtual void application_gone(const std::string& uid) = 0;
  virtual void executor_changed(const ExecutorReport& facts, std::string_view before) = 0;
  virtual void executor_gone(const std::string& pod_uid) = 0;
  virtual void schedule_decided(const ScheduleReport& facts) = 0;
  virtual void schedule_gone(const kube::ObjectKey& key) = 0;
  // Why the schedule is not ready, as in its condition: "InvalidSpec", "CreateRefused",
  // "ReconcileFailing", …; "" = it is ready. Told after schedule_decided() of the same round, and
  // alone when there was no decision.
  virtual void schedule_ready(const kube::ObjectKey& /*schedule*/, std::string_view /*reason*/) {}
  // A run was created this long after its slot.
  virtual void slot_started(const kube::ObjectKey& schedule,
                            std::chrono::milliseconds lateness) = 0;
  virtual void slots_skipped(const kube::ObjectKey& schedule, std::string_view reason,
                             uint64_t count) = 0;
  // A controller ("schedule") could not do what an object needs and tries again. `reason` is one of
  // base::to_string(Code).
  virtual void reconcile_failed(std::string_view /*controller*/, std::string_view /*reason*/) {}
  // How many of its objects wait to be looked at.
  virtual void queue_length(std::string_view /*controller*/, uint64_t /*length*/) {}
  // A call of the Kubernetes API: kube::TimedApi::Told.
  virtual void api_called(std::string_view /*verb*/, std::string_view /*outcome*/,
                          std::chrono::milliseconds /*duration*/) {}
  // How many objects fail now.
  virtual void objects_failing(std::string_view /*controller*/, uint64_t /*count*/) {}
  // An object of the API that this program cannot read was left out.
  virtual void object_unreadable(std::string_view /*resource*/) {}
  // The admission webhook answered about a resource ("sparkapplications"): "allowed", "changed",
  // "refused", or "malformed" for what was no question. Of each only a handful of words comes.
  virtual void admission_answered(std::string_view /*resource*/, std::string_view /*answer*/,
                                  std::chrono::milliseconds /*took*/) {}
};

}  // namespace runner
