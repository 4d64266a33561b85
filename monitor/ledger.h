#pragma once

// Ledger: what became of every slot, in one SQLite file that outlives the objects. One row per run,
// unique by UID; counts per schedule that never go back.
//
// Each start and each outcome is counted once: when the row first appears, when it first gets its
// end. Rows that retention has dropped leave a hash of their UID behind, so that a late repetition
// counts nothing. A file that was lost starts anew: counts() raises it to the floor that the
// schedule's status gives, and what happened before the file was born is taken to be in that floor.
//
// Errors are those of base/sqlite: a full disk is Unavailable, a read-only file Forbidden, a file
// of a newer version InvalidArgument, each with the path. Threads: any; writers take turns, readers
// have a connection of their own.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "base/sqlite/sqlite.h"
#include "kube/resource_type.h"
#include "runner/run_recorder.h"

namespace monitor {

struct LedgerOptions {
  std::string path;  // <data-dir>/ledger.db
  // The oldest finished runs and the oldest skips above these numbers are dropped.
  size_t max_runs = 100'000;
  size_t max_skips = 100'000;
  // Hashes of dropped runs, and schedules of which nothing else is left.
  size_t max_remembered = 1'000'000;
  // Called for each run that retention drops, without locks held: its logs may go, too.
  std::function<void(const kube::ObjectKey& run, const std::string& uid)> on_dropped;
};

struct HistoryQuery {
  std::string ns;        // "" = all
  std::string schedule;  // "" = all, those without a schedule as well
  size_t limit = 100;    // of runs and of skips, each
};

struct History {
  std::vector<runner::RunRecord> runs;  // newest first
  std::vector<runner::SkipRecord> skips;
};

class Ledger final : public runner::RunRecorder {
 public:
  static base::Result<std::unique_ptr<Ledger>> open(LedgerOptions options, base::Clock& clock);
  ~Ledger() override;

  base::Status record_run(const runner::RunRecord& run) override;
  base::Result<std::vector<runner::RunRecord>> runs_after(const std::string& schedule_uid,
                                                          base::WallTime slot) override;
  base::Result<std::optional<runner::RunRecord>> find_run(const std::string& schedule_uid,
                                                          const std::string& name) override;
  base::Status record_skip(const runner::SkipRecord& skip) override;
  base::Result<runner::RunCounts> counts(const kube::ObjectKey& schedule,
                                         const std::string& schedule_uid,
                                         const runner::RunCounts& floor) override;

  [[nodiscard]] base::Result<History> history(const HistoryQuery& query) const;
  // By schedule UID, then reason: for metrics.
  [[nodiscard]] base::Result<std::map<std::string, std::map<std::string, uint64_t>>> skip_counts()
      const;
  // Of all runs ever, scheduled or not.
  [[nodiscard]] base::Result<runner::RunCounts> totals() const;

 private:
  struct Dropped {
    kube::ObjectKey run;
    std::string uid;
  };
  enum class Durable { Soon, Now };  // now: survives power loss when the call returns

  Ledger(LedgerOptions options, base::Clock& clock, base::sqlite::Database writer);
  base::Status set_up();
  base::Status set_durability(Durable durable) REQUIRES(writer_mutex_);
  base::Status write_run(const runner::RunRecord& run) REQUIRES(writer_mutex_);
  base::Status insert_run(const runner::RunRecord& run) REQUIRES(writer_mutex_);
  base::Status update_run(const runner::RunRecord& run) REQUIRES(writer_mutex_);
  base::Status write_skip(const runner::SkipRecord& skip) REQUIRES(writer_mutex_);
  base::Status add_counts(const kube::ObjectKey& schedule, const std::string& schedule_uid,
                          const runner::RunCounts& more) REQUIRES(writer_mutex_);
  [[nodiscard]] base::Result<bool> is_remembered(const std::string& uid) REQUIRES(writer_mutex_);
  base::Status prune(std::vector<Dropped>& dropped) REQUIRES(writer_mutex_);
  base::Status prune_runs(std::vector<Dropped>& dropped) REQUIRES(writer_mutex_);

  const LedgerOptions options_;
  base::Clock& clock_;
  base::WallTime born_;  // constant after open()
  base::Mutex writer_mutex_;
  base::sqlite::Database writer_ GUARDED_BY(writer_mutex_);
  uint64_t writes_ GUARDED_BY(writer_mutex_) = 0;
  Durable durable_ GUARDED_BY(writer_mutex_) = Durable::Now;
  mutable base::Mutex reader_mutex_;
  mutable std::optional<base::sqlite::Database> reader_ GUARDED_BY(reader_mutex_);
};

}  // namespace monitor
