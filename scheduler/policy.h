#pragma once

// Policy and Spec: what a schedule's owner asked for, parsed. config makes them from a
// ScheduledSparkApplication; decide_slots() reads them.
//
// What a policy means stands in one table, policy.cpp. Whoever carries policies out (overlap,
// missed, decide_slots, the schedule's reconciler) asks for its rules and never for the policy, so
// a new one is a row of that table, a name in the CRD and its tests.
//
// Threads: plain values.

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "scheduler/schedule.h"
#include "scheduler/skip_reason.h"

namespace scheduler {

// What happens when a slot comes due while a run is unfinished.
enum class Concurrency {
  Allow,    // it starts beside the others
  Forbid,   // it is held until they have ended
  Replace,  // they are stopped; it starts when their drivers are dead
};
// The first is the default.
inline constexpr std::array kConcurrencies{Concurrency::Allow, Concurrency::Forbid,
                                           Concurrency::Replace};

struct ConcurrencyRules {
  const char* name;       // in the spec
  bool overlaps;          // a run starts beside unfinished ones and whatever drivers live
  bool stops_others;      // for a slot that is due the unfinished runs are stopped
  bool may_queue;         // several slots may wait at once (MissedRuns::All)
  SkipReason blocked_as;  // what a slot is skipped as that waited for unfinished runs
};
[[nodiscard]] const ConcurrencyRules& rules_of(Concurrency policy);

// What happens to several slots that are due at once, because nobody was there in time.
enum class MissedRuns {
  Latest,  // the newest starts
  Skip,    // none starts, except one that is hardly late (kOnTime)
  All,     // all start, oldest first, at most max_catch_up_runs
};
inline constexpr std::array kMissedPolicies{MissedRuns::Latest, MissedRuns::Skip, MissedRuns::All};

struct MissedRules {
  const char* name;  // in the spec
  bool catches_up;   // all that were missed start; otherwise only the newest
  bool drops_late;   // a slot later than kOnTime does not start
};
[[nodiscard]] const MissedRules& rules_of(MissedRuns policy);

// Where late slots are dropped, a slot is missed when it is later than this: a busy API or a short
// restart does not lose a run.
inline constexpr std::chrono::seconds kOnTime{60};

struct Policy {
  Concurrency concurrency = Concurrency::Allow;
  MissedRuns missed = MissedRuns::Latest;
  bool suspended = false;
  // A slot later than this is not started any more (exactly this late still is).
  std::optional<std::chrono::seconds> starting_deadline;
  uint32_t max_catch_up_runs = 100;
  uint32_t keep_succeeded = 1;
  uint32_t keep_failed = 1;
};

struct Spec {
  std::string name;  // of the schedule: run names are made from it
  // Never null.
  std::shared_ptr<const Schedule> schedule;
  // What the slots depend on, in words: expression, zone and DST policy. Another fingerprint is an
  // edit of the schedule.
  std::string fingerprint;
  Policy policy;
  // Runs of it cannot be submitted as the spec stands: nothing starts, and nothing is owed from
  // this time.
  bool submittable = true;
  // The value of the trigger annotation; "" = none. It asks for one run by hand, and goes, or a new
  // value asks for the next.
  std::string trigger;
};

}  // namespace scheduler
