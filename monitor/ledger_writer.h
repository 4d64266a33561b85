#pragma once

// LedgerWriter: the one connection that writes the ledger: rows, counts, retention. Each call is
// one transaction: after a crash all of it is there or nothing, and the caller, who has seen no
// success, comes again.
//
// What is counted. A start counts when its row first appears, an outcome when its row first gets an
// end, a skipped stretch by what is new of it. What the floor of a schedule's status knew before
// its row came is owed: the row, if it comes later (it was lost with a file, or with the last
// moments before a power cut), pays it off instead of being counted again.
//
// Errors: those of base/sqlite. Threads: one at a time.

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/sqlite/sqlite.h"
#include "kube/resource_type.h"
#include "monitor/notice.h"
#include "runner/run_recorder.h"

namespace monitor {

// What the ledger keeps. Whatever is over a bound goes, the oldest first; runs that have not ended
// go last, since they will be recorded again.
struct LedgerRetention {
  size_t max_runs = 100'000;
  size_t max_skips = 100'000;
  // Hashes of dropped runs and of dropped skips, and schedules of which nothing else is left; each.
  size_t max_remembered = 1'000'000;
  // Since the end of a run or of a stretch. More than a year: a yearly run can be compared with the
  // one before.
  std::chrono::hours max_age{24 * 400};
  // Of the file's pages in use.
  uint64_t max_bytes = uint64_t{512} << 20;
};

// Whether anybody takes notices away.
enum class Notices { None, Kept };

struct DroppedRun {
  kube::ObjectKey run;
  std::string uid;
};

class LedgerWriter {
 public:
  // Makes the file, or brings its tables to this version. Corrupt when the file is damaged.
  static base::Result<std::unique_ptr<LedgerWriter>> open(const std::string& path,
                                                          const LedgerRetention& retention,
                                                          Notices notices, base::Clock& clock);

  // What retention drops on the way is appended to `dropped`; it is gone if the call succeeds.
  base::Status record_run(const runner::RunRecord& run, std::vector<DroppedRun>& dropped);
  // See Ledger::seed_run.
  base::Status seed_run(const runner::RunRecord& run, std::vector<DroppedRun>& dropped);
  base::Status record_skip(const runner::SkipRecord& skip, std::vector<DroppedRun>& dropped);
  base::Result<runner::RunCounts> counts(const kube::ObjectKey& schedule,
                                         const std::string& schedule_uid,
                                         const runner::RunCounts& floor,
                                         const std::string& trigger);
  base::Status handled(const std::string& schedule_uid, const std::string& trigger);
  base::Status drop_notice(int64_t id);
  base::Result<uint64_t> drop_notices_before(base::WallTime time);
  // Whether a notice was written down since the last call.
  [[nodiscard]] bool take_noticed() { return std::exchange(noticed_, false); }
  // Whether the disk takes writes: a small one that changes nothing.
  base::Status try_write();
  [[nodiscard]] bool still_there() const { return database_.still_there(); }

 private:
  enum class Durable { Soon, Now };  // now: survives power loss when the call returns

  LedgerWriter(base::sqlite::Database database, const LedgerRetention& retention, Notices notices,
               base::Clock& clock)
      : database_(std::move(database)), retention_(retention), notices_(notices), clock_(clock) {}
  base::Status set_durability(Durable durable);
  base::Status write_run(const runner::RunRecord& run);
  base::Result<bool> take_seeded_place(const runner::RunRecord& run);
  base::Status insert_run(const runner::RunRecord& run);
  base::Status update_run(const runner::RunRecord& run);
  base::Result<std::string> outcome_before(const runner::RunRecord& run);
  base::Status notice_outcome(const runner::RunRecord& run);
  base::Status write_notice(const std::optional<Notice>& notice);
  base::Status write_skip(const runner::SkipRecord& skip);
  base::Result<uint64_t> counted_of(const runner::SkipRecord& skip);
  base::Status count(const kube::ObjectKey& schedule, const std::string& schedule_uid,
                     runner::RunCounts more, base::WallTime when);
  base::Status pay_off(const std::string& schedule_uid, runner::RunCounts& more,
                       base::WallTime when);
  base::Status add_counts(const kube::ObjectKey& schedule, const std::string& schedule_uid,
                          const runner::RunCounts& more);
  base::Status write_trigger(const std::string& schedule_uid, const std::string& trigger);
  base::Status owe(const std::string& schedule_uid, const runner::RunCounts& more);
  base::Result<bool> is_remembered(const std::string& uid);
  base::Result<int64_t> number(const std::string& sql);
  base::Status prune(std::vector<DroppedRun>& dropped);
  base::Status prune_runs(std::vector<DroppedRun>& dropped);
  base::Status drop_runs(const std::string& which, int64_t limit, std::vector<DroppedRun>& dropped);
  base::Result<uint64_t> bytes_in_use();
  base::Status prune_skips();
  base::Status keep_newest(const char* table, const char* order, size_t limit);

  base::sqlite::Database database_;
  const LedgerRetention retention_;
  const Notices notices_;
  base::Clock& clock_;
  uint64_t writes_ = 0;
  bool noticed_ = false;
  Durable durable_ = Durable::Now;
};

}  // namespace monitor
