#include "monitor/ledger.h"

#include <algorithm>
#include <utility>

#include "monitor/ledger_rows.h"

namespace monitor {

using base::Result;
using base::Status;
using base::WallTime;
using base::sqlite::Access;
using base::sqlite::Database;
using base::sqlite::Durability;
using base::sqlite::Statement;
using base::sqlite::Transaction;
using runner::RunCounts;
using runner::RunRecord;
using runner::SkipRecord;

namespace {

// Retention looks at the tables once in so many writes, so they may grow past their limits by it.
constexpr uint64_t kPruneEvery = 256;

int64_t millis(WallTime time) {
  return time.time_since_epoch().count();
}

// The name that the table of all runs has in `counts`: no UID is empty.
constexpr const char* kAllRuns = "";

RunCounts outcome_of(const RunRecord& run) {
  RunCounts counts;
  (run.state == "COMPLETED" ? counts.succeeded : counts.failed) = 1;
  return counts;
}

RunCounts read_counts(const Statement& row) {
  return {.started = static_cast<uint64_t>(row.integer(0)),
          .succeeded = static_cast<uint64_t>(row.integer(1)),
          .failed = static_cast<uint64_t>(row.integer(2)),
          .skipped = static_cast<uint64_t>(row.integer(3))};
}

Result<std::optional<RunCounts>> select_counts(Database& database, const std::string& uid) {
  ASSIGN_OR_RETURN(Statement query,
                   database.prepare("SELECT started, succeeded, failed, skipped FROM counts "
                                    "WHERE schedule_uid = ?"));
  ASSIGN_OR_RETURN(const bool found, query.bind(1, uid).step());
  if (!found) return std::optional<RunCounts>{};
  return std::optional<RunCounts>{read_counts(query)};
}

}  // namespace

Ledger::Ledger(LedgerOptions options, base::Clock& clock, Database writer)
    : options_(std::move(options)), clock_(clock), writer_(std::move(writer)) {}

Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::open(LedgerOptions options, base::Clock& clock) {
  ASSIGN_OR_RETURN(Database writer, Database::open(options.path, Durability::Full));
  std::unique_ptr<Ledger> ledger(new Ledger(std::move(options), clock, std::move(writer)));
  RETURN_IF_ERROR(ledger->set_up());
  return ledger;
}

Status Ledger::set_up() {
  {
    base::MutexLock lock(writer_mutex_);
    RETURN_IF_ERROR(writer_.migrate(ledger_migrations()));
    // Whole seconds: the API's times of creation are, and a run of this second counts.
    const auto now = std::chrono::floor<std::chrono::seconds>(clock_.now());
    ASSIGN_OR_RETURN(Statement insert,
                     writer_.prepare("INSERT OR IGNORE INTO ledger VALUES (1, ?)"));
    RETURN_IF_ERROR(insert.bind(1, millis(now)).run());
    ASSIGN_OR_RETURN(Statement query, writer_.prepare("SELECT born FROM ledger"));
    ASSIGN_OR_RETURN(const bool found, query.step());
    born_ = WallTime{std::chrono::milliseconds{found ? query.integer(0) : 0}};
  }
  base::MutexLock lock(reader_mutex_);
  ASSIGN_OR_RETURN(Database reader,
                   Database::open(options_.path, Durability::Normal, Access::ReadOnly));
  reader_.emplace(std::move(reader));
  return {};
}

// --- Writing -------------------------------------------------------------------------------------

// A start that is lost with the machine's power is recorded again at the next start, from the run
// itself. An outcome is not: once it is recorded, its run may be deleted.
Status Ledger::set_durability(Durable durable) {
  if (durable == durable_) return {};
  RETURN_IF_ERROR(writer_.execute(durable == Durable::Now ? "PRAGMA synchronous = FULL"
                                                          : "PRAGMA synchronous = NORMAL"));
  durable_ = durable;
  return {};
}

Status Ledger::record_run(const RunRecord& run) {
  std::vector<Dropped> dropped;
  {
    base::MutexLock lock(writer_mutex_);
    RETURN_IF_ERROR(set_durability(run.ended ? Durable::Now : Durable::Soon));
    ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(writer_));
    RETURN_IF_ERROR(write_run(run));
    RETURN_IF_ERROR(prune(dropped));
    // Row and counts are one transaction: after a crash both are there or neither, and the caller,
    // who has seen no success, records the run again.
    RETURN_IF_ERROR(transaction.commit());
  }
  if (options_.on_dropped)
    for (const Dropped& gone : dropped)
      options_.on_dropped(gone.run, gone.uid);
  return {};
}

Status Ledger::write_run(const RunRecord& run) {
  ASSIGN_OR_RETURN(Statement query, writer_.prepare("SELECT ended FROM runs WHERE uid = ?"));
  ASSIGN_OR_RETURN(const bool known, query.bind(1, run.uid).step());
  const bool has_ended = known && !query.is_null(0);
  RunCounts more;
  if (!known) {
    ASSIGN_OR_RETURN(const bool dropped, is_remembered(run.uid));
    if (dropped) return {};
    RETURN_IF_ERROR(insert_run(run));
    if (run.created >= born_) more.started = 1;
  } else if (!has_ended || run.ended) {
    RETURN_IF_ERROR(update_run(run));
  }
  if (run.ended && !has_ended && *run.ended >= born_) {
    const RunCounts outcome = outcome_of(run);
    more.succeeded = outcome.succeeded;
    more.failed = outcome.failed;
  }
  if (more == RunCounts{}) return {};
  RETURN_IF_ERROR(add_counts({}, kAllRuns, more));
  if (run.schedule_uid.empty()) return {};
  return add_counts(run.schedule, run.schedule_uid, more);
}

Status Ledger::insert_run(const RunRecord& run) {
  ASSIGN_OR_RETURN(Statement insert,
                   writer_.prepare("INSERT INTO runs (" + std::string(kRunColumns) +
                                   ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"));
  bind_run(insert, run);
  return insert.run();
}

// What is known already stays where the new record does not say it. The first outcome stands: it
// was counted.
Status Ledger::update_run(const RunRecord& run) {
  ASSIGN_OR_RETURN(
      Statement update,
      writer_.prepare(
          "UPDATE runs SET slot = coalesce(slot, ?6), submitted = coalesce(?9, submitted), "
          "started = coalesce(?10, started), state = iif(ended IS NULL, ?12, state), "
          "ended = coalesce(ended, ?11), attempts = max(attempts, ?13), "
          "exit_code = coalesce(?14, exit_code), message = iif(?15 = '', message, ?15), "
          "app_id = iif(?16 = '', app_id, ?16) WHERE uid = ?1"));
  bind_run(update, run);
  return update.run();
}

Status Ledger::record_skip(const SkipRecord& skip) {
  base::MutexLock lock(writer_mutex_);
  RETURN_IF_ERROR(set_durability(Durable::Now));
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(writer_));
  RETURN_IF_ERROR(write_skip(skip));
  std::vector<Dropped> dropped;
  RETURN_IF_ERROR(prune(dropped));
  return transaction.commit();
}

// A stretch that has grown since it was recorded keeps its first slot: only the rest is new.
Status Ledger::write_skip(const SkipRecord& skip) {
  ASSIGN_OR_RETURN(Statement query, writer_.prepare("SELECT count FROM skips WHERE "
                                                    "schedule_uid = ? AND from_time = ?"));
  query.bind(1, skip.schedule_uid).bind(2, skip.from.time_since_epoch().count());
  ASSIGN_OR_RETURN(const bool known, query.step());
  const uint64_t before = known ? static_cast<uint64_t>(query.integer(0)) : 0;
  if (skip.count <= before) return {};
  ASSIGN_OR_RETURN(Statement upsert,
                   writer_.prepare("INSERT INTO skips VALUES (?,?,?,?,?,?,?) ON CONFLICT DO UPDATE "
                                   "SET to_time = excluded.to_time, count = excluded.count"));
  RETURN_IF_ERROR(upsert.bind(1, skip.schedule_uid)
                      .bind(2, skip.from.time_since_epoch().count())
                      .bind(3, skip.to.time_since_epoch().count())
                      .bind(4, skip.schedule.ns)
                      .bind(5, skip.schedule.name)
                      .bind(6, static_cast<int64_t>(skip.count))
                      .bind(7, skip.reason)
                      .run());
  if (WallTime{skip.to} < born_) return {};
  const uint64_t more = skip.count - before;
  ASSIGN_OR_RETURN(Statement count,
                   writer_.prepare("INSERT INTO skip_counts VALUES (?,?,?) ON CONFLICT DO UPDATE "
                                   "SET count = count + excluded.count"));
  RETURN_IF_ERROR(count.bind(1, skip.schedule_uid)
                      .bind(2, skip.reason)
                      .bind(3, static_cast<int64_t>(more))
                      .run());
  RETURN_IF_ERROR(add_counts({}, kAllRuns, {.skipped = more}));
  return add_counts(skip.schedule, skip.schedule_uid, {.skipped = more});
}

Status Ledger::add_counts(const kube::ObjectKey& schedule, const std::string& schedule_uid,
                          const RunCounts& more) {
  ASSIGN_OR_RETURN(
      Statement upsert,
      writer_.prepare("INSERT INTO counts VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
                      "started = started + excluded.started, succeeded = succeeded + "
                      "excluded.succeeded, failed = failed + excluded.failed, skipped = skipped + "
                      "excluded.skipped, touched = excluded.touched"));
  return upsert.bind(1, schedule_uid)
      .bind(2, schedule.ns)
      .bind(3, schedule.name)
      .bind(4, static_cast<int64_t>(more.started))
      .bind(5, static_cast<int64_t>(more.succeeded))
      .bind(6, static_cast<int64_t>(more.failed))
      .bind(7, static_cast<int64_t>(more.skipped))
      .bind(8, millis(clock_.now()))
      .run();
}

Result<bool> Ledger::is_remembered(const std::string& uid) {
  ASSIGN_OR_RETURN(Statement query, writer_.prepare("SELECT 1 FROM dropped WHERE hash = ?"));
  return query.bind(1, hash_of(uid)).step();
}

Result<RunCounts> Ledger::counts(const kube::ObjectKey& schedule, const std::string& schedule_uid,
                                 const RunCounts& floor) {
  base::MutexLock lock(writer_mutex_);
  ASSIGN_OR_RETURN(const std::optional<RunCounts> known, select_counts(writer_, schedule_uid));
  const RunCounts now = known.value_or(RunCounts{});
  const auto missing = [](uint64_t at_least, uint64_t is) {
    return at_least > is ? at_least - is : 0;
  };
  const RunCounts more = {.started = missing(floor.started, now.started),
                          .succeeded = missing(floor.succeeded, now.succeeded),
                          .failed = missing(floor.failed, now.failed),
                          .skipped = missing(floor.skipped, now.skipped)};
  if (more == RunCounts{}) return now;
  RETURN_IF_ERROR(set_durability(Durable::Soon));
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(writer_));
  RETURN_IF_ERROR(add_counts({}, kAllRuns, more));
  RETURN_IF_ERROR(add_counts(schedule, schedule_uid, more));
  RETURN_IF_ERROR(transaction.commit());
  return RunCounts{.started = now.started + more.started,
                   .succeeded = now.succeeded + more.succeeded,
                   .failed = now.failed + more.failed,
                   .skipped = now.skipped + more.skipped};
}

// --- Retention -----------------------------------------------------------------------------------

Status Ledger::prune(std::vector<Dropped>& dropped) {
  if (++writes_ % kPruneEvery != 1) return {};
  RETURN_IF_ERROR(prune_runs(dropped));
  const auto keep_newest = [writer = &writer_](const char* table, const char* order,
                                               size_t limit) -> base::Status {
    const std::string name(table);
    ASSIGN_OR_RETURN(Statement remove,
                     writer->prepare("DELETE FROM " + name + " WHERE rowid IN (SELECT rowid FROM " +
                                     name + " ORDER BY " + order + " DESC LIMIT -1 OFFSET ?)"));
    return remove.bind(1, static_cast<int64_t>(limit)).run();
  };
  RETURN_IF_ERROR(keep_newest("skips", "to_time", options_.max_skips));
  RETURN_IF_ERROR(keep_newest("dropped", "at", options_.max_remembered));
  RETURN_IF_ERROR(
      keep_newest("counts", "schedule_uid = '' DESC, touched", options_.max_remembered));
  return writer_.execute(
      "DELETE FROM skip_counts WHERE schedule_uid NOT IN (SELECT schedule_uid FROM counts)");
}

// Only what has ended: an unfinished run will be recorded again, and must be found then.
Status Ledger::prune_runs(std::vector<Dropped>& dropped) {
  ASSIGN_OR_RETURN(Statement count, writer_.prepare("SELECT count(*) FROM runs"));
  ASSIGN_OR_RETURN(const bool counted, count.step());
  const int64_t excess = (counted ? count.integer(0) : 0) - static_cast<int64_t>(options_.max_runs);
  count.reset();
  if (excess <= 0) return {};
  ASSIGN_OR_RETURN(Statement oldest,
                   writer_.prepare("SELECT uid, ns, name FROM runs WHERE ended IS NOT NULL "
                                   "ORDER BY created LIMIT ?"));
  oldest.bind(1, excess);
  while (true) {
    ASSIGN_OR_RETURN(const bool row, oldest.step());
    if (!row) break;
    dropped.push_back(
        {.run = {.ns = std::string(oldest.text(1)), .name = std::string(oldest.text(2))},
         .uid = std::string(oldest.text(0))});
  }
  ASSIGN_OR_RETURN(Statement remember,
                   writer_.prepare("INSERT OR REPLACE INTO dropped VALUES (?, ?)"));
  ASSIGN_OR_RETURN(Statement remove, writer_.prepare("DELETE FROM runs WHERE uid = ?"));
  for (const Dropped& gone : dropped) {
    RETURN_IF_ERROR(remember.bind(1, hash_of(gone.uid)).bind(2, millis(clock_.now())).run());
    RETURN_IF_ERROR(remove.bind(1, gone.uid).run());
  }
  return {};
}

// --- Reading -------------------------------------------------------------------------------------

Result<std::optional<RunRecord>> Ledger::find_run(const std::string& schedule_uid,
                                                  const std::string& name) {
  base::MutexLock lock(reader_mutex_);
  ASSIGN_OR_RETURN(Statement query,
                   reader_->prepare("SELECT " + std::string(kRunColumns) +
                                    " FROM runs WHERE schedule_uid = ? AND name = ? "
                                    "ORDER BY created DESC LIMIT 1"));
  ASSIGN_OR_RETURN(const bool found, query.bind(1, schedule_uid).bind(2, name).step());
  if (!found) return std::optional<RunRecord>{};
  return std::optional<RunRecord>{read_run(query)};
}

Result<std::vector<RunRecord>> Ledger::runs_after(const std::string& schedule_uid,
                                                  base::WallTime slot) {
  std::vector<RunRecord> runs;
  base::MutexLock lock(reader_mutex_);
  ASSIGN_OR_RETURN(Statement query,
                   reader_->prepare("SELECT " + std::string(kRunColumns) +
                                    " FROM runs WHERE schedule_uid = ? AND slot > ? AND manual = 0 "
                                    "ORDER BY slot LIMIT ?"));
  query.bind(1, schedule_uid)
      .bind(2, static_cast<int64_t>(slot.time_since_epoch().count()))
      .bind(3, static_cast<int64_t>(kMaxRunsAfter));
  while (true) {
    ASSIGN_OR_RETURN(const bool row, query.step());
    if (!row) return runs;
    runs.push_back(read_run(query));
  }
}

Result<History> Ledger::history(const HistoryQuery& query) const {
  History history;
  const std::string where = " WHERE (?1 = '' OR ns = ?1) AND (?2 = '' OR schedule = ?2) ORDER BY ";
  const auto bind = [&query](Statement& statement) {
    statement.bind(1, query.ns).bind(2, query.schedule).bind(3, static_cast<int64_t>(query.limit));
  };
  base::MutexLock lock(reader_mutex_);
  ASSIGN_OR_RETURN(Statement runs,
                   reader_->prepare("SELECT " + std::string(kRunColumns) + " FROM runs" + where +
                                    "created DESC, rowid DESC LIMIT ?3"));
  bind(runs);
  while (true) {
    ASSIGN_OR_RETURN(const bool row, runs.step());
    if (!row) break;
    history.runs.push_back(read_run(runs));
  }
  ASSIGN_OR_RETURN(Statement skips,
                   reader_->prepare("SELECT ns, schedule, schedule_uid, from_time, to_time, "
                                    "count, reason FROM skips" +
                                    where + "to_time DESC LIMIT ?3"));
  bind(skips);
  while (true) {
    ASSIGN_OR_RETURN(const bool row, skips.step());
    if (!row) break;
    history.skips.push_back(read_skip(skips));
  }
  return history;
}

Result<std::map<std::string, std::map<std::string, uint64_t>>> Ledger::skip_counts() const {
  std::map<std::string, std::map<std::string, uint64_t>> all;
  base::MutexLock lock(reader_mutex_);
  ASSIGN_OR_RETURN(Statement query,
                   reader_->prepare("SELECT schedule_uid, reason, count FROM skip_counts"));
  while (true) {
    ASSIGN_OR_RETURN(const bool row, query.step());
    if (!row) return all;
    all[std::string(query.text(0))][std::string(query.text(1))] =
        static_cast<uint64_t>(query.integer(2));
  }
}

Result<RunCounts> Ledger::totals() const {
  base::MutexLock lock(reader_mutex_);
  ASSIGN_OR_RETURN(const std::optional<RunCounts> counts, select_counts(*reader_, kAllRuns));
  return counts.value_or(RunCounts{});
}

}  // namespace monitor
