#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/sqlite/sqlite.h"
#include "monitor/ledger.h"
#include "tests/support/catch.h"
#include "tests/unit/monitor/ledger_fixture.h"

using base::Code;
using runner::RunCounts;
using runner::RunRecord;
using std::chrono::seconds;
using tests::counts;
using tests::kScheduleUid;
using tests::LedgerFixture;

TEST_CASE("a damaged ledger is set aside at the start and begun anew", "[monitor]") {
  LedgerFixture fixture;
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
    REQUIRE(database->execute("PRAGMA user_version = 4"));
  }
  SECTION("an earlier version and none of its tables") {
    auto database = base::sqlite::Database::open(path, base::sqlite::Durability::Full);
    REQUIRE(database->execute("PRAGMA user_version = 3"));
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
  LedgerFixture fixture;
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
  LedgerFixture fixture;
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
  LedgerFixture fixture;
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
  LedgerFixture fixture;
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
