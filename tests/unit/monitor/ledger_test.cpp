#include "monitor/ledger.h"

#include <atomic>
#include <chrono>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/sqlite/sqlite.h"
#include "tests/support/catch.h"
#include "tests/unit/monitor/ledger_fixture.h"

using base::Code;
using monitor::Ledger;
using runner::RunCounts;
using runner::RunRecord;
using std::chrono::milliseconds;
using std::chrono::seconds;
using tests::counts;
using tests::kSchedule;
using tests::kScheduleUid;
using tests::LedgerFixture;

TEST_CASE("of runs with one name the newest is found", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open();
  RunRecord run = fixture.run("u1");
  const auto created = run.created;
  for (const auto& [uid, age] : {std::pair("u1", 2), std::pair("u3", 0), std::pair("u2", 1)}) {
    run.uid = uid;
    run.created = created - seconds(age);
    REQUIRE(ledger->record_run(run));
  }
  CHECK((*ledger->find_run(kScheduleUid, run.name))->uid == "u3");
}

TEST_CASE("a run comes back as it was recorded", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open();
  RunRecord run = fixture.run("u1");
  run.slot = fixture.clock.now() - seconds(2);
  run.submitted = fixture.clock.now() + milliseconds(123);
  run.started = fixture.clock.now() + milliseconds(456);
  run.ended = fixture.clock.now() + milliseconds(789);
  run.state = "FAILED";
  run.manual = true;
  run.attempts = 3;
  run.exit_code = 42;
  run.message = "driver exited with 42";
  run.app_id = "spark-1";
  REQUIRE(ledger->record_run(run));
  const auto found = ledger->find_run(kScheduleUid, run.name);
  REQUIRE(found);
  REQUIRE(found->has_value());
  const RunRecord& back = **found;
  CHECK(back.schedule == run.schedule);
  CHECK(back.schedule_uid == run.schedule_uid);
  CHECK(back.uid == run.uid);
  CHECK(back.slot == run.slot);
  CHECK(back.manual);
  CHECK(back.created == run.created);
  CHECK(back.submitted == run.submitted);
  CHECK(back.started == run.started);
  CHECK(back.ended == run.ended);
  CHECK(back.state == "FAILED");
  CHECK(back.attempts == 3);
  CHECK(back.exit_code == 42);
  CHECK(back.message == run.message);
  CHECK(back.app_id == run.app_id);
  CHECK_FALSE(ledger->find_run(kScheduleUid, "other")->has_value());
  CHECK_FALSE(ledger->find_run("other", run.name)->has_value());
}

TEST_CASE("runs are found by what their slots come after", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open();
  const auto record = [&](const char* uid, int minutes, bool manual = false) {
    RunRecord run = fixture.run(uid);
    run.slot = fixture.clock.now() + std::chrono::minutes(minutes);
    run.manual = manual;
    REQUIRE(ledger->record_run(run));
  };
  record("late", 3);
  record("early", 1);
  record("by-hand", 2, true);
  const auto uids = [&](int minutes, const char* schedule = kScheduleUid) {
    std::string all;
    const auto found =
        ledger->runs_after(schedule, fixture.clock.now() + std::chrono::minutes(minutes));
    REQUIRE(found);
    for (const RunRecord& run : *found)
      all += run.uid + " ";
    return all;
  };
  CHECK(uids(0) == "early late ");
  CHECK(uids(1) == "late ");
  CHECK(uids(3).empty());
  CHECK(uids(0, "other").empty());
}

TEST_CASE("each start and each outcome is counted once", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open();
  for (int repeat = 0; repeat < 3; ++repeat)
    REQUIRE(ledger->record_run(fixture.run("u1")));
  CHECK(counts(*ledger) == RunCounts{.started = 1});
  for (int repeat = 0; repeat < 3; ++repeat)
    REQUIRE(ledger->record_run(fixture.ended("u1", "COMPLETED")));
  REQUIRE(ledger->record_run(fixture.ended("u2", "FAILED")));
  CHECK(counts(*ledger) == RunCounts{.started = 2, .succeeded = 1, .failed = 1});
  SECTION("the first end stands") {
    REQUIRE(ledger->record_run(fixture.ended("u1", "FAILED")));
    CHECK(counts(*ledger) == RunCounts{.started = 2, .succeeded = 1, .failed = 1});
    CHECK((*ledger->find_run(kScheduleUid, "nightly-u1"))->state == "COMPLETED");
  }
  SECTION("a record without an end does not take it back") {
    REQUIRE(ledger->record_run(fixture.run("u1")));
    CHECK((*ledger->find_run(kScheduleUid, "nightly-u1"))->state == "COMPLETED");
    CHECK((*ledger->find_run(kScheduleUid, "nightly-u1"))->ended);
  }
  SECTION("runs of their own count only in the totals") {
    RunRecord single = fixture.ended("u3", "COMPLETED");
    single.schedule.name.clear();
    single.schedule_uid.clear();
    REQUIRE(ledger->record_run(single));
    CHECK(counts(*ledger).started == 2);
    CHECK(*ledger->totals() == RunCounts{.started = 3, .succeeded = 2, .failed = 1});
  }
}

TEST_CASE("a creation that is recorded late takes no state away", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open();
  runner::RunRecord running = fixture.run("1");
  running.state = "RUNNING";
  running.attempts = 1;
  REQUIRE(ledger->record_run(running));
  runner::RunRecord created = fixture.run("1");
  created.state = "";
  REQUIRE(ledger->record_run(created));
  created.slot = fixture.clock.now();  // new in it: it is written
  REQUIRE(ledger->record_run(created));
  const auto found = ledger->find_run(kScheduleUid, "nightly-1");
  REQUIRE(found);
  REQUIRE(*found);
  CHECK((*found)->state == "RUNNING");
  CHECK((*found)->slot == created.slot);
  CHECK(tests::counts(*ledger).started == 1);
}

TEST_CASE("counts survive a restart", "[monitor]") {
  LedgerFixture fixture;
  {
    const auto ledger = fixture.open();
    REQUIRE(ledger->record_run(fixture.ended("u1", "COMPLETED")));
    REQUIRE(ledger->record_run(fixture.run("u2")));
  }
  fixture.clock.advance(seconds(60));
  const auto ledger = fixture.open();
  REQUIRE(ledger->record_run(fixture.ended("u1", "COMPLETED")));
  REQUIRE(ledger->record_run(fixture.ended("u2", "FAILED")));
  CHECK(counts(*ledger) == RunCounts{.started = 2, .succeeded = 1, .failed = 1});
}

TEST_CASE("a lost file starts again from what the status says", "[monitor]") {
  LedgerFixture fixture;
  const RunCounts floor{.started = 10, .succeeded = 7, .failed = 2, .skipped = 5};
  const RunRecord before = fixture.ended("old", "COMPLETED");
  const RunRecord still_running = fixture.run("running");
  fixture.clock.advance(seconds(60));
  const auto ledger = fixture.open();  // the floor contains those two
  SECTION("whoever comes first") {
    CHECK(counts(*ledger, floor) == floor);
    REQUIRE(ledger->record_run(before));
    REQUIRE(ledger->record_run(still_running));
  }
  SECTION("and last") {
    REQUIRE(ledger->record_run(before));
    REQUIRE(ledger->record_run(still_running));
    CHECK(counts(*ledger, floor) == floor);
  }
  SECTION("or in between") {
    REQUIRE(ledger->record_run(before));
    CHECK(counts(*ledger, floor) == floor);
    REQUIRE(ledger->record_run(still_running));
  }
  CHECK(counts(*ledger, floor) == floor);
  RunRecord finished = still_running;
  finished.state = "COMPLETED";
  finished.ended = fixture.clock.now();
  REQUIRE(ledger->record_run(finished));
  REQUIRE(ledger->record_run(fixture.run("new")));
  const RunCounts after{.started = 11, .succeeded = 8, .failed = 2, .skipped = 5};
  CHECK(counts(*ledger, floor) == after);
  // The status lags behind, or was edited by hand: counts never go back.
  CHECK(counts(*ledger, {}) == after);
  CHECK(*ledger->totals() == after);
}

TEST_CASE("what the floor knows and a power cut took is counted once", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open();
  REQUIRE(ledger->record_run(fixture.run("kept")));
  const RunRecord lost = fixture.run("lost");
  const runner::SkipRecord skip{.schedule = kSchedule,
                                .schedule_uid = kScheduleUid,
                                .from = std::chrono::floor<seconds>(fixture.clock.now()),
                                .to = std::chrono::floor<seconds>(fixture.clock.now()),
                                .count = 1,
                                .reason = "Superseded"};
  fixture.clock.advance(seconds(60));
  const RunCounts floor{.started = 2, .skipped = 1};
  CHECK(counts(*ledger, floor) == floor);
  REQUIRE(ledger->record_run(lost));
  REQUIRE(ledger->record_skip(skip));
  CHECK(counts(*ledger) == floor);
  // One that the floor did not know: created before the status was written, recorded after.
  RunRecord unknown = lost;
  unknown.uid = "unknown";
  REQUIRE(ledger->record_run(unknown));
  CHECK(counts(*ledger) == RunCounts{.started = 3, .skipped = 1});
}

TEST_CASE("what the floor knows is counted once, though the clock was ahead or is set back",
          "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open();
  const auto before = fixture.clock.now();
  fixture.clock.set_wall(before + std::chrono::hours(24 * 365));
  const RunRecord ahead = fixture.ended("ahead", "COMPLETED");
  fixture.clock.set_wall(before);
  const RunRecord usual = fixture.ended("usual", "COMPLETED");
  fixture.clock.advance(std::chrono::hours(2));
  // The file was lost with both.
  const RunCounts floor{.started = 2, .succeeded = 2};
  CHECK(counts(*ledger, floor) == floor);
  REQUIRE(ledger->record_run(ahead));
  CHECK(counts(*ledger) == floor);
  // One that is new is taken for one of before, until the next status.
  fixture.clock.set_wall(before + std::chrono::hours(1));
  REQUIRE(ledger->record_run(fixture.run("new")));
  const RunCounts more{.started = 3, .succeeded = 2};
  CHECK(counts(*ledger, more) == more);
  REQUIRE(ledger->record_run(usual));
  CHECK(counts(*ledger) == more);
}

TEST_CASE("skips are counted once, a growing stretch by what is new", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open();
  const auto now = std::chrono::floor<seconds>(fixture.clock.now());
  runner::SkipRecord skip{.schedule = kSchedule,
                          .schedule_uid = kScheduleUid,
                          .from = now,
                          .to = now + seconds(60),
                          .count = 2,
                          .reason = "Superseded"};
  REQUIRE(ledger->record_skip(skip));
  REQUIRE(ledger->record_skip(skip));
  CHECK(counts(*ledger).skipped == 2);
  skip.to += seconds(60);
  skip.count = 3;
  REQUIRE(ledger->record_skip(skip));
  CHECK(counts(*ledger).skipped == 3);
  skip.from = now + seconds(300);
  skip.to = skip.from;
  skip.count = 1;
  skip.reason = "ForbidConcurrent";
  REQUIRE(ledger->record_skip(skip));
  CHECK(counts(*ledger).skipped == 4);
  const auto by_reason = ledger->skip_counts(kScheduleUid);
  REQUIRE(by_reason);
  CHECK(*by_reason == std::map<std::string, uint64_t>{{"ForbidConcurrent", 1}, {"Superseded", 3}});
  const auto history = ledger->history({});
  REQUIRE(history);
  REQUIRE(history->skips.size() == 2);
  CHECK(history->skips[0].reason == "ForbidConcurrent");
  CHECK(history->skips[1].count == 3);
  CHECK(history->skips[1].to == now + seconds(120));
}

TEST_CASE("history is newest first, by namespace and schedule, limited", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open();
  for (int i = 0; i < 6; ++i) {
    RunRecord run = fixture.run("u" + std::to_string(i));
    run.schedule.ns = i % 2 == 0 ? "even" : "odd";
    run.schedule.name = i < 4 ? "first" : "second";
    REQUIRE(ledger->record_run(run));
    fixture.clock.advance(seconds(1));
  }
  struct Case {
    monitor::HistoryQuery query;
    std::vector<std::string> uids;
  };
  const Case cases[] = {
      {.query = {}, .uids = {"u5", "u4", "u3", "u2", "u1", "u0"}},
      {.query = {.limit = 2}, .uids = {"u5", "u4"}},
      {.query = {.ns = "even"}, .uids = {"u4", "u2", "u0"}},
      {.query = {.ns = "odd", .schedule = "first"}, .uids = {"u3", "u1"}},
      {.query = {.schedule = "second"}, .uids = {"u5", "u4"}},
      {.query = {.ns = "none"}, .uids = {}},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.query.ns << " " << c.query.schedule << " " << c.query.limit) {
      const auto history = ledger->history(c.query);
      REQUIRE(history);
      std::vector<std::string> uids;
      for (const RunRecord& run : history->runs)
        uids.push_back(run.uid);
      CHECK(uids == c.uids);
    }
  }
}

TEST_CASE("a ledger that cannot be used says why", "[monitor]") {
  LedgerFixture fixture;
  const std::string path = fixture.folder.file("ledger.db");
  const auto refusal = [&] {
    const auto ledger = Ledger::open({.path = path}, fixture.clock);
    REQUIRE_FALSE(ledger);
    return ledger.error();
  };
  SECTION("of a newer version") {
    fixture.open();
    auto database = base::sqlite::Database::open(path, base::sqlite::Durability::Full);
    REQUIRE(database->execute("PRAGMA user_version = 99"));
    CHECK(refusal().message ==
          path + " was written by a newer sparkcron (version 99, this one knows 5)");
  }
  SECTION("its folder is missing") {
    const auto ledger = Ledger::open({.path = fixture.folder.file("no/x.db")}, fixture.clock);
    REQUIRE_FALSE(ledger);
    CHECK(ledger.error().code == Code::Unavailable);
  }
}

TEST_CASE("many threads record and read at once", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open();
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) {
        const std::string uid = std::to_string(t % 2) + "-" + std::to_string(i);
        if (!ledger->record_run(fixture.run(uid))) ++failures;
        if (!ledger->record_run(fixture.ended(uid, "COMPLETED"))) ++failures;
        if (!ledger->history({})) ++failures;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  CHECK(failures == 0);
  CHECK(counts(*ledger) == RunCounts{.started = 100, .succeeded = 100});
}

TEST_CASE("history stops at a size, whatever the rows hold", "[monitor]") {
  LedgerFixture fixture;
  const auto ledger = fixture.open();
  for (int i = 0; i < 20; ++i) {
    RunRecord run = fixture.ended("u" + std::to_string(i), "FAILED");
    run.message = std::string(4'000, 'x');
    REQUIRE(ledger->record_run(run));
  }
  const auto history = ledger->history({.max_bytes = 50'000});
  REQUIRE(history);
  CHECK(history->cut);
  CHECK(history->runs.size() < 13);
  CHECK(history->runs.size() > 5);
  CHECK_FALSE(ledger->history({})->cut);
}

TEST_CASE("the ledger remembers what a schedule's lost status said", "[monitor]") {
  LedgerFixture fixture;
  auto ledger = fixture.open();
  const auto now = std::chrono::floor<std::chrono::seconds>(fixture.clock.now());
  CHECK(!ledger->remembered(kScheduleUid, now)->has_value());
  // Before the first status was written it is as good as new.
  REQUIRE(ledger->record_skip({.schedule = kSchedule,
                               .schedule_uid = kScheduleUid,
                               .from = now - std::chrono::seconds(120),
                               .to = now - std::chrono::seconds(60),
                               .count = 2,
                               .reason = "Superseded"}));
  CHECK(!ledger->remembered(kScheduleUid, now)->has_value());
  REQUIRE(ledger->counts(kSchedule, kScheduleUid, {.started = 3, .succeeded = 3}, "first"));
  REQUIRE(ledger->handled(kScheduleUid, "second"));
  const auto known = ledger->remembered(kScheduleUid, now);
  REQUIRE(known);
  REQUIRE(known->has_value());
  CHECK((*known)->counts ==
        runner::RunCounts{.started = 3, .succeeded = 3, .failed = 0, .skipped = 2});
  CHECK((*known)->trigger == "second");
  CHECK((*known)->latest == now - std::chrono::seconds(60));
  CHECK((*known)->unfinished.empty());

  // What goes on, and the newest slot that has come; runs by hand have none.
  const auto at = [&](const std::string& uid, int seconds, bool manual) {
    runner::RunRecord run = fixture.run(uid);
    run.name = "run-" + uid;
    run.slot = now - std::chrono::seconds(seconds);
    run.manual = manual;
    return run;
  };
  REQUIRE(ledger->record_run(at("slot", 30, false)));
  REQUIRE(ledger->record_run(at("by-hand", 10, true)));
  REQUIRE(ledger->record_run(at("ahead", -60, false)));
  const auto later = ledger->remembered(kScheduleUid, now);
  REQUIRE(later);
  CHECK((*later)->latest == now - std::chrono::seconds(30));
  std::set<std::string> unfinished;
  for (const runner::RunRecord& run : (*later)->unfinished)
    unfinished.insert(run.uid);
  CHECK(unfinished == std::set<std::string>{"slot", "by-hand", "ahead"});
}
