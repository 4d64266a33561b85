#pragma once

// RunObserver: writes into the ledger what the API shows of runs and schedules, and acts on
// nothing. Every replica on a cluster runs one, leader or not, so that whoever takes over has the
// history already. The leader's controllers record the same; a run is counted once all the same.
//
// - A run: as its object says, whenever that changes, and once more when the object is gone.
// - A schedule: what its status.recentRuns knows and the ledger does not, because its volume was
//   lost or this replica was not there: runs whose objects are gone (Ledger::seed_run) and skipped
//   stretches.
//
// Threads: seen() and look_again() from any; reconcile() from several workers, never twice at once
// for one key. A key names a run, a schedule, or one of each.

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "base/mutex.h"
#include "base/result.h"
#include "kube/object.h"
#include "kube/reconciler.h"
#include "monitor/ledger.h"

namespace monitor {

class RunObserver final : public kube::Reconciler {
 public:
  // Outcomes that wait for a disk that does not take them, of runs whose objects are gone.
  static constexpr size_t kMaxGone = 10'000;
  // Schedules of which is known what was recorded of their status.
  static constexpr size_t kMaxSchedules = 10'000;

  // The cache follows runs and schedules; both outlive it.
  RunObserver(const kube::Cache& cache, Ledger& ledger) : cache_(cache), ledger_(ledger) {}

  // Of a run, each time it changes, as it was and as it is: the last that is seen of one that is
  // gone is kept. Call it when the cache shows the change, before the key is reconciled.
  void seen(const kube::Json& run);
  // The ledger has lost its file: what was recorded no longer is. Then reconcile everything.
  void look_again();

  base::Result<kube::Reconciled> reconcile(const kube::ObjectKey& key) override;
  void failing(const kube::ObjectKey&, const base::Error&, int) override {}
  [[nodiscard]] size_t waiting() const;

 private:
  base::Status record_gone(const kube::ObjectKey& key);
  base::Status record_run(const kube::Json& run);
  base::Status record_schedule(const kube::Json& schedule);
  base::Status record_entry(const kube::Json& schedule, const kube::Json& entry);

  const kube::Cache& cache_;
  Ledger& ledger_;
  mutable base::Mutex mutex_;
  // Several of one name, if it was made and deleted again and again.
  std::multimap<kube::ObjectKey, std::shared_ptr<const kube::Json>> gone_ GUARDED_BY(mutex_);
  // By schedule UID: the entries of its status that are recorded.
  std::map<std::string, std::set<std::string>> recorded_ GUARDED_BY(mutex_);
};

}  // namespace monitor
