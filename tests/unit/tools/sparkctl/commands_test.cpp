#include "tools/sparkctl/commands.h"

#include <deque>
#include <map>
#include <sstream>
#include <thread>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"
#include "tools/sparkctl/lookup.h"
#include "tools/sparkctl/show.h"

namespace {

using kube::Json;
using namespace sparkctl;

// A body that is there at once.
class TextStream final : public base::http::BodyStream {
 public:
  explicit TextStream(std::string text) : text_(std::move(text)) {}
  int status() const override { return 200; }
  const base::http::Headers& headers() const override { return headers_; }
  base::Result<std::optional<std::string>> read() override {
    return std::exchange(text_, std::nullopt);
  }
  void cancel() override {}

 private:
  std::optional<std::string> text_;
  const base::http::Headers headers_;
};

// 2026-11-21T00:00:00Z, an API in memory, and what was printed.
struct Desk {
  tests::FakeClock clock;
  tests::MemoryApi api{clock};
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  std::vector<std::string> logs_asked;
  std::map<std::string, std::string> answers;  // of raw requests, by target
  Session session{
      .api = api,
      .logs = [this](const kube::ObjectKey& pod, const kube::LogOptions&)
          -> base::Result<std::unique_ptr<base::http::BodyStream>> {
        logs_asked.push_back(pod.to_string());
        return std::make_unique<TextStream>("hello from " + pod.name + "\n");
      },
      .raw = [this](const base::http::Request& request) -> base::Result<base::http::Response> {
        const auto found = answers.find(request.target());
        if (found == answers.end()) {
          return base::failure(base::Code::NotFound, "HTTP 404: " + request.target());
        }
        return base::http::Response{.body = found->second};
      },
      .clock = clock,
      .in = in,
      .out = out,
      .err = err,
      .ns = "team"};

  Json add(const kube::ResourceType& type, Json object) {
    object["apiVersion"] = type.api_version();
    object["kind"] = type.kind;
    object["metadata"].emplace("namespace", "team");
    // The API stamps what it creates with its own clock.
    const base::WallTime now = clock.now();
    const auto created =
        base::parse_rfc3339(base::string_at(object, {"metadata", "creationTimestamp"}));
    if (created) clock.set_wall(*created);
    Json stored = api.create(type, object).value();
    clock.set_wall(now);
    return stored;
  }
  void add_schedule(const std::string& name, const Json& spec, const Json& status) {
    Json object = Json::parse(R"({"metadata": {"creationTimestamp": "2026-11-11T00:00:00Z"}})");
    object["metadata"]["name"] = name;
    object["spec"] = spec;
    object["status"] = status;
    add(config::scheduled_spark_applications(), std::move(object));
  }
  void add_run(const std::string& name, const std::string& schedule, const std::string& state,
               const std::string& created, const std::string& message = "") {
    Json object = Json::parse(R"({
      "metadata": {"ownerReferences": [{"kind": "ScheduledSparkApplication"}]},
      "status": {"executionAttempts": 1}})");
    object["metadata"]["name"] = name;
    object["metadata"]["creationTimestamp"] = created;
    object["metadata"]["ownerReferences"][0]["name"] = schedule;
    object["status"]["applicationState"]["state"] = state;
    if (!message.empty()) object["status"]["applicationState"]["errorMessage"] = message;
    object["status"]["lastSubmissionAttemptTime"] = created;
    object["status"]["driverInfo"]["podName"] = name + "-driver";
    add(config::spark_applications(), std::move(object));
  }
};

// As text: long nested initializer lists take a compiler minutes.
constexpr const char* kNightlySpec = R"({
  "schedule": "0 2 * * *", "timeZone": "Europe/Berlin", "concurrencyPolicy": "Forbid",
  "missedRunPolicy": "Latest", "dstPolicy": "Vixie", "startingDeadlineSeconds": 300,
  "successfulRunHistoryLimit": 3, "failedRunHistoryLimit": 1})";
constexpr const char* kNightlyStatus = R"({
  "scheduleState": "Scheduled", "lastRun": "2026-11-20T01:00:01Z",
  "lastRunName": "nightly-20261120t010000z", "lastScheduleTime": "2026-11-20T01:00:00Z",
  "nextRun": "2026-11-21T01:00:00Z",
  "nextRuns": ["2026-11-21T01:00:00Z", "2026-11-22T01:00:00Z"],
  "counts": {"started": 9, "succeeded": 8, "failed": 1, "skipped": 3, "active": 0},
  "recentRuns": [
    {"slot": "2026-11-20T01:00:00Z", "name": "nightly-20261120t010000z", "outcome": "Succeeded",
     "started": "2026-11-20T01:00:01Z", "ended": "2026-11-20T01:12:04Z"},
    {"slot": "2026-11-17T01:00:00Z", "until": "2026-11-19T01:00:00Z", "count": 3,
     "outcome": "Skipped", "reason": "Superseded"}],
  "conditions": [
    {"type": "Ready", "status": "True", "reason": "Scheduled", "message": "next run in 1 h",
     "lastTransitionTime": "2026-11-11T00:00:00Z"},
    {"type": "LastRunSucceeded", "status": "True", "reason": "Succeeded", "message": "",
     "lastTransitionTime": "2026-11-20T01:12:04Z"}]})";
constexpr const char* kHistory = R"({
  "runs": [
    {"name": "nightly-1", "state": "COMPLETED", "slot": "2026-11-20T01:00:00Z",
     "started": "2026-11-20T01:00:05.000000Z", "ended": "2026-11-20T01:02:05.000000Z",
     "attempts": 1, "exitCode": 0, "created": "2026-11-20T01:00:01.000000Z"},
    {"name": "nightly-manual", "state": "FAILED", "attempts": 2, "exitCode": 1,
     "message": "no\nspace", "created": "2026-11-20T09:00:00.000000Z"}],
  "skips": [
    {"from": "2026-11-17T01:00:00Z", "to": "2026-11-19T01:00:00Z", "count": 3,
     "reason": "Superseded"}]})";

void fill(Desk& desk) {
  desk.add_schedule("nightly", Json::parse(kNightlySpec), Json::parse(kNightlyStatus));
  desk.add_schedule("paused", Json::parse(R"({"schedule": "@hourly", "suspend": true})"),
                    Json::object());
  desk.add_schedule("wrong", Json::parse(R"({"schedule": "99 * * * *"})"),
                    Json::parse(R"({"scheduleState": "FailedValidation",
                                    "reason": "minute: 99 is out of range 0-59 (at 0)\u001b[31m"})"));
}

TEST_CASE("list") {
  Desk desk;
  fill(desk);
  SECTION("as a table") {
    REQUIRE(list(desk.session, Listed::Schedules, ""));
    CHECK(
        desk.out.str() ==
        "NAME     SCHEDULE    ZONE           ACTIVE  LAST RUN  RESULT     NEXT RUN                 "
        "      AGE\n"
        "nightly  0 2 * * *   Europe/Berlin  0       22h ago   Succeeded  2026-11-21T01:00:00Z (in "
        "60m)  10d\n"
        "paused   @hourly     -              -       -         -          suspended                "
        "      10d\n"
        "wrong    99 * * * *  -              -       -         -          invalid                  "
        "      10d\n");
  }
  SECTION("of all namespaces, wide") {
    desk.session.scope = Scope::All;
    desk.session.output = Output::Wide;
    REQUIRE(list(desk.session, Listed::Schedules, ""));
    CHECK(desk.out.str().starts_with(
        "NAMESPACE  NAME     SCHEDULE    ZONE           ACTIVE  LAST RUN  RESULT     NEXT RUN   "
        "                    AGE  "
        "STARTED  SUCCEEDED  FAILED  SKIPPED  POLICY  LAST NAME\n"
        "team       nightly  0 2 * * *   Europe/Berlin  0       22h ago   Succeeded  "
        "2026-11-21T01:00:00Z (in 60m)  10d  "
        "9        8          1       3        Forbid  nightly-20261120t010000z\n"));
  }
  SECTION("as names") {
    desk.session.output = Output::Name;
    REQUIRE(list(desk.session, Listed::Schedules, ""));
    CHECK(desk.out.str() ==
          "scheduledsparkapplication.sparkoperator.k8s.io/"
          "nightly\nscheduledsparkapplication.sparkoperator.k8s.io/paused\n"
          "scheduledsparkapplication.sparkoperator.k8s.io/wrong\n");
  }
  SECTION("as JSON") {
    desk.session.output = Output::Json;
    REQUIRE(list(desk.session, Listed::Schedules, ""));
    CHECK(Json::parse(desk.out.str())["items"].size() == 3);
  }
  SECTION("nothing there") {
    desk.session.ns = "empty";
    REQUIRE(list(desk.session, Listed::Schedules, ""));
    CHECK(desk.out.str().empty());
    CHECK(desk.err.str() == "No schedules in namespace \"empty\".\n");
  }
}

TEST_CASE("list says what it leaves out because it cannot be read") {
  Desk desk;
  fill(desk);
  desk.api.make_unreadable(config::scheduled_spark_applications(), {"team", "nightly"});
  SECTION("beside what it shows") {
    REQUIRE(list(desk.session, Listed::Schedules, ""));
    CHECK_THAT(desk.out.str(), Catch::Contains("paused") && !Catch::Contains("nightly"));
    CHECK(desk.err.str() ==
          "sparkctl: team/nightly cannot be read and is left out: nested too deep\n");
  }
  SECTION("for programs too, beside their output") {
    desk.session.output = Output::Name;
    REQUIRE(list(desk.session, Listed::Schedules, ""));
    CHECK(desk.out.str() ==
          "scheduledsparkapplication.sparkoperator.k8s.io/paused\n"
          "scheduledsparkapplication.sparkoperator.k8s.io/wrong\n");
    CHECK_THAT(desk.err.str(), Catch::Contains("team/nightly cannot be read"));
  }
  SECTION("and does not call the rest nothing") {
    for (const char* name : {"a", "b", ""})
      desk.api.make_unreadable(config::spark_applications(), {"team", name});
    REQUIRE(list(desk.session, Listed::Runs, ""));
    CHECK(desk.out.str().empty());
    CHECK(desk.err.str() ==
          "sparkctl: team/a cannot be read and is left out: nested too deep\n"
          "sparkctl: team/b cannot be read and is left out: nested too deep\n"
          "sparkctl: one of the sparkapplications cannot be read and is left out: nested too "
          "deep\n");
  }
  SECTION("ten by name at most") {
    for (int i = 0; i < 12; ++i)
      desk.api.make_unreadable(config::spark_applications(), {"team", std::to_string(i)});
    REQUIRE(list(desk.session, Listed::Runs, ""));
    CHECK_THAT(desk.err.str(), Catch::Contains("team/9 ") && !Catch::Contains("team/10 "));
    CHECK_THAT(
        desk.err.str(),
        Catch::EndsWith("sparkctl: 2 more sparkapplications cannot be read and are left out\n"));
  }
}

TEST_CASE("the runs of one schedule, the newest first") {
  Desk desk;
  fill(desk);
  desk.add_run("nightly-a", "nightly", "COMPLETED", "2026-11-19T01:00:00Z");
  desk.add_run("nightly-b", "nightly", "RUNNING", "2026-11-20T23:00:00Z");
  desk.add_run("other", "paused", "FAILED", "2026-11-20T23:30:00Z");
  REQUIRE(list(desk.session, Listed::Runs, "nightly"));
  CHECK(desk.out.str() ==
        "NAME       SCHEDULE  STATE      ATTEMPTS  STARTED  DURATION  AGE  REASON\n"
        "nightly-b  nightly   RUNNING    1         60m ago  1h00m00s  60m  -\n"
        "nightly-a  nightly   COMPLETED  1         47h ago  -         47h  -\n");
}

TEST_CASE("runs of all schedules say whose they are, the newest first") {
  Desk desk;
  fill(desk);
  desk.add_run("a-old", "nightly", "COMPLETED", "2026-11-19T01:00:00Z");
  desk.add_run("b-new", "paused", "RUNNING", "2026-11-20T23:00:00Z");
  REQUIRE(list(desk.session, Listed::Runs, ""));
  CHECK(desk.out.str() ==
        "NAME   SCHEDULE  STATE      ATTEMPTS  STARTED  DURATION  AGE  REASON\n"
        "b-new  paused    RUNNING    1         60m ago  1h00m00s  60m  -\n"
        "a-old  nightly   COMPLETED  1         47h ago  -         47h  -\n");
}

// Plays one list, its watch and a refusal, which ends the watching.
TEST_CASE("watching shows what is there, then each change in the same columns") {
  Desk desk;
  fill(desk);
  desk.add_run("nightly-a", "nightly", "RUNNING", "2026-11-20T23:00:00Z");
  desk.add_run("other", "paused", "RUNNING", "2026-11-20T23:30:00Z");
  base::Status ended;
  std::jthread watching([&] { ended = list(desk.session, Listed::Runs, "nightly", Follow::Yes); });
  desk.api.await_calls("watch", 1);
  // Now, so that the clock which stamps them stands still while they are shown.
  desk.add_run("nightly-bb", "nightly", "FAILED", "2026-11-21T00:00:00Z");
  desk.add_run("another", "paused", "FAILED", "2026-11-21T00:00:00Z");
  REQUIRE(desk.api.remove(config::spark_applications(), {"team", "nightly-a"}, {}));
  // In order: it lists again, has nothing new to say, and is then refused.
  desk.api.end_watches();
  desk.api.await_calls("watch", 2);
  desk.api.fail("list", {.code = base::Code::Forbidden, .message = "no more"});
  desk.api.end_watches();
  watching.join();
  REQUIRE_FALSE(ended.has_value());
  CHECK(ended.error().message == "no more");
  CHECK(desk.out.str() ==
        "NAME       SCHEDULE  STATE    ATTEMPTS  STARTED  DURATION  AGE  REASON\n"
        "nightly-a  nightly   RUNNING  1         60m ago  1h00m00s  60m  -\n"
        "nightly-bb  nightly   FAILED   1         0s ago   -         0s   -\n");
  CHECK(desk.err.str() == "sparkapplication.sparkoperator.k8s.io/nightly-a deleted\n");
}

TEST_CASE("watching waits for an API that is away for a while, and says so once") {
  Desk desk;
  fill(desk);
  base::Status ended;
  SECTION("that was there") {
    std::jthread watching([&] { ended = get(desk.session, {"nightly"}, Follow::Yes); });
    desk.api.await_calls("watch", 1);
    for (int i = 0; i < 2; ++i)
      desk.api.fail("list", {.code = base::Code::Unavailable, .message = "away"});
    desk.api.fail("list", {.code = base::Code::Forbidden, .message = "no more"});
    std::jthread time([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        desk.clock.advance(std::chrono::milliseconds{500});
        std::this_thread::yield();
      }
    });
    desk.api.end_watches();
    watching.join();
    CHECK(ended.error().message == "no more");
    CHECK(desk.err.str() == "sparkctl: away; waiting\n");
  }
  SECTION("that never was") {
    desk.api.fail("list", {.code = base::Code::Unavailable, .message = "away"});
    ended = list(desk.session, Listed::Schedules, "", Follow::Yes);
    CHECK(ended.error().message == "away");
  }
}

TEST_CASE("messages of any length keep a table within its width") {
  Table table({"A", "MESSAGE"}, Fit::Wrapped);
  table.add({"x", "short"});
  table.add({std::string(60, 'b'), "word " + std::string(150, 'c')});
  table.add({"y", "it is \xc3\xa4 " + std::string(57, 'd')});
  std::ostringstream out;
  table.print(out, Colours::Off);
  CHECK(out.str() == "A" + std::string(61, ' ') + "MESSAGE\nx" + std::string(61, ' ') + "short\n" +
                         std::string(60, 'b') + "\n    word\n    " + std::string(116, 'c') +
                         "\n    " + std::string(34, 'c') +
                         "\ny\n    it is "
                         "\xc3\xa4 " +
                         std::string(57, 'd') + "\n");
}

TEST_CASE("get shows schedules and runs, and says where to look for what is not there") {
  Desk desk;
  fill(desk);
  desk.session.output = Output::Yaml;
  REQUIRE(get(desk.session, {"paused"}));
  CHECK(desk.out.str().find("schedule: \"@hourly\"") != std::string::npos);
  const auto missing = get(desk.session, {"nobody"});
  REQUIRE_FALSE(missing.has_value());
  CHECK(exit_code_of(missing.error()) == kNotFound);
  CHECK(missing.error().message ==
        "no schedule or run \"nobody\" in namespace \"team\"; sparkctl list -A shows all "
        "schedules");
}

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

TEST_CASE("text from outside cannot steer the terminal") {
  Desk desk;
  fill(desk);
  REQUIRE(describe(desk.session, {"wrong"}));
  CHECK(desk.out.str().find('\x1b') == std::string::npos);
  CHECK(desk.out.str().find("Reason:             minute: 99 is out of range 0-59 (at 0)?[31m\n") !=
        std::string::npos);
  CHECK(safe_text("a\nb\tc\x7f\xc2\x9b \xc3\xa4") == "a b c?? \xc3\xa4");
}

TEST_CASE("colours are for terminals that want them") {
  const auto printed = [](Colours colours) {
    Table table({"STATE", "X"});
    table.add({Cell("FAILED", Colour::Red), "y"});
    std::ostringstream out;
    table.print(out, colours);
    return out.str();
  };
  CHECK(printed(Colours::Off) == "STATE   X\nFAILED  y\n");
  CHECK(printed(Colours::On) == "STATE   X\n\x1b[31mFAILED\x1b[0m  y\n");
}

TEST_CASE("create") {
  Desk desk;
  SECTION("several documents, in the session's namespace unless they name one") {
    desk.in.str(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\n---\n"
        "apiVersion: sparkoperator.k8s.io/v1beta2\nkind: ScheduledSparkApplication\n"
        "metadata: {name: job, namespace: other}\nspec: {schedule: '@daily'}\n");
    REQUIRE(create(desk.session, {"-"}));
    CHECK(desk.out.str() ==
          "configmap/conf created\nscheduledsparkapplication.sparkoperator.k8s.io/job created\n");
    CHECK(desk.api.get(kube::config_maps(), {"team", "conf"}).has_value());
    CHECK(desk.api.get(config::scheduled_spark_applications(), {"other", "job"}).has_value());
  }
  SECTION("nothing is created when one cannot be") {
    desk.in.str(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\n---\n"
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\n");
    const auto done = create(desk.session, {"-"});
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().message ==
          "standard input: sparkctl does not create a Deployment of apps/v1; use kubectl for it");
    CHECK_FALSE(desk.api.get(kube::config_maps(), {"team", "conf"}).has_value());
  }
  SECTION("no such file") {
    const auto done = create(desk.session, {"/nonexistent.yaml"});
    REQUIRE_FALSE(done.has_value());
    CHECK(done.error().message == "read /nonexistent.yaml: No such file or directory");
    CHECK(exit_code_of(done.error()) == kNotFound);
  }
  SECTION("empty input") {
    CHECK(create(desk.session, {"-"}).error().message == "nothing to create");
  }
}

TEST_CASE("suspend, resume and delete") {
  Desk desk;
  fill(desk);
  const kube::ObjectKey key{"team", "nightly"};
  REQUIRE(set_suspension(desk.session, {"nightly"}, Suspension::Suspend));
  CHECK(desk.api.peek(config::scheduled_spark_applications(), key)["spec"]["suspend"] == true);
  REQUIRE(set_suspension(desk.session, {"nightly"}, Suspension::Resume));
  CHECK(desk.api.peek(config::scheduled_spark_applications(), key)["spec"]["suspend"] == false);
  REQUIRE(remove(desk.session, {"nightly"}));
  CHECK(desk.api.peek(config::scheduled_spark_applications(), key).is_null());
  CHECK(desk.out.str() ==
        "scheduledsparkapplication.sparkoperator.k8s.io/nightly "
        "suspended\nscheduledsparkapplication.sparkoperator.k8s.io/nightly resumed\n"
        "scheduledsparkapplication.sparkoperator.k8s.io/nightly deleted\n");
  CHECK(set_suspension(desk.session, {"nightly"}, Suspension::Suspend).error().message ==
        "no schedule \"nightly\" in namespace \"team\"; sparkctl list -A shows all");
}

TEST_CASE("what -o name prints is taken as a name") {
  Desk desk;
  fill(desk);
  desk.add_run("nightly", "paused", "COMPLETED", "2026-11-19T01:00:00Z");
  const std::string schedule = "scheduledsparkapplication.sparkoperator.k8s.io/nightly";
  const std::string run = "sparkapplication.sparkoperator.k8s.io/nightly";
  REQUIRE(remove(desk.session, {run}));
  CHECK(desk.api.peek(config::spark_applications(), {"team", "nightly"}).is_null());
  CHECK_FALSE(desk.api.peek(config::scheduled_spark_applications(), {"team", "nightly"}).is_null());
  REQUIRE(set_suspension(desk.session, {schedule}, Suspension::Suspend));
  CHECK(desk.out.str() == run + " deleted\n" + schedule + " suspended\n");
  CHECK(remove(desk.session, {run}).error().code == base::Code::NotFound);
  CHECK(set_suspension(desk.session, {run}, Suspension::Suspend).error().message ==
        "\"" + run + "\" is no schedule");
  CHECK(get(desk.session, {"pod/x"}).error().message ==
        "\"pod/x\" names neither a schedule nor a run");
}

TEST_CASE("stop keeps the run and says who stopped it") {
  Desk desk;
  fill(desk);
  desk.session.user = "jane";
  SECTION("while its driver lives") {
    desk.add_run("nightly-a", "nightly", "RUNNING", "2026-11-20T23:00:00Z");
    // Somebody writes meanwhile: decided again.
    desk.api.fail("patch", {.code = base::Code::Conflict, .message = "changed"});
    REQUIRE(stop(desk.session, {"nightly-a"}));
    const Json run = desk.api.peek(config::spark_applications(), {"team", "nightly-a"});
    CHECK(base::string_at(run, {"status", "stopReason"}).starts_with("stopped by "));
    CHECK(base::string_at(run, {"status", "applicationState", "state"}) == "RUNNING");
    CHECK(desk.out.str() == "sparkapplication.sparkoperator.k8s.io/nightly-a is being stopped\n");
  }
  SECTION("not when it has ended") {
    desk.add_run("nightly-a", "nightly", "COMPLETED", "2026-11-20T23:00:00Z");
    REQUIRE(stop(desk.session, {"nightly-a"}));
    CHECK(desk.err.str() == "nightly-a has ended already: COMPLETED\n");
    CHECK(desk.out.str().empty());
  }
  SECTION("not when there is no driver") {
    desk.add_run("nightly-a", "nightly", "PENDING_RERUN", "2026-11-20T23:00:00Z");
    CHECK(stop(desk.session, {"nightly-a"}).error().message ==
          "nightly-a is PENDING_RERUN: it has no driver that could be stopped; sparkctl delete "
          "nightly-a keeps it from starting one");
  }
  SECTION("not a schedule") {
    CHECK(stop(desk.session, {"nightly"}).error().message ==
          "\"nightly\" is a schedule; sparkctl list runs nightly shows its runs");
  }
}

TEST_CASE("retry is for runs that failed") {
  Desk desk;
  fill(desk);
  desk.add_run("nightly-a", "nightly", "FAILED", "2026-11-20T23:00:00Z");
  desk.add_run("nightly-b", "nightly", "COMPLETED", "2026-11-20T23:00:00Z");
  REQUIRE(retry(desk.session, {"nightly-a"}));
  const Json run = desk.api.peek(config::spark_applications(), {"team", "nightly-a"});
  CHECK(base::string_at(run, {"status", "applicationState", "state"}) == "PENDING_RERUN");
  CHECK(base::string_at(run, {"status", "applicationState", "errorMessage"})
            .starts_with("retried by "));
  CHECK(base::integer_at(run, {"status", "executionAttempts"}) == 1);
  CHECK(retry(desk.session, {"nightly-b"}).error().message ==
        "nightly-b is COMPLETED: only a run that failed is retried; sparkctl trigger starts a new "
        "one");
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

TEST_CASE("trigger leaves a new value each time") {
  Desk desk;
  fill(desk);
  CHECK(trigger(desk.session, {.name = "paused"}).value() == kDone);
  const auto value = [&] {
    return base::string_at(
        desk.api.peek(config::scheduled_spark_applications(), {"team", "paused"}),
        {"metadata", "annotations", config::kTriggerAnnotation});
  };
  const std::string first = value();
  CHECK(first == "2026-11-21T00:00:00.000000Z");
  desk.clock.advance(std::chrono::milliseconds{1});
  CHECK(trigger(desk.session, {.name = "paused"}).value() == kDone);
  CHECK(value() != first);
}

TEST_CASE("trigger waits for the run that it started, and for no other") {
  struct Case {
    const char* state;
    ExitCode code;
  };
  for (const Case& c : {Case{"COMPLETED", kDone}, Case{"FAILED", kRunFailed}}) {
    DYNAMIC_SECTION(c.state) {
      Desk desk;
      fill(desk);
      desk.add_run("paused-manual-old", "paused", "FAILED", "2026-11-20T00:00:00Z");
      std::jthread controller([&] {
        desk.api.await(
            config::scheduled_spark_applications(), {"team", "paused"}, [](const Json* schedule) {
              return schedule != nullptr && (*schedule)["metadata"].contains("annotations");
            });
        desk.add_run("paused-manual-new", "paused", c.state, "2026-11-21T00:00:00Z");
      });
      std::jthread time([&](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
          desk.clock.advance(std::chrono::milliseconds{500});
          std::this_thread::yield();
        }
      });
      const auto done = trigger(desk.session, {.name = "paused", .wait = true});
      REQUIRE(done.has_value());
      CHECK(*done == c.code);
      CHECK(desk.out.str() == std::string("paused-manual-new ") + c.state + "\n");
    }
  }
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
  desk.answers[target] = kHistory;
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

TEST_CASE("logs of a run, or of a schedule's newest run") {
  Desk desk;
  fill(desk);
  SECTION("a schedule") {
    desk.add_run("nightly-a", "nightly", "COMPLETED", "2026-11-19T01:00:00Z");
    desk.add_run("nightly-b", "nightly", "RUNNING", "2026-11-20T23:00:00Z");
    REQUIRE(logs(desk.session, {.name = "nightly"}));
    CHECK(desk.out.str() == "hello from nightly-b-driver\n");
    CHECK(desk.err.str() == "log of nightly-b\n");
  }
  SECTION("a schedule whose runs are all pruned") {
    REQUIRE(logs(desk.session, {.name = "nightly"}));
    CHECK(desk.logs_asked == std::vector<std::string>{"team/nightly-20261120t010000z-driver"});
  }
  SECTION("a run that is gone") {
    REQUIRE(logs(desk.session, {.name = "gone"}));
    CHECK(desk.logs_asked == std::vector<std::string>{"team/gone-driver"});
  }
  SECTION("a schedule that never ran") {
    CHECK(logs(desk.session, {.name = "paused"}).error().message ==
          "schedule \"paused\" has no run yet; sparkctl trigger paused starts one");
  }
}

TEST_CASE("logs of a run that was never submitted say why, not that a pod is missing") {
  Desk desk;
  fill(desk);
  desk.add_run("nightly-a", "nightly", "FAILED", "2026-11-20T23:00:00Z", "mainClass is missing");
  desk.session.logs =
      [](const kube::ObjectKey&,
         const kube::LogOptions&) -> base::Result<std::unique_ptr<base::http::BodyStream>> {
    return base::failure(base::Code::NotFound, "pods \"nightly-a-driver\" not found");
  };
  const auto done = logs(desk.session, {.name = "nightly-a", .log = {.previous = true}});
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().message == "no log of \"nightly-a\": it is FAILED: mainClass is missing");
}

TEST_CASE("a followed log that ends while its driver goes on is no success") {
  Desk desk;
  fill(desk);
  desk.add_run("nightly-a", "nightly", "RUNNING", "2026-11-20T23:00:00Z");
  std::jthread time([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      desk.clock.advance(std::chrono::milliseconds{500});
      std::this_thread::yield();
    }
  });
  const auto done = logs(desk.session, {.name = "nightly-a", .log = {.follow = true}});
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().message ==
        "the log ended and nightly-a is still RUNNING; sparkctl logs -f nightly-a goes on");
}

}  // namespace
