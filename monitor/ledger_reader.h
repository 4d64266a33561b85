#pragma once

// LedgerReader: a read-only connection to the ledger and the questions it answers. It never waits
// for the writer.
//
// Errors: those of base/sqlite. Threads: one at a time.

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

struct HistoryQuery {
  std::string ns;        // "" = all
  std::string schedule;  // "" = all, those without a schedule as well
  std::string run;       // "" = all; else runs of that name, and no skips
  std::string state;     // "" = all; else runs in that state, and no skips
  // Only what ended, or was last skipped, then or later, and what has not ended.
  std::optional<base::WallTime> since;
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

class LedgerReader {
 public:
  static base::Result<LedgerReader> open(const std::string& path);

  base::Result<std::optional<runner::RunRecord>> run_of(const std::string& uid);
  base::Result<std::optional<runner::RunRecord>> find_run(const std::string& schedule_uid,
                                                          const std::string& name);
  base::Result<std::vector<runner::RunRecord>> runs_after(const std::string& schedule_uid,
                                                          base::WallTime slot);
  base::Result<History> history(const HistoryQuery& query);
  // By reason.
  base::Result<std::map<std::string, uint64_t>> skip_counts(const std::string& schedule_uid);
  base::Result<std::vector<Notice>> notices(size_t limit);
  // Zero for a schedule that was never counted; kAllRuns is all of them.
  base::Result<runner::RunCounts> counts(const std::string& schedule_uid);

 private:
  explicit LedgerReader(base::sqlite::Database database) : database_(std::move(database)) {}
  base::Status read_runs(const HistoryQuery& query, size_t& bytes, History& history);
  base::Status read_skips(const HistoryQuery& query, size_t& bytes, History& history);

  base::sqlite::Database database_;
};

}  // namespace monitor
