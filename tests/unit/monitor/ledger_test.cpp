#include "monitor/ledger.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/sqlite/sqlite.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/monitor/temporary_folder.h"

using base::Code;
using base::WallTime;
using monitor::Ledger;
using monitor::LedgerOptions;
using runner::RunCounts;
using runner::RunRecord;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const kube::ObjectKey kSchedule{.ns = "etl", .name = "nightly"};
constexpr const char* kScheduleUid = "schedule-uid";

struct Fixture {
  std::unique_ptr<Ledger> open() { return open({}); }
  std::unique_ptr<Ledger> open(LedgerOptions options) {
    options.path = folder.file("ledger.db");
    auto ledger = Ledger::open(std::move(options), clock);
    REQUIRE(ledger);
    return std::move(*ledger);
  }
  RunRecord run(const std::string& uid) const {
    RunRecord record;
    record.schedule = kSchedule;
    record.schedule_uid = kScheduleUid;
    record.name = "nightly-" + uid;
    record.uid = uid;
    record.created = clock.now();
    record.state = "SUBMITTED";
    return record;
  }
  RunRecord ended(const std::string& uid, const std::string& state) const {
    RunRecord record = run(uid);
    record.state = state;
    record.ended = clock.now();
    return record;
  }

  tests::TemporaryFolder folder;
  tests::FakeClock clock;
};

RunCounts counts(Ledger& ledger, const RunCounts& floor = {}) {
  const auto result = ledger.counts(kSchedule, kScheduleUid, floor);
  REQUIRE(result);
  return *result;
}

}  // namespace

TEST_CASE("a run comes back as it was recorded", "[monitor]") {
  Fixture fixture;
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
  Fixture fixture;
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
  Fixture fixture;
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

TEST_CASE("counts survive a restart", "[monitor]") {
  Fixture fixture;
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
  Fixture fixture;
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
  Fixture fixture;
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

TEST_CASE("skips are counted once, a growing stretch by what is new", "[monitor]") {
  Fixture fixture;
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
  Fixture fixture;
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

TEST_CASE("retention drops the oldest finished runs and counts none again", "[monitor]") {
  Fixture fixture;
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

TEST_CASE("a ledger that cannot be used says why", "[monitor]") {
  Fixture fixture;
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
          path + " was written by a newer sparkcron (version 99, this one knows 2)");
  }
  SECTION("its folder is missing") {
    const auto ledger = Ledger::open({.path = fixture.folder.file("no/x.db")}, fixture.clock);
    REQUIRE_FALSE(ledger);
    CHECK(ledger.error().code == Code::Unavailable);
  }
}

TEST_CASE("many threads record and read at once", "[monitor]") {
  Fixture fixture;
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

TEST_CASE("a skip that retention dropped is not counted again at a restart", "[monitor]") {
  Fixture fixture;
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
  Fixture fixture;
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
  Fixture fixture;
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
  Fixture fixture;
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
  Fixture fixture;
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
  CHECK(counts(*ledger).started == 900);
}

TEST_CASE("a damaged ledger is set aside at the start and begun anew", "[monitor]") {
  Fixture fixture;
  const std::string path = fixture.folder.file("ledger.db");
  const std::string old = path + ".corrupt-20261121T000000Z";
  SECTION("no database at all") {
    std::ofstream(path) << std::string(5'000, 'x');
    CHECK(std::filesystem::file_size(path) == 5'000);
  }
  SECTION("pages that do not fit together") {
    {
      const auto ledger = fixture.open();
      for (int i = 0; i < 100; ++i)
        REQUIRE(ledger->record_run(fixture.ended("u" + std::to_string(i), "COMPLETED")));
    }
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(60'000, '\x7f');
  }
  SECTION("our version and none of our tables") {
    auto database = base::sqlite::Database::open(path, base::sqlite::Durability::Full);
    REQUIRE(database->execute("PRAGMA user_version = 2"));
  }
  const auto ledger = fixture.open();
  CHECK(std::filesystem::exists(old));
  CHECK(ledger->condition().corruptions == 1);
  CHECK(ledger->condition().last_set_aside == old);
  REQUIRE(ledger->record_run(fixture.ended("new", "COMPLETED")));
  CHECK(counts(*ledger, {.started = 7}).started == 7);
  CHECK(ledger->history({})->runs.size() == 1);
}

TEST_CASE("a ledger damaged while in use is set aside, said and begun anew", "[monitor]") {
  Fixture fixture;
  const std::string path = fixture.folder.file("ledger.db");
  std::vector<std::string> said;
  const auto ledger =
      fixture.open({.on_begun_anew = [&](const std::string& what) { said.push_back(what); }});
  RunRecord running = fixture.run("running");
  REQUIRE(ledger->record_run(running));
  REQUIRE(ledger->record_run(fixture.ended("old", "FAILED")));
  const auto damage = [&] {
    {
      // Somebody else's write makes SQLite forget the pages that it holds in memory.
      auto other = base::sqlite::Database::open(path, base::sqlite::Durability::Normal);
      REQUIRE(other->execute("CREATE TABLE other (a); PRAGMA wal_checkpoint(TRUNCATE)"));
    }
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(std::filesystem::file_size(path) - 4096, '\x7f');
  };
  fixture.clock.advance(seconds(1));
  SECTION("found by a writer") {
    damage();
    REQUIRE(ledger->record_run(fixture.run("new")));
    REQUIRE(ledger->record_run(running));
  }
  SECTION("found by a reader") {
    damage();
    CHECK(ledger->find_run(kScheduleUid, "nightly-old").has_value());
    REQUIRE(ledger->record_run(running));
    REQUIRE(ledger->record_run(fixture.run("new")));
  }
  REQUIRE(said.size() == 1);
  CHECK_THAT(said.front(), Catch::StartsWith("the ledger was damaged ("));
  CHECK_THAT(said.front(), Catch::EndsWith("is begun anew"));
  CHECK(ledger->condition().corruptions == 1);
  CHECK(ledger->condition().last_write);
  CHECK(std::filesystem::exists(path + ".corrupt-20261121T000001Z"));
  // The floor of the status, and what existed and was recorded again: nothing twice.
  CHECK(counts(*ledger, {.started = 3, .failed = 1}) == RunCounts{.started = 3, .failed = 1});
}

TEST_CASE("a ledger damaged again and again fills no disk", "[monitor]") {
  Fixture fixture;
  const std::string path = fixture.folder.file("ledger.db");
  for (int i = 0; i < 10; ++i) {
    std::ofstream(path, std::ios::trunc) << std::string(5'000, 'x');
    std::ofstream(path + "-wal", std::ios::trunc) << "x";
    fixture.open();
    fixture.clock.advance(seconds(30));
  }
  const auto aside = [&](const std::string& end) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(fixture.folder.path()))
      if (entry.path().string().find(".corrupt-") != std::string::npos &&
          entry.path().string().ends_with(end))
        names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  };
  CHECK(aside("Z") == std::vector<std::string>{"ledger.db.corrupt-20261121T000330Z",
                                               "ledger.db.corrupt-20261121T000400Z",
                                               "ledger.db.corrupt-20261121T000430Z"});
  CHECK(aside("-wal").size() <= 3);
  // In one process not twice a minute: the second time the caller waits.
  const auto ledger = fixture.open();
  const auto replace = [&] {
    // Its log, too, which may hold everything.
    std::filesystem::remove(path + "-wal");
    std::filesystem::remove(path);
    std::ofstream(path) << std::string(5'000, 'x');
  };
  replace();
  CHECK(ledger->record_run(fixture.run("a")));
  replace();
  const auto refused = ledger->record_run(fixture.run("b"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::Unavailable);
  CHECK(refused.error().message ==
        "open " + path + ": file is not a database; it was begun anew less than a minute ago");
  CHECK_FALSE(ledger->condition().last_write);
  fixture.clock.advance(seconds(61));
  CHECK(ledger->record_run(fixture.run("b")));
  CHECK(ledger->condition().last_write);
}

TEST_CASE("a ledger whose file was removed while in use goes on with a new one", "[monitor]") {
  Fixture fixture;
  const std::string path = fixture.folder.file("ledger.db");
  std::vector<std::string> said;
  const auto ledger =
      fixture.open({.on_begun_anew = [&](const std::string& what) { said.push_back(what); }});
  REQUIRE(ledger->record_run(fixture.run("old")));
  std::filesystem::remove(path);
  REQUIRE(ledger->record_run(fixture.run("new")));
  CHECK(ledger->condition().vanished == 1);
  CHECK(ledger->condition().corruptions == 0);
  CHECK(said == std::vector<std::string>{
                    "the ledger's file " + path +
                    " was removed or replaced while in use; it goes on with what is there now"});
  CHECK(std::filesystem::exists(path));
  CHECK(ledger->history({})->runs.size() == 1);
  // And is whole: the next start finds it.
  CHECK(fixture.open()->history({})->runs.size() == 1);
}

TEST_CASE("a file of a newer version that appears while in use is waited for", "[monitor]") {
  Fixture fixture;
  const std::string path = fixture.folder.file("ledger.db");
  const auto ledger = fixture.open();
  std::filesystem::remove(path);
  {
    auto newer = base::sqlite::Database::open(path, base::sqlite::Durability::Full);
    REQUIRE(newer->execute("PRAGMA user_version = 99"));
  }
  const auto refused = ledger->record_run(fixture.run("a"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::Unavailable);  // tried again, and not the spec's fault
  CHECK_FALSE(ledger->find_run(kScheduleUid, "nightly-a"));
  std::filesystem::remove(path);
  CHECK(ledger->find_run(kScheduleUid, "nightly-a"));
  CHECK(ledger->record_run(fixture.run("a")));
}

TEST_CASE("history stops at a size, whatever the rows hold", "[monitor]") {
  Fixture fixture;
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

TEST_CASE("what is remembered of dropped rows and of schedules is bounded", "[monitor]") {
  Fixture fixture;
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
    REQUIRE(ledger->counts(kSchedule, "s" + uid, {.failed = 1}));
  }
  auto file = base::sqlite::Database::open(fixture.folder.file("ledger.db"),
                                           base::sqlite::Durability::Normal,
                                           base::sqlite::Access::ReadOnly);
  REQUIRE(file);
  // Each write may add one row, and one in 256 looks at the bounds.
  for (const char* table : {"dropped", "dropped_skips", "counts", "skip_counts", "owed"}) {
    INFO(table);
    auto query = file->prepare("SELECT count(*) FROM " + std::string(table));
    REQUIRE(query);
    REQUIRE(query->step().value());
    CHECK(query->integer(0) <= 20 + 128);
  }
  CHECK(ledger->totals()->started == 260);
}
