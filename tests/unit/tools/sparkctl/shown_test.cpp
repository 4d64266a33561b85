// What is told of one thing: describe, events, history.

#include <string>
#include <thread>

#include "tests/unit/tools/sparkctl/desk.h"
#include "tools/sparkctl/lookup.h"
#include "tools/sparkctl/show.h"

namespace {

using kube::Json;
using namespace sparkctl;
using tests::Desk;
using tests::fill;

TEST_CASE("describe a schedule") {
  Desk desk;
  fill(desk);
  REQUIRE(describe(desk.session, {"nightly"}));
  CHECK(desk.out.str() ==
        "Name:               nightly\n"
        "Namespace:          team\n"
        "Created:            2026-11-11T00:00:00Z (10d ago)\n"
        "Schedule:           0 2 * * *\n"
        "Time zone:          Europe/Berlin\n"
        "Suspended:          no\n"
        "Concurrency:        Forbid\n"
        "Missed runs:        Latest\n"
        "DST policy:         Vixie\n"
        "Starting deadline:  300s\n"
        "History kept:       3 successful, 1 failed\n"
        "State:              Scheduled\n"
        "Counts:             9 started, 8 succeeded, 1 failed, 3 skipped, 0 active\n"
        "Last run:           2026-11-20T01:00:01Z (22h ago)\n"
        "Last slot:          2026-11-20T01:00:00Z (23h ago)\n"
        "Next runs:\n"
        "  LOCAL                           UTC                   WHEN\n"
        "  Sat 2026-11-21 02:00:00 +01:00  2026-11-21T01:00:00Z  in 60m\n"
        "  Sun 2026-11-22 02:00:00 +01:00  2026-11-22T01:00:00Z  in 25h\n"
        "Recent runs:\n"
        "  SLOT                            OUTCOME    STARTED  DURATION  RUN\n"
        "  Fri 2026-11-20 02:00:00 +01:00  Succeeded  22h ago  12m03s    "
        "nightly-20261120t010000z\n"
        "  Tue 2026-11-17 02:00:00 +01:00  Skipped    -        -         "
        "3 slots, until Thu 2026-11-19 02:00:00 +01:00\n"
        "      Superseded\n"
        "Conditions:\n"
        "  TYPE              STATUS  REASON     SINCE  MESSAGE\n"
        "  Ready             True    Scheduled  10d    next run in 1 h\n"
        "  LastRunSucceeded  True    Succeeded  22h    -\n"
        "Events:             none\n");
}

TEST_CASE("describe a failed run: the sentence, then the log that it is from") {
  Desk desk;
  fill(desk);
  SECTION("with a log") {
    const std::string sentence = "driver failed with exit code 1: ValueError: no sales";
    desk.add_run(
        "nightly-a", "nightly", "FAILED", "2026-11-20T01:00:00Z",
        sentence + "\nTraceback (most recent call last):\n  File \x1b[31m\nValueError: no sales");
    REQUIRE(describe(desk.session, {"nightly-a"}));
    CHECK(desk.out.str().find("Message:            " + sentence + "\n") != std::string::npos);
    CHECK(desk.out.str().find("Log:\n  Traceback (most recent call last):\n    File ?[31m\n"
                              "  ValueError: no sales\n") != std::string::npos);
  }
  SECTION("with a sentence that is too long for a line") {
    std::string words = "word";
    for (int i = 0; i < 100; ++i)
      words += " word";
    desk.add_run("nightly-a", "nightly", "FAILED", "2026-11-20T01:00:00Z", words);
    REQUIRE(describe(desk.session, {"nightly-a"}));
    CHECK(desk.out.str().find(" word…\n") != std::string::npos);
    CHECK(desk.out.str().find("In full:            " + words + "\n") != std::string::npos);
    desk.out.str("");
    REQUIRE(list(desk.session, Listed::Runs, "nightly"));
    CHECK(desk.out.str().find(" word…\n") != std::string::npos);
  }
}

TEST_CASE("a Web UI that is gone is not shown") {
  Desk desk;
  fill(desk);
  for (const char* state : {"RUNNING", "COMPLETED"}) {
    const std::string name = std::string("nightly-") + (state[0] == 'R' ? "r" : "c");
    desk.add_run(name, "nightly", state, "2026-11-20T23:00:00Z");
    REQUIRE(desk.api.patch(config::spark_applications(), {"team", name},
                           kube::PatchType::MergePatch,
                           {{"status", {{"driverInfo", {{"webUIAddress", "10.0.0.1:4040"}}}}}},
                           {.subresource = "status"}));
    desk.out.str("");
    REQUIRE(describe(desk.session, {name}));
    CHECK((desk.out.str().find("10.0.0.1:4040") != std::string::npos) == (state[0] == 'R'));
  }
}

TEST_CASE("events of a schedule and of what it started, the newest last") {
  Desk desk;
  fill(desk);
  const auto add = [&](const char* name, const char* about, const char* seen) {
    Json event =
        Json::parse(R"({"type": "Warning", "reason": "RunFailed", "message": "exit code 1"})");
    event["metadata"]["name"] = name;
    event["involvedObject"]["name"] = about;
    event["lastTimestamp"] = seen;
    desk.add(kube::core_events(), std::move(event));
  };
  add("a", "nightly-1-driver", "2026-11-20T23:59:00Z");
  add("b", "nightly", "2026-11-20T23:58:00Z");
  add("c", "paused", "2026-11-20T23:58:00Z");
  REQUIRE(events(desk.session, "nightly", Follow::No));
  CHECK(desk.out.str() ==
        "OBJECT            TYPE     REASON     AGE  COUNT  MESSAGE\n"
        "nightly           Warning  RunFailed  2m   1      exit code 1\n"
        "nightly-1-driver  Warning  RunFailed  60s  1      exit code 1\n");
  REQUIRE(events(desk.session, "nobody", Follow::No));
  CHECK(desk.err.str() == "No events; an API server forgets them after an hour or so.\n");
}

TEST_CASE("history that the service cut says so, for programs too") {
  Desk desk;
  desk.answers["/sparkcron/v1/history?namespace=team&limit=20"] =
      R"({"runs": [], "skips": [], "cut": true})";
  for (const Output output : {Output::Table, Output::Json}) {
    desk.session.output = output;
    desk.err.str("");
    REQUIRE(history(desk.session, {}));
    CHECK_THAT(desk.err.str(),
               Catch::StartsWith("sparkctl: the service's answer ends at a size: older runs or "
                                 "skipped stretches are left out; name a schedule or a smaller "
                                 "--limit\n"));
  }
}

TEST_CASE("history shows runs and skipped stretches in one line of time") {
  Desk desk;
  const std::string target = "/sparkcron/v1/history?namespace=team&schedule=nightly&limit=20";
  desk.answers[target] = tests::kHistory;
  SECTION("as a table") {
    REQUIRE(history(desk.session, {.schedule = "nightly"}));
    CHECK(desk.out.str() ==
          "SLOT (UTC)            OUTCOME    STARTED (UTC)         DURATION  ATTEMPTS  EXIT  RUN  "
          "           MESSAGE\n"
          "by hand               FAILED     -                     -         2         1     "
          "nightly-manual  no\n"
          "2026-11-20T01:00:00Z  COMPLETED  2026-11-20T01:00:05Z  2m00s     1         0     "
          "nightly-1       -\n"
          "2026-11-19T01:00:00Z  Skipped    -                     -         -         -     -\n"
          "    Superseded, 3 slots since 2026-11-17T01:00:00Z\n");
  }
  SECTION("as JSON") {
    desk.session.output = Output::Json;
    REQUIRE(history(desk.session, {.schedule = "nightly"}));
    const Json shown = Json::parse(desk.out.str());
    REQUIRE(shown.size() == 3);
    CHECK(shown[0]["name"] == "nightly-manual");
  }
  SECTION("a server without a ledger") {
    const auto done = history(desk.session, {.schedule = "other"});
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().message ==
          "history service sparkcron/sparkcron-history: the API server's answer holds no token");
    CHECK(exit_code_of(done.error()) == kUnreachable);
  }
}

TEST_CASE("history has first starts, whole durations and slots that wait") {
  Desk desk;
  desk.add_schedule("nightly", Json::parse(tests::kNightlySpec), Json::parse(R"({"scheduling":
    {"held": {"first": "2026-11-19T01:00:00Z", "last": "2026-11-20T01:00:00Z", "count": 2,
              "reason": "ForbidConcurrent"}}})"));
  desk.answers["/sparkcron/v1/history?namespace=team&schedule=nightly&limit=20"] = R"({"runs": [
    {"name": "nightly-1", "state": "COMPLETED", "slot": "2026-11-18T01:00:00Z", "attempts": 2,
     "firstStarted": "2026-11-18T01:00:05Z", "started": "2026-11-18T01:30:00Z",
     "ended": "2026-11-18T01:31:05Z", "created": "2026-11-18T01:00:01Z"}], "skips": []})";
  REQUIRE(history(desk.session, {.schedule = "nightly"}));
  CHECK(
      desk.out.str() ==
      "SLOT (UTC)            OUTCOME    STARTED (UTC)         DURATION  ATTEMPTS  EXIT  RUN        "
      "MESSAGE\n"
      "2026-11-20T01:00:00Z  Waiting    -                     -         -         -     -\n"
      "    ForbidConcurrent, 2 slots since 2026-11-19T01:00:00Z\n"
      "2026-11-18T01:00:00Z  COMPLETED  2026-11-18T01:00:05Z  31m00s    2         -     nightly-1  "
      "-\n");
  desk.out.str("");
  REQUIRE(describe(desk.session, {"nightly"}));
  CHECK_THAT(desk.out.str(), Catch::Contains("Waiting slots:      2, the newest of "
                                             "2026-11-20T01:00:00Z: ForbidConcurrent\n"));
}

TEST_CASE("what failed last night, of all schedules, with reasons") {
  Desk desk;
  const std::string asked =
      "/sparkcron/v1/history?state=FAILED&since=2026-11-20T12%3A00%3A00.000000Z&limit=20";
  desk.answers[asked] = R"({"runs": [
    {"namespace": "etl", "schedule": "daily", "name": "daily-1", "state": "FAILED",
     "slot": "2026-11-20T23:00:00Z", "created": "2026-11-20T23:00:00.000000Z",
     "ended": "2026-11-20T23:10:00.000000Z", "attempts": 3, "message": "no space"},
    {"namespace": "etl", "schedule": "daily", "name": "of an older service", "state": "FAILED",
     "created": "2026-11-20T01:00:00.000000Z", "ended": "2026-11-20T01:10:00.000000Z"},
    {"namespace": "etl", "schedule": "daily", "name": "of an older service too",
     "state": "COMPLETED", "created": "2026-11-20T23:00:00.000000Z",
     "ended": "2026-11-20T23:10:00.000000Z"}],
    "skips": [{"namespace": "etl", "schedule": "daily", "count": 1, "reason": "Superseded",
     "from": "2026-11-20T23:00:00Z", "to": "2026-11-20T23:00:00Z"}]})";
  desk.session.scope = Scope::All;
  REQUIRE(history(desk.session, {.outcomes = Outcomes::Failed, .since = std::chrono::hours{12}}));
  CHECK(
      desk.out.str() ==
      "NAMESPACE  SCHEDULE  SLOT (UTC)            OUTCOME  STARTED (UTC)  DURATION  ATTEMPTS  EXIT "
      " RUN\n"
      "etl        daily     2026-11-20T23:00:00Z  FAILED   -              -         3         -    "
      " daily-1\n"
      "    no space\n");
}

TEST_CASE("history without entries says so, and of what is not there that it is not") {
  Desk desk;
  fill(desk);
  const std::string nothing = R"({"runs": [], "skips": []})";
  desk.answers["/sparkcron/v1/history?namespace=team&schedule=nosuch&limit=20"] = nothing;
  desk.answers["/sparkcron/v1/history?namespace=team&schedule=paused&limit=20"] = nothing;
  desk.answers["/sparkcron/v1/history?namespace=team&state=FAILED&limit=20"] = nothing;
  const auto missing = history(desk.session, {.schedule = "nosuch"});
  REQUIRE_FALSE(missing.has_value());
  CHECK(exit_code_of(missing.error()) == kNotFound);
  REQUIRE(history(desk.session, {.schedule = "paused"}));
  REQUIRE(history(desk.session, {.outcomes = Outcomes::Failed}));
  CHECK(desk.err.str() == "No history yet.\nNo run failed in namespace \"team\".\n");
}

}  // namespace
