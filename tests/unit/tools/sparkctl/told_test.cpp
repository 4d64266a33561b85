// What was and what will be: why, timeline, forward.

#include <string>
#include <vector>

#include "tests/unit/monitor/recording_responder.h"
#include "tests/unit/tools/sparkctl/desk.h"
#include "tools/sparkctl/forward.h"
#include "tools/sparkctl/times.h"

namespace {

using base::Code;
using kube::Json;
using namespace sparkctl;
using tests::Desk;

// Their specs can be read whole.
void fill_whole(Desk& desk) {
  tests::fill(desk);
  for (const char* name : {"nightly", "paused"})
    REQUIRE(desk.api.patch(config::scheduled_spark_applications(), {"team", name},
                           kube::PatchType::MergePatch, {{"spec", {{"template", Json::object()}}}},
                           {}));
}

constexpr const char* kSlotName = "nightly-20261120t010000z";
constexpr const char* kNightly = "nightly: 0 2 * * * in Europe/Berlin\n";
constexpr const char* kNext =
    "Next slot: Sat 2026-11-21 02:00:00 +01:00 (2026-11-21T01:00:00Z, in 60m).\n";

std::string run_target(const std::string& name) {
  return "/sparkcron/v1/history?namespace=team&run=" + name + "&limit=1";
}

std::string skip_target(const std::string& since) {
  return "/sparkcron/v1/history?namespace=team&schedule=nightly&since=" + since + "&limit=10000";
}

constexpr const char* kNoRows = R"({"runs": [], "skips": []})";

TEST_CASE("why a slot ran is told with what became of it") {
  Desk desk;
  fill_whole(desk);
  desk.answers[run_target(kSlotName)] = R"({"runs": [{"namespace": "team", "schedule": "nightly",
    "name": "nightly-20261120t010000z", "state": "FAILED", "attempts": 2,
    "created": "2026-11-20T01:00:01.000000Z", "firstStarted": "2026-11-20T01:00:05.000000Z",
    "started": "2026-11-20T01:05:00.000000Z", "ended": "2026-11-20T01:12:04.000000Z",
    "message": "driver failed with exit code 1: no \u001b[31mspace\nTraceback"}], "skips": []})";
  REQUIRE(why(desk.session, {.schedule = "nightly"}));
  CHECK(desk.out.str() ==
        std::string(kNightly) +
            "Slot Fri 2026-11-20 02:00:00 +01:00 (2026-11-20T01:00:00Z, 23h ago) ran: "
            "nightly-20261120t010000z, FAILED.\n"
            "  It was created 1s after its slot.\n"
            "  Its driver started 4s after that.\n"
            "  It ended after 12m03s, in 2 attempts.\n"
            "  It failed: driver failed with exit code 1: no ?[31mspace\n"
            "  sparkctl logs nightly-20261120t010000z shows what its driver printed.\n" +
            kNext);
  CHECK(desk.err.str().empty());
}

TEST_CASE("why a slot was skipped is told in words, from the status or the history") {
  Desk desk;
  fill_whole(desk);
  const std::string told =
      ".\n  That is: another run was unfinished when it came, and concurrencyPolicy is Forbid.\n";
  SECTION("the status") {
    desk.answers[run_target("nightly-20261118t010000z")] = kNoRows;
    REQUIRE(why(desk.session, {.schedule = "nightly", .at = "2026-11-18 02:00"}));
    CHECK(desk.out.str().find("Slot Wed 2026-11-18 02:00:00 +01:00 (2026-11-18T01:00:00Z, 2d ago) "
                              "was skipped: Superseded.\n  That is: a newer slot took its place") !=
          std::string::npos);
    CHECK(desk.out.str().find("  It is one of 3 that were skipped together.\n") !=
          std::string::npos);
  }
  SECTION("the history") {
    desk.answers[run_target("nightly-20261112t010000z")] = kNoRows;
    desk.answers[skip_target("2026-11-12T01%3A00%3A00Z")] = R"({"runs": [], "skips": [
      {"from": "2026-11-15T01:00:00Z", "to": "2026-11-15T01:00:00Z", "count": 1, "reason": "x"},
      {"from": "2026-11-12T01:00:00Z", "to": "2026-11-12T01:00:00Z", "count": 1,
       "reason": "ForbidConcurrent"}]})";
    REQUIRE(why(desk.session, {.schedule = "nightly", .at = "2026-11-12T01:00:00Z"}));
    CHECK(desk.out.str().find("was skipped: ForbidConcurrent" + told) != std::string::npos);
  }
}

TEST_CASE("why a slot is held or late is told with what it waits for") {
  struct Case {
    std::string name;
    std::string status;
    std::string told;
  };
  const Case cases[] = {
      {.name = "held",
       .status = R"({"scheduling": {"accounted": "2026-11-19T01:00:00Z", "schedule": "x",
         "held": {"first": "2026-11-20T01:00:00Z", "last": "2026-11-20T01:00:00Z", "count": 1,
                  "reason": "ForbidConcurrent"}},
         "active": [{"name": "nightly-old", "state": "RUNNING"}]})",
       .told = " is held: it is due and waits.\n"
               "  It waits for unfinished runs to end, as concurrencyPolicy has it.\n"
               "  Unfinished: nightly-old, RUNNING\n"},
      {.name = "late",
       .status = R"({"scheduling": {"accounted": "2026-11-19T01:00:00Z", "schedule": "x"},
         "conditions": [{"type": "Ready", "status": "False", "reason": "ReconcileFailing",
           "message": "ledger: disk full", "lastTransitionTime": "2026-11-20T23:00:00Z"}]})",
       .told = "It is not ready: ReconcileFailing: ledger: disk full (for 60m).\n"
               "Slot Fri 2026-11-20 02:00:00 +01:00 (2026-11-20T01:00:00Z, 23h ago) is late: it is "
               "due, and nothing was decided about it yet.\n"},
      {.name = "without a trace",
       .status = R"({"scheduling": {"accounted": "2026-11-20T01:00:00Z", "schedule": "x"}})",
       .told = " left no trace: no run, and no record that it was skipped.\n"},
      {.name = "never looked at",
       .status = "{}",
       .told = "No controller has looked at it yet: is sparkcron running, and does it watch "
               "namespace team?\n"}};
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      Desk desk;
      Json spec = Json::parse(tests::kNightlySpec);
      spec["template"] = Json::object();
      desk.add_schedule("nightly", spec, Json::parse(c.status));
      desk.answers[run_target(kSlotName)] = kNoRows;
      desk.answers[skip_target("2026-11-20T01%3A00%3A00Z")] = kNoRows;
      REQUIRE(why(desk.session, {.schedule = "nightly"}));
      CHECK_THAT(desk.out.str(), Catch::Contains(c.told));
    }
  }
}

TEST_CASE("why knows times that are no slots, slots to come and schedules that start nothing") {
  Desk desk;
  fill_whole(desk);
  SECTION("a time between two slots") {
    desk.answers[run_target(kSlotName)] = kNoRows;
    desk.answers[skip_target("2026-11-20T01%3A00%3A00Z")] = kNoRows;
    REQUIRE(why(desk.session, {.schedule = "nightly", .at = "2026-11-20 03:30"}));
    CHECK_THAT(desk.out.str(),
               Catch::Contains("Fri 2026-11-20 03:30:00 +01:00 is none of its slots: the one "
                               "before is Fri 2026-11-20 02:00:00 +01:00, the next Sat 2026-11-21 "
                               "02:00:00 +01:00.\n"));
  }
  SECTION("a time of today") {
    REQUIRE(why(desk.session, {.schedule = "nightly", .at = "02:00"}));
    CHECK(desk.out.str() == std::string(kNightly) +
                                "Slot Sat 2026-11-21 02:00:00 +01:00 (2026-11-21T01:00:00Z, in "
                                "60m) is still to come.\n" +
                                kNext);
  }
  SECTION("a time that is none") {
    const auto done = why(desk.session, {.schedule = "nightly", .at = "yesterday"});
    CHECK(done.error().message ==
          "--at \"yesterday\" is no time such as 2026-11-20T01:00:00Z, or \"2026-11-20 02:00\" or "
          "02:00 in Europe/Berlin");
  }
  SECTION("a spec that cannot be read") {
    REQUIRE(why(desk.session, {.schedule = "wrong"}));
    CHECK_THAT(desk.out.str(),
               Catch::StartsWith("wrong: it starts no runs, for its spec cannot be read: "
                                 "spec.schedule: minute: 99 is out of range"));
  }
  SECTION("a service without a history") {
    REQUIRE(why(desk.session, {.schedule = "paused"}));
    CHECK_THAT(desk.out.str(), Catch::Contains("It is suspended: slots pass and start nothing"));
    CHECK_THAT(desk.err.str(), Catch::StartsWith("sparkctl: the history could not be asked"));
  }
}

TEST_CASE("the timeline has all slots to come, how long they take, and the crowded hours") {
  Desk desk;
  fill_whole(desk);
  desk.add_schedule("often", Json::parse(R"({"schedule": "*/5 * * * *", "template": {}})"),
                    Json::object());
  desk.answers["/sparkcron/v1/history?namespace=team&state=COMPLETED&limit=10000"] =
      R"({"runs": [{"namespace": "team", "schedule": "often", "state": "COMPLETED",
        "created": "2026-11-20T01:00:00.000000Z", "ended": "2026-11-20T01:07:00.000000Z"}]})";
  REQUIRE(timeline(desk.session, {.zone = "Europe/Berlin"}));
  const std::string out = desk.out.str();
  CHECK_THAT(out, Catch::StartsWith(
                      "SLOT (Europe/Berlin)            WHEN    SCHEDULE  TAKES    CRON\n"
                      "Sat 2026-11-21 02:00:00 +01:00  in 60m  nightly   ~12m03s  0 2 * * *\n\n"
                      "OFTEN, FIRST (Europe/Berlin)    WHEN   SCHEDULE  TAKES   CRON\n"
                      "Sat 2026-11-21 01:05:00 +01:00  in 5m  often     ~7m00s  */5 * * * *, 288 "
                      "slots\n\n"
                      "HOUR (Europe/Berlin)            STARTS  AT ONCE  LOAD\n"));
  // Each takes longer than it is until the next.
  CHECK_THAT(out, Catch::Contains("Sat 2026-11-21 01:00:00 +01:00  11      2        ##\n"));
  CHECK_THAT(out, Catch::Contains("Sat 2026-11-21 02:00:00 +01:00  13      3        ###\n"));
  CHECK(desk.err.str() == "Left out: 1 suspended, 1 that cannot be read.\n");
}

TEST_CASE("a timeline without history or slots says so") {
  Desk desk;
  REQUIRE(timeline(desk.session, {}));
  CHECK(desk.err.str() == "No slots in the next 24h.\n");
  CHECK(timeline(desk.session, {.zone = "Mars/X"}).error().code == Code::InvalidArgument);
}

TEST_CASE("Spark's page is forwarded through the pod's proxy, to this machine alone") {
  std::vector<std::string> asked;
  const auto page = spark_page(
      [&](const base::http::Request& request) -> base::Result<base::http::Response> {
        asked.push_back(request.method + " " + request.target());
        if (request.path.ends_with("/gone"))
          return base::failure(Code::Unavailable, "connection refused");
        return base::http::Response{
            .headers = {{"Content-Type", "text/html"},
                        {"Content-Encoding", "gzip"},  // unpacked by the client
                        {"Set-Cookie", "no"}},
            .body = "jobs"};
      },
      {"team", "x-driver"}, 4041);
  const auto get = [&](const std::string& path, const std::string& host = "127.0.0.1:4040",
                       const std::string& method = "GET") {
    base::http::Request request{.method = method, .path = path, .headers = {{"Host", host}}};
    auto responder = std::make_shared<tests::RecordingResponder>();
    page(std::move(request), responder);
    return responder->answer;
  };
  const std::string proxy = "/api/v1/namespaces/team/pods/x-driver:4041/proxy";
  const std::string sent = "GET /api/v1/namespaces/team/pods/x-driver:4041/proxy";
  const auto first = get("/");
  CHECK(first.status == 200);
  CHECK(first.body == "jobs");
  CHECK(first.headers.get("Content-Type") == "text/html");
  CHECK_FALSE(first.headers.has("Set-Cookie"));
  CHECK_FALSE(first.headers.has("Content-Encoding"));
  CHECK(get(proxy + "/stages/").status == 200);
  CHECK(get("/api/v1/applications", "localhost:4040").status == 200);
  CHECK(get("/gone").status == 502);
  CHECK(get("/jobs/job/kill/", "127.0.0.1:4040", "POST").status == 405);
  CHECK(get("/jobs/", "evil.example:4040").status == 403);
  CHECK(asked == std::vector<std::string>{sent + "/jobs/", sent + "/stages/",
                                          sent + "/api/v1/applications", sent + "/gone"});
}

TEST_CASE("forward needs a driver that runs, and has nothing to do for one of this machine") {
  Desk desk;
  fill_whole(desk);
  desk.add_run("nightly-a", "nightly", "COMPLETED", "2026-11-20T23:00:00Z");
  CHECK(forward(desk.session, {.name = "nightly-a"}).error().message ==
        "nightly-a is COMPLETED: Spark's page is there while a driver runs; sparkctl logs "
        "nightly-a shows what it printed");
  CHECK(forward(desk.session, {.name = "nightly"}).error().message ==
        "no run of schedule \"nightly\" is RUNNING: Spark's page is there while a driver runs");
  desk.add_run("nightly-b", "nightly", "RUNNING", "2026-11-20T23:30:00Z");
  REQUIRE(desk.api.patch(config::spark_applications(), {"team", "nightly-b"},
                         kube::PatchType::MergePatch,
                         {{"status", {{"driverInfo", {{"webUIAddress", "127.0.0.1:4040"}}}}}},
                         {.subresource = "status"}));
  REQUIRE(forward(desk.session, {.name = "nightly"}));
  CHECK(desk.out.str() == "http://127.0.0.1:4040\n");
  CHECK(desk.err.str() == "The driver runs on the machine of the service: nothing is forwarded.\n");
}

}  // namespace
TEST_CASE("a span of time is told as people write it") {
  using namespace std::chrono_literals;
  CHECK(sparkctl::span_text(12h) == "12h");
  CHECK(sparkctl::span_text(90min) == "1h30m");
  CHECK(sparkctl::span_text(30min) == "30m");
  CHECK(sparkctl::span_text(3630s) == "1h00m30s");
  CHECK(sparkctl::span_text(45s) == "45s");
}
