#include "monitor/ledger_rows.h"

#include <array>
#include <optional>
#include <string_view>

namespace monitor {
namespace {

using base::WallTime;
using base::sqlite::Statement;

// Times of runs are milliseconds since the epoch, those of skips seconds: slots are whole seconds.
constexpr std::array<const char*, 5> kMigrations = {R"sql(
  CREATE TABLE runs (
    uid TEXT PRIMARY KEY, ns TEXT NOT NULL, name TEXT NOT NULL,
    schedule TEXT NOT NULL, schedule_uid TEXT NOT NULL,
    slot INTEGER, manual INTEGER NOT NULL,
    created INTEGER NOT NULL, submitted INTEGER, started INTEGER, ended INTEGER,
    state TEXT NOT NULL, attempts INTEGER NOT NULL, exit_code INTEGER,
    message TEXT NOT NULL, app_id TEXT NOT NULL) STRICT;
  CREATE INDEX runs_by_created ON runs (created);
  CREATE INDEX runs_by_schedule ON runs (ns, schedule, created);
  CREATE INDEX runs_by_name ON runs (schedule_uid, name);
  CREATE INDEX runs_by_slot ON runs (schedule_uid, slot);
  CREATE TABLE skips (
    schedule_uid TEXT NOT NULL, from_time INTEGER NOT NULL, to_time INTEGER NOT NULL,
    ns TEXT NOT NULL, schedule TEXT NOT NULL, count INTEGER NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (schedule_uid, from_time)) STRICT;
  CREATE INDEX skips_by_time ON skips (to_time);
  CREATE TABLE counts (
    schedule_uid TEXT PRIMARY KEY, ns TEXT NOT NULL, schedule TEXT NOT NULL,
    started INTEGER NOT NULL, succeeded INTEGER NOT NULL, failed INTEGER NOT NULL,
    skipped INTEGER NOT NULL, touched INTEGER NOT NULL) STRICT;
  CREATE INDEX counts_by_touched ON counts (touched);
  CREATE TABLE skip_counts (
    schedule_uid TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL,
    PRIMARY KEY (schedule_uid, reason)) STRICT;
  CREATE TABLE dropped (hash INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT;
  CREATE INDEX dropped_by_time ON dropped (at);
  CREATE TABLE ledger (one INTEGER PRIMARY KEY CHECK (one = 1), born INTEGER NOT NULL) STRICT;
)sql",
                                                    R"sql(
  CREATE TABLE dropped_skips (
    hash INTEGER PRIMARY KEY, count INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
  CREATE INDEX dropped_skips_by_time ON dropped_skips (at);
  CREATE TABLE owed (
    schedule_uid TEXT PRIMARY KEY, started INTEGER NOT NULL, succeeded INTEGER NOT NULL,
    failed INTEGER NOT NULL, skipped INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
  CREATE INDEX runs_by_end ON runs (ended);
  CREATE INDEX runs_by_drop ON runs (ended IS NULL, created);
  DROP TABLE ledger;
)sql",
                                                    R"sql(
  CREATE TABLE notices (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind INTEGER NOT NULL, at INTEGER NOT NULL,
    ns TEXT NOT NULL, schedule TEXT NOT NULL, schedule_uid TEXT NOT NULL,
    run TEXT NOT NULL, run_uid TEXT NOT NULL, slot INTEGER, until INTEGER,
    count INTEGER NOT NULL, attempts INTEGER NOT NULL, exit_code INTEGER,
    message TEXT NOT NULL) STRICT;
  CREATE INDEX runs_by_outcome ON runs (schedule_uid, ended);
)sql",
                                                    // What a schedule's summary reads, and how long
                                                    // a run took, are in the index.
                                                    R"sql(
  ALTER TABLE runs ADD COLUMN first_started INTEGER;
  ALTER TABLE runs ADD COLUMN executors INTEGER NOT NULL DEFAULT 0;
  UPDATE runs SET first_started = started WHERE attempts < 2;
  DROP INDEX runs_by_end;
  CREATE INDEX runs_by_end ON runs (ended, ns, state, created);
  CREATE INDEX runs_by_schedule_end ON runs (ns, schedule, ended, state, created);
  CREATE INDEX runs_by_ns_end ON runs (ns, ended, state, created);
  CREATE INDEX runs_by_duration ON runs (ended - created, ended, ns, schedule);
  CREATE INDEX runs_by_state ON runs (state, created);
  CREATE INDEX runs_by_ns ON runs (ns, created);
  CREATE INDEX runs_by_ns_state ON runs (ns, state, created);
  CREATE INDEX runs_by_own_name ON runs (name, ns, created);
  CREATE INDEX skips_by_schedule ON skips (ns, schedule, to_time, reason, count);
  CREATE INDEX skips_by_ns ON skips (ns, to_time, reason, count);
)sql",
                                                    R"sql(
  -- Schedules whose status was written, and the wish that it says was handled.
  CREATE TABLE decided (schedule_uid TEXT PRIMARY KEY, trigger TEXT NOT NULL) STRICT;
)sql"};

// As Kubernetes has it for names; messages of containers end at 4,096 bytes.
constexpr size_t kMaxName = 253;
constexpr const char* kSeeded = "status/";
constexpr size_t kMaxMessage = 4096;

// The beginning, whole characters of UTF-8 only.
std::string_view beginning(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0U) == 0x80U)
    --limit;
  return text.substr(0, limit);
}

void bind_time(Statement& statement, int position, const std::optional<WallTime>& time) {
  if (time)
    statement.bind(position, time->time_since_epoch().count());
  else
    statement.bind_null(position);
}

std::optional<WallTime> time_at(const Statement& row, int column) {
  if (row.is_null(column)) return std::nullopt;
  return WallTime{std::chrono::milliseconds{row.integer(column)}};
}

std::chrono::sys_seconds seconds_at(const Statement& row, int column) {
  return std::chrono::sys_seconds{std::chrono::seconds{row.integer(column)}};
}

}  // namespace

std::span<const char* const> ledger_migrations() {
  return kMigrations;
}

const char* const kRunColumns =
    "uid, ns, name, schedule, schedule_uid, slot, manual, created, submitted, started, ended, "
    "state, attempts, exit_code, message, app_id, first_started, executors";

void bind_run(Statement& statement, const runner::RunRecord& run) {
  statement.bind(1, run.uid)
      .bind(2, run.schedule.ns)
      .bind(3, run.name)
      .bind(4, beginning(run.schedule.name, kMaxName))
      .bind(5, run.schedule_uid);
  bind_time(statement, 6, run.slot);
  statement.bind(7, int64_t{run.manual ? 1 : 0});
  bind_time(statement, 8, run.created);
  bind_time(statement, 9, run.submitted);
  bind_time(statement, 10, run.started);
  bind_time(statement, 11, run.ended);
  statement.bind(12, beginning(run.state, kMaxName)).bind(13, int64_t{run.attempts});
  if (run.exit_code)
    statement.bind(14, int64_t{*run.exit_code});
  else
    statement.bind_null(14);
  statement.bind(15, beginning(run.message, kMaxMessage)).bind(16, beginning(run.app_id, kMaxName));
  bind_time(statement, 17, run.first_started ? run.first_started : run.started);
  statement.bind(18, int64_t{run.executors});
}

runner::RunRecord read_run(const Statement& row) {
  runner::RunRecord run;
  run.uid = row.text(0);
  run.schedule = {.ns = std::string(row.text(1)), .name = std::string(row.text(3))};
  run.name = row.text(2);
  run.schedule_uid = row.text(4);
  run.slot = time_at(row, 5);
  run.manual = row.integer(6) != 0;
  run.created = time_at(row, 7).value_or(WallTime{});
  run.submitted = time_at(row, 8);
  run.started = time_at(row, 9);
  run.ended = time_at(row, 10);
  run.state = row.text(11);
  run.attempts = static_cast<int>(row.integer(12));
  if (!row.is_null(13)) run.exit_code = static_cast<int>(row.integer(13));
  run.message = row.text(14);
  run.app_id = row.text(15);
  run.first_started = time_at(row, 16);
  run.executors = static_cast<int>(row.integer(17));
  return run;
}

// As LedgerWriter updates a row: a record says nothing where it is empty, and nothing of the
// outcome of a run that has one.
std::string seeded_uid(const runner::RunRecord& run) {
  return kSeeded + run.schedule_uid + "/" + run.name;
}

bool is_seeded(const runner::RunRecord& run) {
  return run.uid.starts_with(kSeeded);
}

bool adds_nothing(const runner::RunRecord& known, const runner::RunRecord& run) {
  if (known.ended && !run.ended) return true;
  const auto same = [](const auto& before, const auto& now) { return !now || before == now; };
  const auto same_text = [](const std::string& before, const std::string& now, size_t limit) {
    return now.empty() || before == beginning(now, limit);
  };
  return known.ended.has_value() == run.ended.has_value() &&
         (known.ended || same_text(known.state, run.state, kMaxName)) &&
         (known.slot || !run.slot) && same(known.submitted, run.submitted) &&
         same(known.started, run.started) && same(known.exit_code, run.exit_code) &&
         known.attempts >= run.attempts && known.executors >= run.executors &&
         same_text(known.message, run.message, kMaxMessage) &&
         same_text(known.app_id, run.app_id, kMaxName);
}

runner::SkipRecord read_skip(const Statement& row) {
  return {.schedule = {.ns = std::string(row.text(0)), .name = std::string(row.text(1))},
          .schedule_uid = std::string(row.text(2)),
          .from = seconds_at(row, 3),
          .to = seconds_at(row, 4),
          .count = static_cast<uint64_t>(row.integer(5)),
          .reason = std::string(row.text(6))};
}

runner::RunCounts read_counts(const Statement& row) {
  return {.started = static_cast<uint64_t>(row.integer(0)),
          .succeeded = static_cast<uint64_t>(row.integer(1)),
          .failed = static_cast<uint64_t>(row.integer(2)),
          .skipped = static_cast<uint64_t>(row.integer(3))};
}

base::Result<runner::RunCounts> select_counts(base::sqlite::Database& database,
                                              const std::string& schedule_uid) {
  ASSIGN_OR_RETURN(Statement query,
                   database.prepare("SELECT started, succeeded, failed, skipped FROM counts "
                                    "WHERE schedule_uid = ?"));
  ASSIGN_OR_RETURN(const bool found, query.bind(1, schedule_uid).step());
  return found ? read_counts(query) : runner::RunCounts{};
}

base::Result<std::optional<std::string>> select_trigger(base::sqlite::Database& database,
                                                        const std::string& schedule_uid) {
  ASSIGN_OR_RETURN(Statement query,
                   database.prepare("SELECT trigger FROM decided WHERE schedule_uid = ?"));
  ASSIGN_OR_RETURN(const bool found, query.bind(1, schedule_uid).step());
  if (!found) return std::optional<std::string>{};
  return std::optional<std::string>{std::string(query.text(0))};
}

int64_t hash_of(const std::string& uid) {
  uint64_t hash = 14695981039346656037ULL;
  for (char c : uid)
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return static_cast<int64_t>(hash);
}

int64_t hash_of(const std::string& schedule_uid, std::chrono::sys_seconds from) {
  return hash_of(schedule_uid + "@" + std::to_string(from.time_since_epoch().count()));
}

}  // namespace monitor
