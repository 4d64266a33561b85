#include "monitor/ledger_reader.h"

#include <utility>

#include "monitor/ledger_rows.h"

namespace monitor {

using base::Result;
using base::Status;
using base::sqlite::Access;
using base::sqlite::Database;
using base::sqlite::Durability;
using base::sqlite::Statement;
using runner::RunCounts;
using runner::RunRecord;
using runner::SkipRecord;

namespace {

// Of one schedule an index is used, whose columns must be named plainly for that.
std::string history_of(const HistoryQuery& query) {
  if (!query.ns.empty() && !query.schedule.empty()) return " WHERE ns = ?1 AND schedule = ?2";
  return " WHERE (?1 = '' OR ns = ?1) AND (?2 = '' OR schedule = ?2)";
}

void bind(Statement& statement, const HistoryQuery& query) {
  statement.bind(1, query.ns).bind(2, query.schedule).bind(3, static_cast<int64_t>(query.limit));
}

size_t text_bytes(const RunRecord& run) {
  return sizeof(RunRecord) + run.message.size() + run.app_id.size() + run.name.size() +
         run.schedule.ns.size() + run.schedule.name.size();
}

}  // namespace

Result<LedgerReader> LedgerReader::open(const std::string& path) {
  ASSIGN_OR_RETURN(Database database, Database::open(path, Durability::Normal, Access::ReadOnly));
  return LedgerReader(std::move(database));
}

Result<std::optional<RunRecord>> LedgerReader::run_of(const std::string& uid) {
  ASSIGN_OR_RETURN(Statement query, database_.prepare("SELECT " + std::string(kRunColumns) +
                                                      " FROM runs WHERE uid = ?"));
  ASSIGN_OR_RETURN(const bool found, query.bind(1, uid).step());
  if (!found) return std::optional<RunRecord>{};
  return std::optional<RunRecord>{read_run(query)};
}

Result<std::optional<RunRecord>> LedgerReader::find_run(const std::string& schedule_uid,
                                                        const std::string& name) {
  ASSIGN_OR_RETURN(Statement query,
                   database_.prepare("SELECT " + std::string(kRunColumns) +
                                     " FROM runs WHERE schedule_uid = ? AND name = ? "
                                     "ORDER BY created DESC LIMIT 1"));
  ASSIGN_OR_RETURN(const bool found, query.bind(1, schedule_uid).bind(2, name).step());
  if (!found) return std::optional<RunRecord>{};
  return std::optional<RunRecord>{read_run(query)};
}

Result<std::vector<RunRecord>> LedgerReader::runs_after(const std::string& schedule_uid,
                                                        base::WallTime slot) {
  std::vector<RunRecord> runs;
  ASSIGN_OR_RETURN(Statement query,
                   database_.prepare("SELECT " + std::string(kRunColumns) +
                                     " FROM runs WHERE schedule_uid = ? AND slot > ? AND manual = "
                                     "0 ORDER BY slot LIMIT ?"));
  query.bind(1, schedule_uid)
      .bind(2, static_cast<int64_t>(slot.time_since_epoch().count()))
      .bind(3, static_cast<int64_t>(runner::RunRecorder::kMaxRunsAfter));
  while (true) {
    ASSIGN_OR_RETURN(const bool row, query.step());
    if (!row) return runs;
    runs.push_back(read_run(query));
  }
}

Result<History> LedgerReader::history(const HistoryQuery& query) {
  History history;
  size_t bytes = 0;
  RETURN_IF_ERROR(read_runs(query, bytes, history));
  RETURN_IF_ERROR(read_skips(query, bytes, history));
  return history;
}

Status LedgerReader::read_runs(const HistoryQuery& query, size_t& bytes, History& history) {
  ASSIGN_OR_RETURN(
      Statement runs,
      database_.prepare("SELECT " + std::string(kRunColumns) + " FROM runs" + history_of(query) +
                        " AND (?4 = '' OR name = ?4) AND (?5 = '' OR state = ?5) AND (?6 IS NULL "
                        "OR ended IS NULL OR ended >= ?6) ORDER BY created DESC, rowid "
                        "DESC LIMIT ?3"));
  bind(runs, query);
  runs.bind(4, query.run).bind(5, query.state);
  if (query.since)
    runs.bind(6, query.since->time_since_epoch().count());
  else
    runs.bind_null(6);
  while (true) {
    ASSIGN_OR_RETURN(const bool row, runs.step());
    if (!row) return {};
    RunRecord run = read_run(runs);
    bytes += text_bytes(run);
    if (bytes > query.max_bytes) {
      history.cut = true;
      return {};
    }
    history.runs.push_back(std::move(run));
  }
}

Status LedgerReader::read_skips(const HistoryQuery& query, size_t& bytes, History& history) {
  if (!query.run.empty() || !query.state.empty() || query.rows == HistoryRows::Runs) return {};
  ASSIGN_OR_RETURN(Statement skips,
                   database_.prepare("SELECT ns, schedule, schedule_uid, from_time, to_time, "
                                     "count, reason FROM skips" +
                                     history_of(query) +
                                     " AND (?4 IS NULL OR to_time >= ?4) ORDER BY to_time DESC "
                                     "LIMIT ?3"));
  bind(skips, query);
  if (query.since)
    skips.bind(4, std::chrono::ceil<std::chrono::seconds>(*query.since).time_since_epoch().count());
  else
    skips.bind_null(4);
  while (true) {
    ASSIGN_OR_RETURN(const bool row, skips.step());
    if (!row) return {};
    SkipRecord skip = read_skip(skips);
    bytes += sizeof(SkipRecord) + skip.schedule.ns.size() + skip.schedule.name.size();
    if (bytes > query.max_bytes) {
      history.cut = true;
      return {};
    }
    history.skips.push_back(std::move(skip));
  }
}

Result<std::map<std::string, uint64_t>> LedgerReader::skip_counts(const std::string& schedule_uid) {
  std::map<std::string, uint64_t> counts;
  ASSIGN_OR_RETURN(Statement query, database_.prepare("SELECT reason, count FROM skip_counts WHERE "
                                                      "schedule_uid = ?"));
  query.bind(1, schedule_uid);
  while (true) {
    ASSIGN_OR_RETURN(const bool row, query.step());
    if (!row) return counts;
    counts[std::string(query.text(0))] = static_cast<uint64_t>(query.integer(1));
  }
}

Result<std::vector<Notice>> LedgerReader::notices(size_t limit) {
  return select_notices(database_, limit);
}

Result<RunCounts> LedgerReader::counts(const std::string& schedule_uid) {
  return select_counts(database_, schedule_uid);
}

}  // namespace monitor
