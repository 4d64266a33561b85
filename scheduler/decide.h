#pragma once

// decide_slots: what to do about a schedule and its slots now. A pure function; everything it knows
// comes in, everything it wants done goes out.
//
// The actions are performed in order, up to the first error; then Decision::state is written into
// the status in one patch. Whatever prefix of that a crash leaves behind, the next decision
// repairs: starting is idempotent by name, stopping and deleting by UID, and skipping is nothing
// but state.
//
// Rules: ARCHITECTURE.md (schedules) and scheduler/README.md. Threads: pure.

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "scheduler/observed.h"
#include "scheduler/policy.h"

namespace scheduler {

struct StopRun {
  std::string name;
  std::string uid;
  bool operator==(const StopRun&) const = default;
};
struct StartRun {
  std::string name;
  std::optional<Instant> slot;  // nullopt: by hand
  Instant at{};                 // the slot, or when the run by hand was asked for
  bool operator==(const StartRun&) const = default;
};
struct SkipRun {
  Stretch slots;
  SkipReason reason = SkipReason::Superseded;
  bool operator==(const SkipRun&) const = default;
};
struct DeleteRun {
  std::string name;
  std::string uid;
  bool operator==(const DeleteRun&) const = default;
};
using Action = std::variant<StopRun, StartRun, SkipRun, DeleteRun>;

// A run whose outcome this decision counts.
struct EndedRun {
  TrackedRun run;
  RunPhase phase = RunPhase::Failed;
  bool gone = false;  // it was deleted before its end was seen
  bool operator==(const EndedRun&) const = default;
};

struct Decision {
  std::vector<Action> actions;
  std::vector<EndedRun> ended;
  State state;
  // At most kNextRuns; empty while suspended and when there are no more.
  std::vector<Instant> next_runs;
  // The trigger annotation has been taken up and is to be taken away.
  bool take_trigger = false;
  // Slots or a run by hand wait for others to end, or for dead drivers.
  bool waiting = false;
  // The clock stands before what has already been accounted for; nothing starts until it is back,
  // or has stood there for kClockBelieved.
  bool clock_behind = false;
  std::optional<base::WallTime> wake_at;
};

inline constexpr size_t kNextRuns = 10;

// Which of two contradicting clocks was wrong shows in time. A machine that boots without one is
// set right by then, and until then nothing must start. A clock that stands there still is the
// right one: what was accounted for ahead of it is not believed any more. An edit or a resume says
// so at once.
inline constexpr std::chrono::minutes kClockBelieved{10};

[[nodiscard]] Decision decide_slots(base::WallTime now, const Spec& spec, const Observed& observed);

}  // namespace scheduler
