#include "monitor/ledger_writer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "monitor/ledger_rows.h"

namespace monitor {

using base::Result;
using base::Status;
using base::WallTime;
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
// What is too old goes in small portions: a clock that is wrong for a moment must not cost a year.
constexpr int64_t kMaxAgedPortion = 512;
// Free pages that go back to the system at a time.
constexpr int kVacuumPages = 256;
// A sound file of the size that retention allows takes a second or two.
constexpr std::chrono::milliseconds kMaxCheck{5'000};

int64_t millis(WallTime time) {
  return time.time_since_epoch().count();
}

RunCounts outcome_of(const RunRecord& run) {
  RunCounts counts;
  (run.state == "COMPLETED" ? counts.succeeded : counts.failed) = 1;
  return counts;
}

RunCounts minus(const RunCounts& left, const RunCounts& right) {
  const auto rest = [](uint64_t a, uint64_t b) { return a > b ? a - b : 0; };
  return {.started = rest(left.started, right.started),
          .succeeded = rest(left.succeeded, right.succeeded),
          .failed = rest(left.failed, right.failed),
          .skipped = rest(left.skipped, right.skipped)};
}

void bind_counts(Statement& statement, int position, const RunCounts& counts) {
  statement.bind(position, static_cast<int64_t>(counts.started))
      .bind(position + 1, static_cast<int64_t>(counts.succeeded))
      .bind(position + 2, static_cast<int64_t>(counts.failed))
      .bind(position + 3, static_cast<int64_t>(counts.skipped));
}

}  // namespace

Result<std::unique_ptr<LedgerWriter>> LedgerWriter::open(const std::string& path,
                                                         const LedgerRetention& retention,
                                                         Notices notices, base::Clock& clock) {
  ASSIGN_OR_RETURN(Database database, Database::open(path, Durability::Full));
  RETURN_IF_ERROR(database.check(clock, kMaxCheck));
  // A file with a version of ours and without our tables is damaged, too.
  const auto damaged = [](base::Error error) {
    if (error.code == base::Code::Internal) error.code = base::Code::Corrupt;
    return base::failure(std::move(error));
  };
  if (auto migrated = database.migrate(ledger_migrations()); !migrated)
    return damaged(std::move(migrated).error());
  std::unique_ptr<LedgerWriter> writer(
      new LedgerWriter(std::move(database), retention, notices, clock));
  if (auto tables =
          writer->number("SELECT count(*) FROM runs, skips, counts, skip_counts, dropped, "
                         "dropped_skips, owed, notices, decided WHERE 0");
      !tables)
    return damaged(std::move(tables).error());
  return writer;
}

// A start that is lost with the machine's power is recorded again at the next start, from the run
// itself. An outcome is not: once it is recorded, its run may be deleted.
Status LedgerWriter::set_durability(Durable durable) {
  if (durable == durable_) return {};
  RETURN_IF_ERROR(database_.execute(durable == Durable::Now ? "PRAGMA synchronous = FULL"
                                                            : "PRAGMA synchronous = NORMAL"));
  durable_ = durable;
  return {};
}

Status LedgerWriter::try_write() {
  RETURN_IF_ERROR(set_durability(Durable::Now));
  return database_.try_write();
}

// --- Runs ----------------------------------------------------------------------------------------

Status LedgerWriter::record_run(const RunRecord& run, std::vector<DroppedRun>& dropped) {
  RETURN_IF_ERROR(set_durability(run.ended ? Durable::Now : Durable::Soon));
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(database_));
  RETURN_IF_ERROR(write_run(run));
  RETURN_IF_ERROR(prune(dropped));
  return transaction.commit();
}

Status LedgerWriter::seed_run(const RunRecord& run, std::vector<DroppedRun>& dropped) {
  ASSIGN_OR_RETURN(Statement query,
                   database_.prepare("SELECT 1 FROM runs WHERE schedule_uid = ? AND name = ?"));
  ASSIGN_OR_RETURN(const bool known, query.bind(1, run.schedule_uid).bind(2, run.name).step());
  query.reset();
  if (known) return {};
  RunRecord seeded = run;
  seeded.uid = seeded_uid(run);
  return record_run(seeded, dropped);
}

// The run whose row came from a status before: that row is now its own.
Result<bool> LedgerWriter::take_seeded_place(const RunRecord& run) {
  if (run.schedule_uid.empty()) return false;
  ASSIGN_OR_RETURN(Statement rename,
                   database_.prepare("UPDATE runs SET uid = ?, created = ? WHERE uid = ?"));
  RETURN_IF_ERROR(
      rename.bind(1, run.uid).bind(2, millis(run.created)).bind(3, seeded_uid(run)).run());
  return database_.changes() > 0;
}

Status LedgerWriter::write_run(const RunRecord& run) {
  ASSIGN_OR_RETURN(Statement query, database_.prepare("SELECT ended FROM runs WHERE uid = ?"));
  ASSIGN_OR_RETURN(bool known, query.bind(1, run.uid).step());
  bool has_ended = known && !query.is_null(0);
  query.reset();
  if (!known) {
    ASSIGN_OR_RETURN(known, take_seeded_place(run));
    has_ended = known;
  }
  if (!known) {
    ASSIGN_OR_RETURN(const bool dropped, is_remembered(run.uid));
    if (dropped) return {};
    RETURN_IF_ERROR(insert_run(run));
    RETURN_IF_ERROR(count(run.schedule, run.schedule_uid, {.started = 1}, run.created));
  } else if (!has_ended || run.ended) {
    RETURN_IF_ERROR(update_run(run));
  }
  if (!run.ended || has_ended) return {};
  RETURN_IF_ERROR(notice_outcome(run));
  return count(run.schedule, run.schedule_uid, outcome_of(run), *run.ended);
}

Status LedgerWriter::insert_run(const RunRecord& run) {
  ASSIGN_OR_RETURN(Statement insert,
                   database_.prepare("INSERT INTO runs (" + std::string(kRunColumns) +
                                     ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"));
  bind_run(insert, run);
  return insert.run();
}

// What is known already stays where the new record does not say it. The first outcome stands: it
// was counted.
Status LedgerWriter::update_run(const RunRecord& run) {
  ASSIGN_OR_RETURN(
      Statement update,
      database_.prepare(
          "UPDATE runs SET slot = coalesce(slot, ?6), submitted = coalesce(?9, submitted), "
          "started = coalesce(?10, started), state = iif(ended IS NULL AND ?12 <> '', ?12, state), "
          "ended = coalesce(ended, ?11), attempts = max(attempts, ?13), "
          "exit_code = coalesce(?14, exit_code), message = iif(?15 = '', message, ?15), "
          "app_id = iif(?16 = '', app_id, ?16), first_started = coalesce(first_started, ?17), "
          "executors = max(executors, ?18) WHERE uid = ?1"));
  bind_run(update, run);
  return update.run();
}

Result<bool> LedgerWriter::is_remembered(const std::string& uid) {
  ASSIGN_OR_RETURN(Statement query, database_.prepare("SELECT 1 FROM dropped WHERE hash = ?"));
  return query.bind(1, hash_of(uid)).step();
}

// --- Notices -------------------------------------------------------------------------------------

// The state in which the schedule's run ended that ended before this one; "" = there is none.
Result<std::string> LedgerWriter::outcome_before(const RunRecord& run) {
  if (run.schedule_uid.empty()) return std::string();
  ASSIGN_OR_RETURN(Statement query,
                   database_.prepare("SELECT state FROM runs WHERE schedule_uid = ?1 AND ended <= "
                                     "?2 AND uid <> ?3 ORDER BY ended DESC LIMIT 1"));
  query.bind(1, run.schedule_uid).bind(2, millis(*run.ended)).bind(3, run.uid);
  ASSIGN_OR_RETURN(const bool found, query.step());
  return found ? std::string(query.text(0)) : std::string();
}

Status LedgerWriter::notice_outcome(const RunRecord& run) {
  if (notices_ == Notices::None) return {};
  ASSIGN_OR_RETURN(const std::string before, outcome_before(run));
  return write_notice(notice_of(run, before, clock_.now()));
}

Status LedgerWriter::write_notice(const std::optional<Notice>& notice) {
  if (!notice) return {};
  noticed_ = true;
  return insert_notice(database_, *notice);
}

Status LedgerWriter::drop_notice(int64_t id) {
  RETURN_IF_ERROR(set_durability(Durable::Soon));
  return delete_notice(database_, id);
}

Result<uint64_t> LedgerWriter::drop_notices_before(WallTime time) {
  RETURN_IF_ERROR(set_durability(Durable::Soon));
  return delete_notices_before(database_, time);
}

// --- Skips ---------------------------------------------------------------------------------------

Status LedgerWriter::record_skip(const SkipRecord& skip, std::vector<DroppedRun>& dropped) {
  RETURN_IF_ERROR(set_durability(Durable::Now));
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(database_));
  RETURN_IF_ERROR(write_skip(skip));
  RETURN_IF_ERROR(prune(dropped));
  return transaction.commit();
}

// How much of the stretch is counted already: as a row, or by what is left of a dropped one.
Result<uint64_t> LedgerWriter::counted_of(const SkipRecord& skip) {
  ASSIGN_OR_RETURN(
      Statement query,
      database_.prepare("SELECT count FROM skips WHERE schedule_uid = ?1 AND from_time = ?2 UNION "
                        "ALL SELECT count FROM dropped_skips WHERE hash = ?3 ORDER BY 1 DESC"));
  query.bind(1, skip.schedule_uid)
      .bind(2, skip.from.time_since_epoch().count())
      .bind(3, hash_of(skip.schedule_uid, skip.from));
  ASSIGN_OR_RETURN(const bool known, query.step());
  return known ? static_cast<uint64_t>(query.integer(0)) : 0;
}

// A stretch that has grown since it was recorded keeps its first slot: only the rest is new.
Status LedgerWriter::write_skip(const SkipRecord& skip) {
  ASSIGN_OR_RETURN(const uint64_t before, counted_of(skip));
  if (skip.count <= before) return {};
  ASSIGN_OR_RETURN(Statement upsert,
                   database_.prepare("INSERT INTO skips VALUES (?,?,?,?,?,?,?) ON CONFLICT DO "
                                     "UPDATE SET to_time = excluded.to_time, count = "
                                     "excluded.count"));
  RETURN_IF_ERROR(upsert.bind(1, skip.schedule_uid)
                      .bind(2, skip.from.time_since_epoch().count())
                      .bind(3, skip.to.time_since_epoch().count())
                      .bind(4, skip.schedule.ns)
                      .bind(5, skip.schedule.name)
                      .bind(6, static_cast<int64_t>(skip.count))
                      .bind(7, skip.reason)
                      .run());
  const uint64_t more = skip.count - before;
  if (notices_ == Notices::Kept) RETURN_IF_ERROR(write_notice(notice_of(skip, more, clock_.now())));
  ASSIGN_OR_RETURN(Statement by_reason,
                   database_.prepare("INSERT INTO skip_counts VALUES (?,?,?) ON CONFLICT DO UPDATE "
                                     "SET count = count + excluded.count"));
  RETURN_IF_ERROR(by_reason.bind(1, skip.schedule_uid)
                      .bind(2, skip.reason)
                      .bind(3, static_cast<int64_t>(more))
                      .run());
  return count(skip.schedule, skip.schedule_uid, {.skipped = more}, skip.to);
}

// --- Counts --------------------------------------------------------------------------------------

Status LedgerWriter::count(const kube::ObjectKey& schedule, const std::string& schedule_uid,
                           RunCounts more, WallTime when) {
  if (!schedule_uid.empty()) RETURN_IF_ERROR(pay_off(schedule_uid, more, when));
  if (more == RunCounts{}) return {};
  RETURN_IF_ERROR(add_counts({}, kAllRuns, more));
  if (schedule_uid.empty()) return {};
  return add_counts(schedule, schedule_uid, more);
}

// Takes from `more` what the floor has told before, and from what is owed as much. What is from
// after now was seen by a clock that was wrong, so before, too.
Status LedgerWriter::pay_off(const std::string& schedule_uid, RunCounts& more, WallTime when) {
  ASSIGN_OR_RETURN(Statement query,
                   database_.prepare("SELECT started, succeeded, failed, skipped FROM owed WHERE "
                                     "schedule_uid = ? AND (at > ? OR ?)"));
  query.bind(1, schedule_uid).bind(2, millis(when)).bind(3, int64_t{when > clock_.now()});
  ASSIGN_OR_RETURN(const bool found, query.step());
  if (!found) return {};
  const RunCounts owed = read_counts(query);
  query.reset();
  const RunCounts rest = minus(owed, more);
  more = minus(more, owed);
  if (rest == owed) return {};
  ASSIGN_OR_RETURN(Statement update,
                   database_.prepare("UPDATE owed SET started = ?1, succeeded = ?2, failed = ?3, "
                                     "skipped = ?4 WHERE schedule_uid = ?5"));
  bind_counts(update, 1, rest);
  return update.bind(5, schedule_uid).run();
}

Status LedgerWriter::add_counts(const kube::ObjectKey& schedule, const std::string& schedule_uid,
                                const RunCounts& more) {
  ASSIGN_OR_RETURN(Statement upsert,
                   database_.prepare(
                       "INSERT INTO counts VALUES (?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
                       "started = started + excluded.started, succeeded = succeeded + "
                       "excluded.succeeded, failed = failed + excluded.failed, skipped = skipped + "
                       "excluded.skipped, touched = excluded.touched"));
  upsert.bind(1, schedule_uid).bind(2, schedule.ns).bind(3, schedule.name);
  bind_counts(upsert, 4, more);
  return upsert.bind(8, millis(clock_.now())).run();
}

Result<RunCounts> LedgerWriter::counts(const kube::ObjectKey& schedule,
                                       const std::string& schedule_uid, const RunCounts& floor,
                                       const std::string& trigger) {
  ASSIGN_OR_RETURN(const RunCounts now, select_counts(database_, schedule_uid));
  ASSIGN_OR_RETURN(const auto handled, select_trigger(database_, schedule_uid));
  const RunCounts more = minus(floor, now);
  if (more == RunCounts{} && handled == trigger) return now;
  RETURN_IF_ERROR(set_durability(Durable::Soon));
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(database_));
  RETURN_IF_ERROR(write_trigger(schedule_uid, trigger));
  RETURN_IF_ERROR(add_counts({}, kAllRuns, more));
  // Of zeros, too: what is known of a schedule goes with this row.
  RETURN_IF_ERROR(add_counts(schedule, schedule_uid, more));
  if (more != RunCounts{}) RETURN_IF_ERROR(owe(schedule_uid, more));
  RETURN_IF_ERROR(transaction.commit());
  return RunCounts{.started = now.started + more.started,
                   .succeeded = now.succeeded + more.succeeded,
                   .failed = now.failed + more.failed,
                   .skipped = now.skipped + more.skipped};
}

Status LedgerWriter::handled(const std::string& schedule_uid, const std::string& trigger) {
  RETURN_IF_ERROR(set_durability(Durable::Soon));
  return write_trigger(schedule_uid, trigger);
}

Status LedgerWriter::write_trigger(const std::string& schedule_uid, const std::string& trigger) {
  ASSIGN_OR_RETURN(Statement decide,
                   database_.prepare("INSERT INTO decided VALUES (?,?) ON CONFLICT DO UPDATE SET "
                                     "trigger = excluded.trigger"));
  return decide.bind(1, schedule_uid).bind(2, trigger).run();
}

Status LedgerWriter::owe(const std::string& schedule_uid, const RunCounts& more) {
  ASSIGN_OR_RETURN(
      Statement owe,
      database_.prepare("INSERT INTO owed VALUES (?,?,?,?,?,?) ON CONFLICT DO UPDATE SET started = "
                        "started + excluded.started, succeeded = succeeded + excluded.succeeded, "
                        "failed = failed + excluded.failed, skipped = skipped + excluded.skipped, "
                        "at = max(at, excluded.at)"));
  owe.bind(1, schedule_uid);
  bind_counts(owe, 2, more);
  return owe.bind(6, millis(clock_.now())).run();
}

// --- Retention -----------------------------------------------------------------------------------

Result<int64_t> LedgerWriter::number(const std::string& sql) {
  ASSIGN_OR_RETURN(Statement query, database_.prepare(sql));
  ASSIGN_OR_RETURN(const bool found, query.step());
  return found ? query.integer(0) : 0;
}

Status LedgerWriter::prune(std::vector<DroppedRun>& dropped) {
  if (++writes_ % kPruneEvery != 1) return {};
  RETURN_IF_ERROR(prune_runs(dropped));
  RETURN_IF_ERROR(prune_skips());
  RETURN_IF_ERROR(keep_newest("dropped", "at", retention_.max_remembered));
  RETURN_IF_ERROR(keep_newest("dropped_skips", "at", retention_.max_remembered));
  RETURN_IF_ERROR(
      keep_newest("counts", "schedule_uid = '' DESC, touched", retention_.max_remembered));
  for (const char* table : {"skip_counts", "owed", "decided"})
    RETURN_IF_ERROR(database_.execute("DELETE FROM " + std::string(table) +
                                      " WHERE schedule_uid NOT IN (SELECT schedule_uid FROM "
                                      "counts)"));
  return database_.execute("PRAGMA incremental_vacuum(" + std::to_string(kVacuumPages) + ")");
}

Status LedgerWriter::keep_newest(const char* table, const char* order, size_t limit) {
  const std::string name(table);
  ASSIGN_OR_RETURN(Statement remove,
                   database_.prepare("DELETE FROM " + name + " WHERE rowid IN (SELECT rowid FROM " +
                                     name + " ORDER BY " + order + " DESC LIMIT -1 OFFSET ?)"));
  return remove.bind(1, static_cast<int64_t>(limit)).run();
}

Result<uint64_t> LedgerWriter::bytes_in_use() {
  ASSIGN_OR_RETURN(const int64_t pages, number("PRAGMA page_count"));
  ASSIGN_OR_RETURN(const int64_t unused, number("PRAGMA freelist_count"));
  ASSIGN_OR_RETURN(const int64_t page, number("PRAGMA page_size"));
  return static_cast<uint64_t>(std::max<int64_t>(pages - unused, 0) * page);
}

Status LedgerWriter::prune_runs(std::vector<DroppedRun>& dropped) {
  const WallTime oldest = clock_.now() - retention_.max_age;
  RETURN_IF_ERROR(drop_runs("WHERE ended < " + std::to_string(millis(oldest)) + " ORDER BY ended",
                            kMaxAgedPortion, dropped));
  ASSIGN_OR_RETURN(const int64_t rows, number("SELECT count(*) FROM runs"));
  ASSIGN_OR_RETURN(const uint64_t bytes, bytes_in_use());
  int64_t excess = rows - static_cast<int64_t>(retention_.max_runs);
  // More than comes in between two looks, so that it shrinks.
  if (bytes > retention_.max_bytes)
    excess = std::max(excess, static_cast<int64_t>(2 * kPruneEvery));
  return excess > 0 ? drop_runs("ORDER BY ended IS NULL, created", excess, dropped) : Status{};
}

Status LedgerWriter::drop_runs(const std::string& which, int64_t limit,
                               std::vector<DroppedRun>& dropped) {
  const size_t begin = dropped.size();
  ASSIGN_OR_RETURN(Statement oldest,
                   database_.prepare("SELECT uid, ns, name FROM runs " + which + " LIMIT ?"));
  oldest.bind(1, limit);
  while (true) {
    ASSIGN_OR_RETURN(const bool row, oldest.step());
    if (!row) break;
    dropped.push_back(
        {.run = {.ns = std::string(oldest.text(1)), .name = std::string(oldest.text(2))},
         .uid = std::string(oldest.text(0))});
  }
  ASSIGN_OR_RETURN(Statement remember,
                   database_.prepare("INSERT OR REPLACE INTO dropped VALUES (?, ?)"));
  ASSIGN_OR_RETURN(Statement remove, database_.prepare("DELETE FROM runs WHERE uid = ?"));
  for (size_t i = begin; i < dropped.size(); ++i) {
    RETURN_IF_ERROR(remember.bind(1, hash_of(dropped[i].uid)).bind(2, millis(clock_.now())).run());
    RETURN_IF_ERROR(remove.bind(1, dropped[i].uid).run());
  }
  return {};
}

// A stretch stands in its schedule's status and is recorded again at each start: what was counted
// of it must be known as long.
Status LedgerWriter::prune_skips() {
  ASSIGN_OR_RETURN(const int64_t rows, number("SELECT count(*) FROM skips"));
  const auto oldest = std::chrono::floor<std::chrono::seconds>(clock_.now() - retention_.max_age);
  const std::string time = std::to_string(oldest.time_since_epoch().count());
  ASSIGN_OR_RETURN(const int64_t aged,
                   number("SELECT count(*) FROM (SELECT 1 FROM skips WHERE to_time < " + time +
                          " LIMIT " + std::to_string(kMaxAgedPortion) + ")"));
  const int64_t excess = std::max(rows - static_cast<int64_t>(retention_.max_skips), aged);
  if (excess <= 0) return {};
  struct Skip {
    int64_t row = 0;
    int64_t hash = 0;
    int64_t count = 0;
  };
  std::vector<Skip> skips;
  ASSIGN_OR_RETURN(Statement query,
                   database_.prepare("SELECT rowid, schedule_uid, from_time, count FROM skips "
                                     "ORDER BY to_time LIMIT ?"));
  query.bind(1, excess);
  while (true) {
    ASSIGN_OR_RETURN(const bool row, query.step());
    if (!row) break;
    const std::chrono::sys_seconds from{std::chrono::seconds{query.integer(2)}};
    skips.push_back({.row = query.integer(0),
                     .hash = hash_of(std::string(query.text(1)), from),
                     .count = query.integer(3)});
  }
  ASSIGN_OR_RETURN(Statement remember,
                   database_.prepare("INSERT OR REPLACE INTO dropped_skips VALUES (?, ?, ?)"));
  ASSIGN_OR_RETURN(Statement remove, database_.prepare("DELETE FROM skips WHERE rowid = ?"));
  for (const Skip& skip : skips) {
    RETURN_IF_ERROR(
        remember.bind(1, skip.hash).bind(2, skip.count).bind(3, millis(clock_.now())).run());
    RETURN_IF_ERROR(remove.bind(1, skip.row).run());
  }
  return {};
}

}  // namespace monitor
