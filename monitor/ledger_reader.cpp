#include "monitor/ledger_reader.h"

#include <algorithm>
#include <cstddef>
#include <limits>
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

// The ends of a window that is open are those of what can be written down.
constexpr int64_t kEver = std::numeric_limits<int64_t>::max();

int64_t from_of(const Window& window) {
  return window.from ? window.from->time_since_epoch().count() : -kEver;
}

int64_t to_of(const Window& window) {
  return window.to ? window.to->time_since_epoch().count() : kEver;
}

// Skips are whole seconds: those from `from` on.
int64_t seconds_from(int64_t millis) {
  const int64_t seconds = millis / 1000;
  return millis > 0 && millis % 1000 != 0 ? seconds + 1 : seconds;
}

// Whose rows: parameters 1 and 2. Columns are named plainly, and only those that are asked for, so
// that an index is used that begins with them; a condition for every question at once uses none.
// The highest parameter of a statement must be there; those below need not.
std::string whose(const std::string& ns, const std::string& schedule) {
  std::string where;
  if (!ns.empty()) where += " AND ns = ?1";
  if (!schedule.empty()) where += " AND schedule = ?2";
  return where;
}

// Whether a window has so many runs that they are better looked for in the order of the answer than
// one by one.
enum class Wide { No, Yes };
constexpr int64_t kFew = 20'000;

// Parameters: 3 name, 4 state, 5 since, 6 and 7 the window, 8 the limit.
std::string runs_of(const HistoryQuery& query, Wide wide) {
  const std::string select = "SELECT " + std::string(kRunColumns) + " FROM runs";
  std::string where = whose(query.ns, query.schedule);
  if (!query.run.empty()) where += " AND name = ?3";
  // The indexes of what is asked for besides are better than that of a state.
  const bool slowest = query.order == HistoryOrder::SlowestFirst;
  if (!query.state.empty())
    where += slowest || query.ended ? " AND +state = ?4" : " AND state = ?4";
  if (slowest || query.ended) where += " AND ended >= ?6 AND ended < ?7";
  if (slowest)
    return select + (wide == Wide::Yes ? " INDEXED BY runs_by_duration" : "") + " WHERE true" +
           where + " ORDER BY ended - created DESC LIMIT ?8";
  if (query.ended) return select + " WHERE true" + where + " ORDER BY ended DESC LIMIT ?8";
  constexpr const char* kNewestFirst = " ORDER BY created DESC, rowid DESC LIMIT ?8";
  if (!query.since) return select + " WHERE true" + where + kNewestFirst;
  if (wide == Wide::Yes)
    return select + " WHERE true" + where + " AND (ended IS NULL OR +ended >= ?5)" + kNewestFirst;
  return select +
         " NOT INDEXED WHERE rowid IN (SELECT rowid FROM runs WHERE ended >= ?5 UNION ALL SELECT "
         "rowid FROM runs WHERE ended IS NULL)" +
         where + kNewestFirst;
}

// The value that `percent` of them do not exceed.
std::optional<std::chrono::milliseconds> rank_of(std::vector<std::chrono::milliseconds>& durations,
                                                 size_t percent) {
  if (durations.empty()) return std::nullopt;
  const size_t rank = (durations.size() * percent + 99) / 100;
  const auto at = durations.begin() + static_cast<std::ptrdiff_t>(rank - 1);
  std::nth_element(durations.begin(), at, durations.end());
  return *at;
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
                                     " FROM runs WHERE schedule_uid = ? AND name = ?"));
  query.bind(1, schedule_uid).bind(2, name);
  // Namesakes are rare: to have them sorted costs each start more than the search.
  std::optional<RunRecord> newest;
  while (true) {
    ASSIGN_OR_RETURN(const bool row, query.step());
    if (!row) return newest;
    RunRecord run = read_run(query);
    if (!newest || run.created > newest->created) newest = std::move(run);
  }
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

Result<std::optional<std::string>> LedgerReader::trigger(const std::string& schedule_uid) {
  return select_trigger(database_, schedule_uid);
}

Result<std::optional<runner::Remembered>> LedgerReader::remembered(const std::string& schedule_uid,
                                                                   std::chrono::sys_seconds until) {
  ASSIGN_OR_RETURN(const auto trigger, select_trigger(database_, schedule_uid));
  if (!trigger) return std::optional<runner::Remembered>{};
  runner::Remembered known;
  known.trigger = *trigger;
  ASSIGN_OR_RETURN(known.counts, select_counts(database_, schedule_uid));
  ASSIGN_OR_RETURN(known.latest, latest_slot(schedule_uid, until));
  ASSIGN_OR_RETURN(known.unfinished, unfinished(schedule_uid));
  return std::optional<runner::Remembered>{std::move(known)};
}

Result<std::optional<std::chrono::sys_seconds>> LedgerReader::latest_slot(
    const std::string& schedule_uid, std::chrono::sys_seconds until) {
  ASSIGN_OR_RETURN(
      Statement query,
      database_.prepare(
          "SELECT max(slot) FROM (SELECT max(slot) / 1000 AS slot FROM runs WHERE schedule_uid = "
          "?1 AND manual = 0 AND slot <= ?2 * 1000 UNION ALL SELECT max(to_time) FROM skips WHERE "
          "schedule_uid = ?1 AND to_time <= ?2)"));
  ASSIGN_OR_RETURN(const bool found,
                   query.bind(1, schedule_uid).bind(2, until.time_since_epoch().count()).step());
  if (!found || query.is_null(0)) return std::optional<std::chrono::sys_seconds>{};
  return std::optional(std::chrono::sys_seconds{std::chrono::seconds{query.integer(0)}});
}

Result<std::vector<RunRecord>> LedgerReader::unfinished(const std::string& schedule_uid) {
  std::vector<RunRecord> runs;
  ASSIGN_OR_RETURN(Statement query,
                   database_.prepare("SELECT " + std::string(kRunColumns) +
                                     " FROM runs WHERE schedule_uid = ? AND ended IS NULL ORDER BY "
                                     "created LIMIT ?"));
  query.bind(1, schedule_uid).bind(2, static_cast<int64_t>(runner::RunRecorder::kMaxRunsAfter));
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

Result<bool> LedgerReader::is_wide(const HistoryQuery& query, const Window& window) {
  const std::string these =
      query.order == HistoryOrder::SlowestFirst ? whose(query.ns, query.schedule) : "";
  ASSIGN_OR_RETURN(Statement count,
                   database_.prepare("SELECT count(*) FROM (SELECT 1 FROM runs WHERE ended >= ?3 "
                                     "AND ended < ?4" +
                                     these + " LIMIT ?5)"));
  count.bind(1, query.ns)
      .bind(2, query.schedule)
      .bind(3, from_of(window))
      .bind(4, to_of(window))
      .bind(5, kFew);
  ASSIGN_OR_RETURN(const bool found, count.step());
  return found && count.integer(0) >= kFew;
}

Status LedgerReader::read_runs(const HistoryQuery& query, size_t& bytes, History& history) {
  const Window window = query.ended.value_or(Window{});
  bool wide = false;
  if (query.order == HistoryOrder::SlowestFirst) {
    ASSIGN_OR_RETURN(wide, is_wide(query, window));
  } else if (query.since && !query.ended) {
    ASSIGN_OR_RETURN(wide, is_wide(query, {.from = query.since, .to = {}}));
  }
  ASSIGN_OR_RETURN(Statement runs, database_.prepare(runs_of(query, wide ? Wide::Yes : Wide::No)));
  runs.bind(1, query.ns)
      .bind(2, query.schedule)
      .bind(3, query.run)
      .bind(4, query.state)
      .bind(5, query.since ? query.since->time_since_epoch().count() : 0)
      .bind(6, from_of(window))
      .bind(7, to_of(window))
      .bind(8, static_cast<int64_t>(query.limit));
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
  Window window = query.ended.value_or(Window{});
  if (query.since && (!window.from || *window.from < *query.since)) window.from = query.since;
  ASSIGN_OR_RETURN(
      Statement skips,
      database_.prepare("SELECT ns, schedule, schedule_uid, from_time, to_time, "
                        "count, reason FROM skips WHERE to_time >= ?3 AND to_time < "
                        "?4" +
                        whose(query.ns, query.schedule) + " ORDER BY to_time DESC LIMIT ?5"));
  skips.bind(1, query.ns)
      .bind(2, query.schedule)
      .bind(3, seconds_from(from_of(window)))
      .bind(4, seconds_from(to_of(window)))
      .bind(5, static_cast<int64_t>(query.limit));
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

Result<Summary> LedgerReader::summary(const SummaryQuery& query) {
  const auto bind = [&](Statement& statement) {
    statement.bind(1, query.ns).bind(2, query.schedule);
  };
  Summary summary;
  ASSIGN_OR_RETURN(
      Statement runs,
      database_.prepare(
          "SELECT state = 'COMPLETED', ended - created FROM runs WHERE ended >= ?3 AND "
          "ended < ?4" +
          whose(query.ns, query.schedule) + " ORDER BY ended DESC LIMIT ?5"));
  bind(runs);
  runs.bind(3, from_of(query.window))
      .bind(4, to_of(query.window))
      .bind(5, static_cast<int64_t>(kMaxSummarized) + 1);
  std::vector<std::chrono::milliseconds> durations;
  for (size_t rows = 0;; ++rows) {
    ASSIGN_OR_RETURN(const bool row, runs.step());
    if (!row) break;
    summary.cut = rows == kMaxSummarized;
    if (summary.cut) break;
    ++(runs.integer(0) != 0 ? summary.completed : summary.failed);
    // Clocks are set back now and then.
    if (runs.integer(0) != 0) durations.emplace_back(std::max<int64_t>(runs.integer(1), 0));
  }
  summary.p50 = rank_of(durations, 50);
  summary.p95 = rank_of(durations, 95);
  summary.longest = rank_of(durations, 100);
  ASSIGN_OR_RETURN(
      Statement skips,
      database_.prepare("SELECT reason, count FROM skips WHERE to_time >= ?3 AND "
                        "to_time < ?4" +
                        whose(query.ns, query.schedule) + " ORDER BY to_time DESC LIMIT ?5"));
  bind(skips);
  skips.bind(3, seconds_from(from_of(query.window)))
      .bind(4, seconds_from(to_of(query.window)))
      .bind(5, static_cast<int64_t>(kMaxSummarized) + 1);
  for (size_t rows = 0;; ++rows) {
    ASSIGN_OR_RETURN(const bool row, skips.step());
    if (!row) return summary;
    if (rows == kMaxSummarized) {
      summary.cut = true;
      return summary;
    }
    summary.skipped[std::string(skips.text(0))] += static_cast<uint64_t>(skips.integer(1));
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
