// Lists and tables, what is watched, and what a terminal is shown.

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

}  // namespace
