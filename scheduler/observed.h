#pragma once

// Observed: everything decide() knows about the world, besides the time: the runs that exist, and
// State, which the last decision left in the object's status.
//
// State is written in one status patch, guarded by resourceVersion. So it moves only forward, and a
// decision that was not written down is simply taken again.
// Threads: plain values.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "scheduler/schedule.h"

namespace scheduler {

// Why a slot did not start. The names are public: status, events, metrics.
enum class SkipReason {
  Superseded,            // a newer slot took its place
  ForbidConcurrent,      // Forbid, and another run was unfinished
  DeadlineExceeded,      // later than startingDeadlineSeconds
  MissedSkipped,         // missed, and missedRunPolicy is Skip
  NamespaceTerminating,  // nothing can be created there any more
  CreateRefused,         // the API refused the run: quota, admission, validation
};
const char* to_string(SkipReason reason);
std::optional<SkipReason> parse_skip_reason(std::string_view text);

// A stretch of slots that share one fate: first and last are slots, count is exact.
struct Stretch {
  Instant first{};
  Instant last{};
  uint64_t count = 0;
  bool operator==(const Stretch&) const = default;
};

// Slots that are due and wait: they will start or be skipped later.
struct HeldSlots {
  Stretch slots;
  SkipReason reason =
      SkipReason::ForbidConcurrent;  // what they are skipped as, if it comes to that
  bool operator==(const HeldSlots&) const = default;
};

// A run that has been counted as started and whose outcome has not been counted yet.
struct TrackedRun {
  std::string name;
  std::string uid;  // "" in a decision that starts it: whoever creates it fills it in
  std::optional<Instant> slot;
  bool manual = false;
  bool operator==(const TrackedRun&) const = default;
};

struct Counts {
  uint64_t started = 0;
  uint64_t succeeded = 0;
  uint64_t failed = 0;
  uint64_t skipped = 0;
  bool operator==(const Counts&) const = default;
};

// A run by hand that was asked for: its name is fixed (by `at`) before it is created.
struct PendingTrigger {
  std::string value;
  Instant at{};
  bool operator==(const PendingTrigger&) const = default;
};

struct State {
  std::string fingerprint;  // Spec::fingerprint that the rest belongs to
  bool suspended = false;
  // Nothing up to here is owed: it was started, skipped, or lies before the creation, the last edit
  // of the schedule or the last resume.
  Instant accounted{};
  std::optional<HeldSlots> held;
  std::string handled_trigger;
  std::optional<PendingTrigger> pending_trigger;
  std::vector<TrackedRun> tracked;
  Counts counts;
  bool operator==(const State&) const = default;
};

enum class RunPhase { Unfinished, Succeeded, Failed };

struct ObservedRun {
  std::string name;
  std::string uid;
  std::optional<Instant> slot;  // nullopt: by hand
  bool manual = false;
  RunPhase phase = RunPhase::Unfinished;
  // Its driver may have a live process; may be true after the run has ended.
  bool driver_alive = false;
  bool stopping = false;  // is being deleted
  bool gone = false;      // known from records only; the object is not there any more
  base::WallTime created;
};

// A start that was tried in this round and refused by the API.
struct Refusal {
  std::string name;
  SkipReason reason = SkipReason::CreateRefused;
  bool for_good = false;  // trying again cannot help
};

struct Observed {
  Instant created{};              // the schedule's creation
  bool edited_before = false;     // first seen after its first edit (generation > 1)
  std::optional<State> state;     // nullopt: never decided before
  std::vector<ObservedRun> runs;  // of this schedule, in no particular order
  // Unfinished runs and live drivers of a deleted namesake or a deleted run: nothing can be done
  // about them but wait.
  uint32_t lingering = 0;
  std::vector<Refusal> refusals;
};

}  // namespace scheduler
