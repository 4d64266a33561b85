#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/sqlite/sqlite.h"
#include "monitor/ledger.h"
#include "monitor/ledger_rows.h"
#include "tests/support/catch.h"
#include "tests/unit/monitor/ledger_fixture.h"

using monitor::HistoryOrder;
using monitor::HistoryQuery;
using monitor::Window;
using runner::RunRecord;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using tests::kSchedule;
using tests::kScheduleUid;
using tests::LedgerFixture;

namespace {

std::string names(const std::vector<RunRecord>& runs) {
  std::string all;
  for (const RunRecord& run : runs)
    all += (all.empty() ? "" : " ") + run.uid;
  return all;
}

// Runs that end a minute after each other: "r1" takes 1 s, "r2" 2 s, …; every tenth fails.
void record_runs(LedgerFixture& fixture, monitor::Ledger& ledger, int count) {
  for (int i = 1; i <= count; ++i) {
    fixture.clock.advance(minutes(1));
    RunRecord run = fixture.ended("r" + std::to_string(i), i % 10 == 0 ? "FAILED" : "COMPLETED");
    run.created = *run.ended - seconds(i);
    REQUIRE(ledger.record_run(run));
  }
}

}  // namespace

TEST_CASE("a schedule's summary has its success rate, durations and skips of a window",
          "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open();
  const base::WallTime begin = fixture.clock.now();
  record_runs(fixture, *ledger, 100);
  RunRecord other = fixture.ended("other", "FAILED");
  other.schedule.name = "hourly";
  other.schedule_uid = "other-uid";
  REQUIRE(ledger->record_run(other));
  REQUIRE(ledger->record_run(fixture.run("still running")));
  const auto second = std::chrono::floor<seconds>(begin);
  for (const auto& [at, reason] :
       {std::pair{minutes(1), "Superseded"}, std::pair{minutes(5), "ForbidConcurrent"},
        std::pair{minutes(50), "ForbidConcurrent"}})
    REQUIRE(ledger->record_skip({.schedule = kSchedule,
                                 .schedule_uid = kScheduleUid,
                                 .from = second + at,
                                 .to = second + at + seconds(1),
                                 .count = 2,
                                 .reason = reason}));
  SECTION("of all times") {
    const auto summary = ledger->summary({.ns = "etl", .schedule = "nightly", .window = {}});
    REQUIRE(summary);
    CHECK(summary->completed == 90);
    CHECK(summary->failed == 10);
    CHECK(summary->p50 == seconds(49));  // of 1 … 99 without the tens: the 45th of 90
    CHECK(summary->p95 == seconds(95));  // the 86th
    CHECK(summary->longest == seconds(99));
    CHECK(summary->skipped ==
          std::map<std::string, uint64_t>{{"ForbidConcurrent", 4}, {"Superseded", 2}});
    CHECK_FALSE(summary->cut);
  }
  SECTION("of a window, its end not included") {
    const auto summary = ledger->summary(
        {.ns = "etl",
         .schedule = "nightly",
         .window = {.from = begin + minutes(5) + seconds(1), .to = begin + minutes(10)}});
    REQUIRE(summary);
    CHECK(summary->completed == 4);  // 6, 7, 8, 9
    CHECK(summary->failed == 0);
    CHECK(summary->p50 == seconds(7));
    CHECK(summary->p95 == seconds(9));
    CHECK(summary->skipped == std::map<std::string, uint64_t>{{"ForbidConcurrent", 2}});
  }
  SECTION("of a namespace and of all") {
    CHECK(ledger->summary({.ns = "etl", .schedule = "", .window = {}})->failed == 11);
    CHECK(ledger->summary({.ns = "", .schedule = "", .window = {}})->failed == 11);
    CHECK(ledger->summary({.ns = "none", .schedule = "", .window = {}})->failed == 0);
  }
  SECTION("without a run that completed it has no durations") {
    const auto summary = ledger->summary({.ns = "etl", .schedule = "hourly", .window = {}});
    REQUIRE(summary);
    CHECK(summary->failed == 1);
    CHECK_FALSE(summary->p50);
    CHECK_FALSE(summary->longest);
  }
}

TEST_CASE("runs that ended in a window come the last first, the slowest by their duration",
          "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open();
  const base::WallTime begin = fixture.clock.now();
  record_runs(fixture, *ledger, 12);
  REQUIRE(ledger->record_run(fixture.run("still running")));
  const auto ask = [&](HistoryQuery query) {
    const auto history = ledger->history(query);
    REQUIRE(history);
    return names(history->runs);
  };
  const Window window{.from = begin + minutes(3), .to = begin + minutes(6)};
  CHECK(ask({.ns = "", .schedule = "", .run = "", .state = "", .ended = window}) == "r5 r4 r3");
  CHECK(ask({.ns = "etl", .schedule = "", .run = "", .state = "", .ended = window}) == "r5 r4 r3");
  CHECK(ask({.ns = "etl", .schedule = "nightly", .run = "", .state = "", .ended = window}) ==
        "r5 r4 r3");
  CHECK(ask({.ns = "x", .schedule = "", .run = "", .state = "", .ended = window}).empty());
  CHECK(ask({.ns = "", .schedule = "", .run = "", .state = "FAILED", .ended = Window{}}) == "r10");
  CHECK(ask({.ns = "",
             .schedule = "",
             .run = "",
             .state = "",
             .order = HistoryOrder::SlowestFirst,
             .limit = 3}) == "r12 r11 r10");
  CHECK(ask({.ns = "etl",
             .schedule = "nightly",
             .run = "",
             .state = "COMPLETED",
             .ended = Window{.from = {}, .to = begin + minutes(12)},
             .order = HistoryOrder::SlowestFirst,
             .limit = 3}) == "r11 r9 r8");
}

TEST_CASE("a question finds the same whether its window has few runs or many", "[monitor]") {
  LedgerFixture fixture;
  const std::string path = fixture.folder.file("ledger.db");
  const auto ledger = fixture.open();
  const auto now = std::chrono::floor<milliseconds>(fixture.clock.now()).time_since_epoch().count();
  {
    auto database = base::sqlite::Database::open(path, base::sqlite::Durability::Normal);
    REQUIRE(database);
    // One a second; every thousandth failed and took long.
    const std::string fill =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) "
        "INSERT INTO runs (uid, ns, name, schedule, schedule_uid, manual, created, ended, state, "
        "attempts, message, app_id) SELECT 'u' || i, 'etl', 'n' || i, 'nightly', 'schedule-uid', "
        "0, "
        "T + i * 1000, T + i * 1000 + iif(i % 1000 = 0, 900 + i / 1000, 100), iif(i % 1000 = 0, "
        "'FAILED', 'COMPLETED'), 1, '', '' FROM n";
    std::string sql = fill;
    for (size_t at = sql.find("T + i"); at != std::string::npos; at = sql.find("T + i", at))
      sql.replace(at, 1, std::to_string(now));
    REQUIRE(database->execute(sql));
  }
  const auto at = [&](int second) { return fixture.clock.now() + seconds(second); };
  const auto ask = [&](HistoryQuery query) {
    const auto history = ledger->history(query);
    REQUIRE(history);
    return names(history->runs);
  };
  for (const char* schedule : {"", "nightly"}) {
    const std::string ns = *schedule == '\0' ? "" : "etl";
    CAPTURE(schedule);
    CHECK(ask({.ns = ns, .schedule = schedule, .run = "", .state = "FAILED", .since = at(1)}) ==
          ask({.ns = ns, .schedule = schedule, .run = "", .state = "FAILED"}));
    CHECK(
        ask({.ns = ns, .schedule = schedule, .run = "", .state = "FAILED", .since = at(58'000)}) ==
        "u60000 u59000 u58000");
    CHECK(
        ask({.ns = ns, .schedule = schedule, .run = "", .state = "", .since = at(2), .limit = 2}) ==
        "u60000 u59999");
    CHECK(ask({.ns = ns,
               .schedule = schedule,
               .run = "",
               .state = "",
               .order = HistoryOrder::SlowestFirst,
               .limit = 2}) == "u60000 u59000");
    CHECK(ask({.ns = ns,
               .schedule = schedule,
               .run = "",
               .state = "",
               .ended = Window{.from = at(100), .to = at(3'500)},
               .order = HistoryOrder::SlowestFirst,
               .limit = 2}) == "u3000 u2000");
    const auto summary = ledger->summary({.ns = ns, .schedule = schedule, .window = {}});
    REQUIRE(summary);
    CHECK(summary->completed + summary->failed == monitor::kMaxSummarized);
    CHECK(summary->failed == 10);
    CHECK(summary->cut);
  }
}

TEST_CASE("a summary counts the newest skipped stretches only, and says so", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open();
  const auto fill = [&](size_t from, size_t to, const std::string& reason) {
    auto database = base::sqlite::Database::open(fixture.folder.file("ledger.db"),
                                                 base::sqlite::Durability::Normal);
    REQUIRE(database);
    REQUIRE(database->execute(
        "WITH RECURSIVE n(i) AS (SELECT " + std::to_string(from) +
        " UNION ALL SELECT i + 1 FROM n WHERE i < " + std::to_string(to) +
        ") INSERT INTO skips SELECT 'schedule-uid', i, i, 'etl', 'nightly', 2, '" + reason +
        "' FROM n"));
  };
  fill(1, monitor::kMaxSummarized, "Newer");
  for (const std::string ns : {"", "etl"}) {
    const auto all = ledger->summary({.ns = ns, .schedule = "", .window = {}});
    REQUIRE(all);
    CHECK(all->skipped == std::map<std::string, uint64_t>{{"Newer", 2 * monitor::kMaxSummarized}});
    CHECK_FALSE(all->cut);
  }
  fill(0, 0, "Older");
  const auto newest = ledger->summary({.ns = "etl", .schedule = "", .window = {}});
  REQUIRE(newest);
  CHECK(newest->skipped == std::map<std::string, uint64_t>{{"Newer", 2 * monitor::kMaxSummarized}});
  CHECK(newest->cut);
}

TEST_CASE("the first start and the most executors of a run stay through its attempts",
          "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open();
  RunRecord run = fixture.run("u1");
  REQUIRE(ledger->record_run(run));
  const base::WallTime first = fixture.clock.now() + seconds(5);
  run.started = first;
  run.state = "RUNNING";
  for (int executors : {1, 4, 2}) {
    run.executors = executors;
    REQUIRE(ledger->record_run(run));
  }
  run.started = first + minutes(3);
  run.attempts = 2;
  run.executors = 1;
  REQUIRE(ledger->record_run(run));
  run.state = "COMPLETED";
  run.ended = first + minutes(4);
  run.executors = 0;
  REQUIRE(ledger->record_run(run));
  const auto found = ledger->find_run(kScheduleUid, run.name);
  REQUIRE((found && *found));
  CHECK((*found)->first_started == first);
  CHECK((*found)->started == first + minutes(3));
  CHECK((*found)->executors == 4);
}

TEST_CASE("why a run was created is read from its row", "[monitor]") {
  const base::WallTime slot{};
  RunRecord run;
  run.schedule.name = "nightly";
  run.slot = slot;
  run.created = slot + seconds(59);
  CHECK(std::string(to_string(origin_of(run))) == "slot");
  run.created = slot + seconds(60);
  CHECK(std::string(to_string(origin_of(run))) == "catch-up");
  run.manual = true;
  CHECK(std::string(to_string(origin_of(run))) == "trigger");
  CHECK(std::string(to_string(origin_of(RunRecord{}))) == "own");
}

TEST_CASE("a ledger of the version before is brought to this one with its rows", "[monitor]") {
  LedgerFixture fixture;
  const std::string path = fixture.folder.file("ledger.db");
  {
    auto database = base::sqlite::Database::open(path, base::sqlite::Durability::Full);
    REQUIRE(database);
    REQUIRE(database->migrate(monitor::ledger_migrations().first(3)));
    REQUIRE(database->execute(
        "INSERT INTO runs VALUES "
        "('u1','etl','a','nightly','schedule-uid',1000,0,2000,3000,4000,9000,'COMPLETED',1,0,'',"
        "'spark-1'), "
        "('u2','etl','b','nightly','schedule-uid',1000,0,2000,3000,5000,9500,'FAILED',3,1,'bad','')"
        ","
        "('u3','etl','c','nightly','schedule-uid',NULL,1,2000,NULL,NULL,NULL,'SUBMITTED',1,NULL,'',"
        "'')"));
    REQUIRE(
        database->execute("INSERT INTO counts VALUES ('schedule-uid','etl','nightly',3,1,1,0,0)"));
  }
  const auto ledger = fixture.open();
  CHECK(ledger->condition().corruptions == 0);
  const auto find = [&](const char* name) {
    const auto found = ledger->find_run(kScheduleUid, name);
    REQUIRE((found && *found));
    return **found;
  };
  CHECK(find("a").first_started == base::WallTime{milliseconds(4000)});
  CHECK(find("a").app_id == "spark-1");
  CHECK(find("a").executors == 0);
  // Whose start that was is not known of several attempts.
  CHECK_FALSE(find("b").first_started);
  CHECK(find("b").started == base::WallTime{milliseconds(5000)});
  CHECK_FALSE(find("c").first_started);
  CHECK(tests::counts(*ledger).started == 3);
  const auto summary = ledger->summary({.ns = "etl", .schedule = "nightly", .window = {}});
  REQUIRE(summary);
  CHECK(summary->completed == 1);
  CHECK(summary->p50 == milliseconds(7000));
  CHECK(fixture.open()->history({})->runs.size() == 3);
}
