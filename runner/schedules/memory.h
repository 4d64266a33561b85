#pragma once

// ScheduleMemory: what this process remembers of schedules between two rounds. Losing it (a
// restart) costs a few repeated calls and nothing else; what must not be lost stands in the status.
//
// It ends with the schedule: forget() is called when the cache shows that it is gone.
// Threads: any.

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "kube/resource_type.h"
#include "runner/run_recorder.h"
#include "runner/schedules/run.h"

namespace runner::schedules {

// A cache that does not show a run this long after it was created: either it lags very much or the
// run is gone again. Then the API is asked.
inline constexpr std::chrono::seconds kCachesTime{30};

class ScheduleMemory {
 public:
  struct CreatedRun {
    ScheduleRun run;
    base::SteadyTime at{};
  };
  struct Entry {
    std::string replaced_version;  // a cache that still shows this one lags behind our own write
    // Runs that this process has created, until the cache shows them or has had its time
    // (kCachesTime).
    std::vector<CreatedRun> created;
    // Those of them that are not in the ledger yet: of one round, for the next begins with them.
    std::vector<RunRecord> unrecorded;
    // Skips of the last decision that had any; they are in the ledger.
    std::string recorded_skips;
    // Since when the clock has been seen before what is accounted for.
    std::optional<base::SteadyTime> clock_behind_since;
    // Since when the leftovers are known that the last live look has seen, by UID.
    std::map<std::string, base::SteadyTime> leftover_since;
    // When triggers were taken away lately, and which.
    std::vector<std::pair<base::SteadyTime, std::string>> triggers_taken;
    int refusals = 0;  // rounds in a row in which the API refused a run
    // The template that is believed until its turn to be checked comes, by the version of the spec.
    std::string believed_spec;
    // The template that was checked, by the version of the spec it stands in, and what submitting
    // it would be refused for.
    std::string checked_spec;
    std::optional<base::Error> template_problem;
    // The failure that was told last, and when.
    std::string told_failure;
    std::optional<base::SteadyTime> told_at;
  };

  [[nodiscard]] Entry of(const kube::ObjectKey& key) const;
  template <class Change>
  void change(const kube::ObjectKey& key, const Change& change) {
    base::MutexLock lock(mutex_);
    change(entries_[key]);
  }
  void forget(const kube::ObjectKey& key);
  [[nodiscard]] size_t size() const;

 private:
  mutable base::Mutex mutex_;
  std::map<kube::ObjectKey, Entry> entries_ GUARDED_BY(mutex_);
};

}  // namespace runner::schedules
