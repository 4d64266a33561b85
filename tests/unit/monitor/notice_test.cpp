// What people are told, and how the ledger writes it down.

#include "monitor/notice.h"

#include <chrono>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/unit/monitor/ledger_fixture.h"

using monitor::is_wanted;
using monitor::Ledger;
using monitor::LedgerOptions;
using monitor::Notice;
using monitor::NoticeKind;
using monitor::Notices;
using runner::RunRecord;
using runner::SkipRecord;
using std::chrono::hours;
using std::chrono::seconds;
using tests::kSchedule;
using tests::kScheduleUid;
using tests::LedgerFixture;

namespace {

std::unique_ptr<Ledger> open(LedgerFixture& fixture) {
  LedgerOptions options;
  options.notices = Notices::Kept;
  return fixture.open(std::move(options));
}

std::vector<std::string> told(Ledger& ledger) {
  const auto notices = ledger.notices(1'000);
  REQUIRE(notices);
  std::vector<std::string> sentences;
  for (const Notice& notice : *notices)
    sentences.push_back(sentence_of(notice));
  return sentences;
}

SkipRecord skip(const LedgerFixture& fixture, uint64_t count) {
  const auto now = std::chrono::floor<seconds>(fixture.clock.now());
  return {.schedule = kSchedule,
          .schedule_uid = kScheduleUid,
          .from = now,
          .to = now + seconds(60) * (count - 1),
          .count = count,
          .reason = "ForbidConcurrent"};
}

}  // namespace

TEST_CASE("failures are told, and the first success after one", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = open(fixture);
  const auto end = [&](const std::string& uid, const std::string& state) {
    fixture.clock.advance(seconds(60));
    RunRecord run = fixture.ended(uid, state);
    run.message = state == "FAILED" ? "driver exited with 1\nmore of its log" : "";
    // A controller records what it sees again and again.
    for (int i = 0; i < 3; ++i)
      REQUIRE(ledger->record_run(run));
  };
  end("1", "COMPLETED");
  CHECK(told(*ledger).empty());
  end("2", "FAILED");
  end("3", "FAILED");
  end("4", "COMPLETED");
  end("5", "COMPLETED");
  CHECK(told(*ledger) ==
        std::vector<std::string>{"etl/nightly failed: run nightly-2: driver exited with 1",
                                 "etl/nightly failed: run nightly-3: driver exited with 1",
                                 "etl/nightly works again: run nightly-4 completed"});
}

TEST_CASE("an application of its own is told of when it fails, not when it works", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = open(fixture);
  for (const char* state : {"FAILED", "COMPLETED"}) {
    RunRecord run = fixture.ended(state, state);
    run.schedule.name.clear();
    run.schedule_uid.clear();
    run.name = "once";
    run.exit_code = 3;
    REQUIRE(ledger->record_run(run));
  }
  CHECK(told(*ledger) == std::vector<std::string>{"etl/once failed, exit code 3"});
}

TEST_CASE("slots that are missed are told once, and what a stretch grows by", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = open(fixture);
  REQUIRE(ledger->record_skip(skip(fixture, 1)));
  REQUIRE(ledger->record_skip(skip(fixture, 1)));
  CHECK(told(*ledger) == std::vector<std::string>{
                             "etl/nightly missed its slot 2026-11-21T00:00:00Z: ForbidConcurrent"});
  REQUIRE(ledger->record_skip(skip(fixture, 5)));
  CHECK(told(*ledger).back() ==
        "etl/nightly missed 4 slots from 2026-11-21T00:00:00Z to "
        "2026-11-21T00:04:00Z: ForbidConcurrent");
}

TEST_CASE("what is found out an hour later is history and no news", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = open(fixture);
  const RunRecord run = fixture.ended("1", "FAILED");
  const SkipRecord missed = skip(fixture, 1);
  fixture.clock.advance(hours(1) + seconds(1));
  REQUIRE(ledger->record_run(run));
  REQUIRE(ledger->record_skip(missed));
  CHECK(told(*ledger).empty());
}

TEST_CASE("without anybody who takes them notices are not written down", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open();
  REQUIRE(ledger->record_run(fixture.ended("1", "FAILED")));
  REQUIRE(ledger->record_skip(skip(fixture, 1)));
  CHECK(told(*ledger).empty());
}

TEST_CASE("notices that nobody takes are bounded, the oldest go", "[monitor]") {
  const tests::TemporaryFolder folder;
  tests::FakeClock clock;
  {
    const auto made = monitor::Ledger::open({.path = folder.file("ledger.db")}, clock);
    REQUIRE(made);
  }
  auto database =
      base::sqlite::Database::open(folder.file("ledger.db"), base::sqlite::Durability::Normal);
  REQUIRE(database);
  Notice notice{.at = clock.now(), .schedule = kSchedule, .run = "x"};
  REQUIRE(database->execute("BEGIN"));
  for (int64_t i = 0; i < monitor::kMaxNotices + 5; ++i)
    REQUIRE(monitor::insert_notice(*database, notice));
  REQUIRE(database->execute("COMMIT"));
  const auto kept = monitor::select_notices(*database, 100'000);
  REQUIRE(kept);
  CHECK(kept->size() == static_cast<size_t>(monitor::kMaxNotices));
  CHECK(kept->front().id == 6);
}

TEST_CASE("a notice comes back as it was written, and is told as JSON", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = open(fixture);
  RunRecord run = fixture.ended("u1", "FAILED");
  run.slot = fixture.clock.now();
  run.attempts = 3;
  run.exit_code = 42;
  run.message = std::string(5'000, 'x');
  REQUIRE(ledger->record_run(run));
  const auto notices = ledger->notices(10);
  REQUIRE(notices);
  REQUIRE(notices->size() == 1);
  nlohmann::json body = to_json(notices->front());
  CHECK(
      body["text"].get<std::string>() ==
      "etl/nightly failed: run nightly-u1, slot 2026-11-21T00:00:00Z, 3 attempts, exit code 42: " +
          std::string(300, 'x') + "…");
  body.erase("text");
  CHECK(body == nlohmann::json{{"id", "u1/Failed"},
                               {"kind", "Failed"},
                               {"namespace", "etl"},
                               {"schedule", "nightly"},
                               {"run", "nightly-u1"},
                               {"slot", "2026-11-21T00:00:00Z"},
                               {"time", "2026-11-21T00:00:00Z"},
                               {"attempts", 3},
                               {"exitCode", 42},
                               {"reason", std::string(4'096, 'x')}});
}

TEST_CASE("an annotation says which notices are wanted", "[monitor]") {
  struct Case {
    const char* wish;
    bool failed;
    bool recovered;
    bool missed;
  };
  const Case cases[] = {
      {.wish = "", .failed = true, .recovered = true, .missed = true},
      {.wish = "none", .failed = false, .recovered = false, .missed = false},
      {.wish = "failed", .failed = true, .recovered = false, .missed = false},
      {.wish = " failed , recovered ", .failed = true, .recovered = true, .missed = false},
      {.wish = "missed,none", .failed = false, .recovered = false, .missed = true},
      {.wish = "missed,typo", .failed = false, .recovered = false, .missed = true},
      {.wish = "typo", .failed = true, .recovered = true, .missed = true},
      {.wish = ",,", .failed = true, .recovered = true, .missed = true},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION("'" << c.wish << "'") {
      CHECK(is_wanted(c.wish, NoticeKind::Failed) == c.failed);
      CHECK(is_wanted(c.wish, NoticeKind::Recovered) == c.recovered);
      CHECK(is_wanted(c.wish, NoticeKind::Missed) == c.missed);
    }
  }
}
