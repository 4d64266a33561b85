#pragma once

// LedgerReader: a read-only connection to the ledger and the questions it answers. It never waits
// for the writer.
//
// Errors: those of base/sqlite. Threads: one at a time.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/sqlite/sqlite.h"
#include "monitor/notice.h"
#include "runner/run_recorder.h"

namespace monitor {

enum class HistoryRows { RunsAndSkips, Runs };

enum class HistoryOrder { NewestFirst, SlowestFirst };

// From `from` until before `to`; nullopt = no bound.
struct Window {
  std::optional<base::WallTime> from;
  std::optional<base::WallTime> to;
};

struct HistoryQuery {
  std::string ns;        // "" = all
  std::string schedule;  // "" = all, those without a schedule as well
  std::string run;       // "" = all; else runs of that name, and no skips
  std::string state;     // "" = all; else runs in that state, and no skips
  // Only what ended, or was last skipped, then or later, and what has not ended.
  std::optional<base::WallTime> since;
  // Only runs that ended, and skips whose last slot was, in it, the last of them first.
  std::optional<Window> ended;
  // Of runs. The slowest are those that ended; how long one took counts from its creation.
  HistoryOrder order = HistoryOrder::NewestFirst;
  size_t limit = 100;  // of runs and of skips, each
  // Of the texts of all rows together; what follows is left out.
  size_t max_bytes = size_t{8} << 20;
  HistoryRows rows = HistoryRows::RunsAndSkips;
};

struct History {
  std::vector<runner::RunRecord> runs;  // newest first
  std::vector<runner::SkipRecord> skips;
  bool cut = false;  // max_bytes was reached
};

struct SummaryQuery {
  std::string ns;        // "" = all
  std::string schedule;  // "" = all of that namespace
  Window window;         // of the ends of runs, and of the last slots of skipped stretches
};

// Of the newest kMaxSummarized runs that ended in the window, and as many skipped stretches.
struct Summary {
  uint64_t completed = 0;
  uint64_t failed = 0;
  // From creation to end, of those that completed; by nearest rank. Set if one did.
  std::optional<std::chrono::milliseconds> p50;
  std::optional<std::chrono::milliseconds> p95;
  std::optional<std::chrono::milliseconds> longest;
  std::map<std::string, uint64_t> skipped;  // slots by reason
  bool cut = false;                         // there were more runs or stretches
};
inline constexpr size_t kMaxSummarized = 10'000;

class LedgerReader {
 public:
  static base::Result<LedgerReader> open(const std::string& path);

  base::Result<std::optional<runner::RunRecord>> run_of(const std::string& uid);
  base::Result<std::optional<runner::RunRecord>> find_run(const std::string& schedule_uid,
                                                          const std::string& name);
  base::Result<std::vector<runner::RunRecord>> runs_after(const std::string& schedule_uid,
                                                          base::WallTime slot);
  base::Result<History> history(const HistoryQuery& query);
  base::Result<Summary> summary(const SummaryQuery& query);
  // By reason.
  base::Result<std::map<std::string, uint64_t>> skip_counts(const std::string& schedule_uid);
  base::Result<std::vector<Notice>> notices(size_t limit);
  // Zero for a schedule that was never counted; kAllRuns is all of them.
  base::Result<runner::RunCounts> counts(const std::string& schedule_uid);
  base::Result<std::optional<std::string>> trigger(const std::string& schedule_uid);
  base::Result<std::optional<runner::Remembered>> remembered(const std::string& schedule_uid,
                                                             std::chrono::sys_seconds until);

 private:
  base::Result<std::optional<std::chrono::sys_seconds>> latest_slot(const std::string& schedule_uid,
                                                                    std::chrono::sys_seconds until);
  base::Result<std::vector<runner::RunRecord>> unfinished(const std::string& schedule_uid);
  explicit LedgerReader(base::sqlite::Database database) : database_(std::move(database)) {}
  base::Result<bool> is_wide(const HistoryQuery& query, const Window& window);
  base::Status read_runs(const HistoryQuery& query, size_t& bytes, History& history);
  base::Status read_skips(const HistoryQuery& query, size_t& bytes, History& history);

  base::sqlite::Database database_;
};

}  // namespace monitor
