#include "monitor/history_handler.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/monitor/recording_responder.h"
#include "tests/unit/monitor/temporary_folder.h"

using nlohmann::json;
using tests::ask;

TEST_CASE("history is served as JSON to who may read", "[monitor]") {
  const tests::TemporaryFolder folder;
  tests::FakeClock clock;
  auto ledger = monitor::Ledger::open({.path = folder.file("ledger.db")}, clock);
  REQUIRE(ledger);
  runner::RunRecord run;
  run.schedule = {.ns = "etl", .name = "nightly"};
  run.schedule_uid = "s1";
  run.name = "nightly-20261121t000000z";
  run.uid = "u1";
  run.slot = clock.now();
  run.created = clock.now() + std::chrono::milliseconds(15);
  run.ended = clock.now() + std::chrono::milliseconds(61'500);
  run.state = "COMPLETED";
  run.attempts = 1;
  run.exit_code = 0;
  REQUIRE((*ledger)->record_run(run));
  const auto slot = std::chrono::floor<std::chrono::seconds>(clock.now());
  REQUIRE((*ledger)->record_skip({.schedule = run.schedule,
                                  .schedule_uid = "s1",
                                  .from = slot + std::chrono::seconds(60),
                                  .to = slot + std::chrono::seconds(120),
                                  .count = 2,
                                  .reason = "ForbidConcurrent"}));
  bool allowed = true;
  const auto handler =
      monitor::history_handler(**ledger, [&](const base::http::Request&) { return allowed; });
  const std::string path = monitor::kHistoryPath;

  SECTION("whole") {
    const auto answer = ask(handler, path);
    CHECK(answer.status == 200);
    CHECK(answer.headers.get("Content-Type") == "application/json");
    CHECK(json::parse(answer.body) == json::parse(R"({
      "apiVersion": "sparkcron/v1", "kind": "History",
      "runs": [{"namespace": "etl", "schedule": "nightly", "scheduleUID": "s1",
        "name": "nightly-20261121t000000z", "uid": "u1", "state": "COMPLETED", "manual": false,
        "attempts": 1, "exitCode": 0, "slot": "2026-11-21T00:00:00Z",
        "created": "2026-11-21T00:00:00.015000Z", "ended": "2026-11-21T00:01:01.500000Z"}],
      "skips": [{"namespace": "etl", "schedule": "nightly", "scheduleUID": "s1", "count": 2,
        "from": "2026-11-21T00:01:00Z", "to": "2026-11-21T00:02:00Z",
        "reason": "ForbidConcurrent"}]})"));
  }
  SECTION("filtered") {
    CHECK(json::parse(ask(handler, path, {{"namespace", "other"}}).body)["runs"].empty());
    CHECK(json::parse(ask(handler, path, {{"schedule", "nightly"}}).body)["runs"].size() == 1);
  }
  SECTION("refused") {
    struct Case {
      std::string limit;
      int status = 400;
    };
    const Case cases[] = {{.limit = "1", .status = 200},
                          {.limit = "10000", .status = 200},
                          {.limit = "0"},
                          {.limit = "10001"},
                          {.limit = "-1"},
                          {.limit = "1e18"},
                          {.limit = "18446744073709551617"},
                          {.limit = "+5"},
                          {.limit = " 5"},
                          {.limit = std::string("5\0", 2)},
                          {.limit = "x"},
                          {.limit = ""},
                          {.limit = "1x"}};
    for (const Case& c : cases) {
      DYNAMIC_SECTION("limit " << c.limit) {
        CHECK(ask(handler, path, {{"limit", c.limit}}).status == c.status);
      }
    }
    CHECK(json::parse(ask(handler, path, {{"limit", "x"}}).body)["message"] ==
          "limit: \"x\" is not a number from 1 to 10000");
    CHECK(ask(handler, path, {}, "POST").status == 405);
    allowed = false;
    const auto answer = ask(handler, path);
    CHECK(answer.status == 401);
    CHECK(json::parse(answer.body)["reason"] == "Unauthorized");
  }
}

TEST_CASE("hostile questions about history get short answers", "[monitor]") {
  const tests::TemporaryFolder folder;
  tests::FakeClock clock;
  auto ledger = monitor::Ledger::open({.path = folder.file("ledger.db")}, clock);
  REQUIRE(ledger);
  const auto handler =
      monitor::history_handler(**ledger, [](const base::http::Request&) { return true; });
  const std::string huge(60'000, '\xff');
  const auto refused = ask(handler, monitor::kHistoryPath, {{"limit", huge}});
  CHECK(refused.status == 400);
  CHECK(refused.body.size() < 1'000);
  const auto nothing = ask(handler, monitor::kHistoryPath,
                           {{"namespace", huge}, {"schedule", "' OR 1=1 --"}, {huge, huge}});
  CHECK(nothing.status == 200);
  CHECK(nothing.body.size() < 1'000);
}

TEST_CASE("a long history is cut, and says so", "[monitor]") {
  monitor::History history;
  CHECK_FALSE(monitor::to_json(history).contains("cut"));
  history.cut = true;
  CHECK(monitor::to_json(history)["cut"] == true);
}
