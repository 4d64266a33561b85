#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "base/sqlite/sqlite.h"
#include "monitor/ledger.h"
#include "tests/support/catch.h"
#include "tests/unit/monitor/ledger_fixture.h"

using base::WallTime;
using monitor::LedgerOptions;
using runner::RunCounts;
using runner::RunRecord;
using std::chrono::seconds;
using tests::counts;
using tests::kSchedule;
using tests::kScheduleUid;
using tests::LedgerFixture;

TEST_CASE("retention drops the oldest finished runs and counts none again", "[monitor]") {
  LedgerFixture fixture;
  std::vector<std::string> dropped;
  const auto ledger =
      fixture.open({.keep = {.max_runs = 10},
                    .on_dropped = [&](const auto&, const auto& uid) { dropped.push_back(uid); }});
  REQUIRE(ledger->record_run(fixture.run("unfinished")));
  for (int i = 0; i < 600; ++i) {
    fixture.clock.advance(seconds(1));
    REQUIRE(ledger->record_run(fixture.ended("u" + std::to_string(i), "COMPLETED")));
  }
  const auto history = ledger->history({.limit = 1'000});
  REQUIRE(history);
  CHECK(history->runs.size() < 10 + 256);
  CHECK(history->runs.back().uid == "unfinished");  // it will be recorded again
  REQUIRE(dropped.size() + history->runs.size() == 601);
  CHECK(dropped.front() == "u0");
  const RunCounts before = counts(*ledger);
  CHECK(before == RunCounts{.started = 601, .succeeded = 600});
  REQUIRE(ledger->record_run(fixture.ended("u0", "COMPLETED")));
  CHECK(counts(*ledger) == before);
}

TEST_CASE("a skip that retention dropped is not counted again at a restart", "[monitor]") {
  LedgerFixture fixture;
  const auto from = std::chrono::floor<seconds>(fixture.clock.now());
  const auto skip = [&](int i) {
    return runner::SkipRecord{.schedule = kSchedule,
                              .schedule_uid = kScheduleUid,
                              .from = from + seconds(i),
                              .to = from + seconds(i),
                              .count = 1,
                              .reason = "Superseded"};
  };
  const LedgerOptions options{.keep = {.max_skips = 10}};
  {
    const auto ledger = fixture.open(options);
    for (int i = 0; i < 300; ++i)
      REQUIRE(ledger->record_skip(skip(i)));
    CHECK(counts(*ledger).skipped == 300);
    CHECK(ledger->history({.limit = 1'000})->skips.size() < 10 + 256);
  }
  const auto ledger = fixture.open(options);
  REQUIRE(ledger->record_skip(skip(0)));
  CHECK(counts(*ledger).skipped == 300);
  runner::SkipRecord grown = skip(0);
  grown.count = 3;
  REQUIRE(ledger->record_skip(grown));
  CHECK(counts(*ledger).skipped == 302);
}

TEST_CASE("runs that a skip drops are told, so that their logs go", "[monitor]") {
  LedgerFixture fixture;
  std::vector<std::string> dropped;
  const auto ledger =
      fixture.open({.keep = {.max_runs = 1},
                    .on_dropped = [&](const auto&, const auto& uid) { dropped.push_back(uid); }});
  for (int i = 0; i < 256; ++i)
    REQUIRE(ledger->record_run(fixture.ended("u" + std::to_string(i), "COMPLETED")));
  CHECK(dropped.empty());
  REQUIRE(ledger->record_skip({.schedule = kSchedule,
                               .schedule_uid = kScheduleUid,
                               .from = {},
                               .to = {},
                               .count = 1,
                               .reason = "Superseded"}));
  CHECK(dropped.size() == 255);
}

TEST_CASE("old runs go, but a clock that is wrong for a moment takes few", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open({.keep = {.max_age = std::chrono::hours(24)}});
  const auto fill = [&](const std::string& prefix, int runs) {
    for (int i = 0; i < runs; ++i)
      REQUIRE(ledger->record_run(fixture.ended(prefix + std::to_string(i), "COMPLETED")));
  };
  const auto rows = [&] { return ledger->history({.limit = 10'000})->runs.size(); };
  fill("old", 1'000);
  const WallTime then = fixture.clock.now();
  fixture.clock.set_wall(then + std::chrono::hours(24 * 3650));
  fill("future", 64);
  fixture.clock.set_wall(then);
  CHECK(rows() >= 400);
  fixture.clock.advance(std::chrono::hours(25));
  fill("new", 300);
  CHECK(rows() <= 64 + 300);
}

TEST_CASE("old skips go", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open({.keep = {.max_age = std::chrono::hours(24)}});
  for (int i = 0; i < 300; ++i) {
    if (i == 20) fixture.clock.advance(std::chrono::hours(25));
    const auto at = std::chrono::floor<seconds>(fixture.clock.now()) + seconds(i);
    REQUIRE(ledger->record_skip({.schedule = kSchedule,
                                 .schedule_uid = kScheduleUid,
                                 .from = at,
                                 .to = at,
                                 .count = 1,
                                 .reason = "Superseded"}));
  }
  CHECK(ledger->history({.limit = 1'000})->skips.size() == 280);
  CHECK(counts(*ledger).skipped == 300);
}

TEST_CASE("the ledger's file is bounded, and gives room back", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open({.keep = {.max_bytes = uint64_t{1} << 20}});
  const auto in_file = [&] { return std::filesystem::file_size(fixture.folder.file("ledger.db")); };
  RunRecord run = fixture.ended("", "FAILED");
  run.message = std::string(1'000'000, 'x');  // cut to a length that rows can rely on
  for (int i = 0; i < 900; ++i) {
    run.uid = "u" + std::to_string(i);
    REQUIRE(ledger->record_run(run));
  }
  CHECK((*ledger->find_run(kScheduleUid, run.name))->message.size() == 4096);
  // What comes in between two looks: 256 rows of 4 KiB and a little.
  CHECK(in_file() < 4U << 20);
  CHECK(ledger->file_bytes() >= in_file());
  CHECK(counts(*ledger).started == 900);
}

TEST_CASE("what is remembered of dropped rows and of schedules is bounded", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open({.keep = {.max_runs = 5, .max_skips = 5, .max_remembered = 20}});
  for (int i = 0; i < 260; ++i) {
    fixture.clock.advance(seconds(1));
    const std::string uid = std::to_string(i);
    RunRecord run = fixture.run("u" + uid);
    run.schedule_uid = "s" + uid;
    REQUIRE(ledger->record_run(run));
    const auto at = std::chrono::floor<seconds>(fixture.clock.now());
    REQUIRE(ledger->record_skip({.schedule = kSchedule,
                                 .schedule_uid = "s" + uid,
                                 .from = at,
                                 .to = at,
                                 .count = 1,
                                 .reason = "Superseded"}));
    REQUIRE(ledger->counts(kSchedule, "s" + uid, {.failed = 1}, ""));
  }
  auto file = base::sqlite::Database::open(fixture.folder.file("ledger.db"),
                                           base::sqlite::Durability::Normal,
                                           base::sqlite::Access::ReadOnly);
  REQUIRE(file);
  // Each write may add one row, and one in 256 looks at the bounds.
  for (const char* table :
       {"dropped", "dropped_skips", "counts", "skip_counts", "owed", "decided"}) {
    INFO(table);
    auto query = file->prepare("SELECT count(*) FROM " + std::string(table));
    REQUIRE(query);
    REQUIRE(query->step().value());
    CHECK(query->integer(0) <= 20 + 128);
  }
  CHECK(ledger->totals()->started == 260);
}
