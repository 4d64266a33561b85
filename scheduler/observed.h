#pragma once

// Observed: everything decide_slots() knows about the world, besides the time: the runs that exist,
// and State, which the last decision left in the object's status.
//
// State is written in one status patch, guarded by resourceVersion. So a decision that was not
// written down is simply taken again.
// Threads: plain values.

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "scheduler/schedule.h"
#include "scheduler/skip_reason.h"

namespace scheduler {

// A stretch of slots that share one fate: first and last are slots, count is exact.
struct Stretch {
  Instant first{};
  Instant last{};
  uint64_t count = 0;
  bool operator==(const Stretch&) const = default;
};

// Instants from first to last.
struct Span {
  Instant first{};
  Instant last{};
  bool operator==(const Span&) const = default;
};
inline constexpr size_t kMostAhead = 20;

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

// A run by hand that was asked for: its name is fixed (by `at`) before it is created. The
// annotation that asked is taken away before that, too, unless it is to stay: then the same value,
// found beside a run that exists, is another wish.
struct PendingTrigger {
  std::string value;
  Instant at{};
  bool stays = false;
  bool operator==(const PendingTrigger&) const = default;
};

struct State {
  // Whether a run of this slot stands in the counts.
  [[nodiscard]] bool has_counted(Instant slot) const;

  std::string fingerprint;  // Spec::fingerprint that the rest belongs to
  bool suspended = false;
  // Nothing up to here is owed: it was started, skipped, or lies before the creation, the last edit
  // of the schedule or the last resume. It moves back only when a clock turns out to have been
  // wrong.
  Instant accounted{};
  // Slots after `accounted` that have been started already and counted, ascending, at most
  // kMostAhead: a clock that stood before them now had reached them once.
  std::vector<Span> ahead;
  std::optional<HeldSlots> held;
  std::string handled_trigger;  // of an annotation that stays
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
  // Unfinished runs and live drivers of a deleted namesake or a deleted run: a decision can only
  // wait for them.
  uint32_t lingering = 0;
  std::vector<Refusal> refusals;
  // The trigger annotation of a schedule that was never decided about came after its creation, so
  // somebody wants a run. Otherwise it was copied with the manifest.
  bool trigger_is_wanted = false;
  // Nobody would write the trigger annotation again if it were taken away, but to ask again …
  bool trigger_may_go = false;
  // … and the API refused to take it away.
  bool trigger_was_refused = false;
  // How long this process has seen the clock stand before what is accounted for.
  std::chrono::seconds clock_behind_for{0};
};

}  // namespace scheduler
