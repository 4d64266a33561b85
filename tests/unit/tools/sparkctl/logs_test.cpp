// Logs: whose, of which attempt, which lines, and how they are followed.

#include <deque>
#include <functional>
#include <sstream>
#include <string>
#include <thread>

#include "tests/unit/tools/sparkctl/desk.h"
#include "tools/sparkctl/log_lines.h"

namespace {

using base::Code;
using kube::Json;
using namespace sparkctl;
using tests::Desk;
using tests::fill;

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

TEST_CASE("logs of an executor are those of its newest pod") {
  Desk desk;
  fill(desk);
  desk.add_run("nightly-b", "nightly", "RUNNING", "2026-11-20T23:00:00Z");
  const auto add = [&](const char* name, const char* id, const char* created) {
    Json pod = {{"metadata",
                 {{"name", name},
                  {"creationTimestamp", created},
                  {"labels",
                   {{config::kAppNameLabel, "nightly-b"},
                    {config::kSparkRoleLabel, "executor"},
                    {config::kSparkExecIdLabel, id}}}}}};
    desk.add(kube::pods(), std::move(pod));
  };
  add("a-exec-1", "1", "2026-11-20T23:01:00Z");
  add("b-exec-1", "1", "2026-11-20T23:05:00Z");
  add("b-exec-2", "2", "2026-11-20T23:05:00Z");
  REQUIRE(logs(desk.session, {.name = "nightly-b", .executor = "1"}));
  CHECK(desk.logs_asked == std::vector<std::string>{"team/b-exec-1"});
  CHECK(logs(desk.session, {.name = "nightly-b", .executor = "7"}).error().message ==
        "run \"nightly-b\" has no pod of an executor 7; there are 1, 2");
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
  desk.api.fail("create", {.code = Code::NotFound, .message = "no token"});
  const auto done = logs(desk.session, {.name = "nightly-a"});
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().message == "no log of \"nightly-a\": it is FAILED: mainClass is missing");
}

// What comes when the log is opened once more, in turn; the last for ever.
struct Opening {
  std::string text;                           // what is read
  std::optional<base::Error> end;             // instead of an end in order
  std::optional<base::Error> refused;         // instead of everything
  std::function<void(Desk& desk)> meanwhile;  // before its end
};

class OpeningStream final : public base::http::BodyStream {
 public:
  OpeningStream(Desk& desk, Opening opening) : desk_(desk), opening_(std::move(opening)) {}
  int status() const override { return 200; }
  const base::http::Headers& headers() const override { return headers_; }
  base::Result<std::optional<std::string>> read() override {
    if (!opening_.text.empty()) return std::optional(std::exchange(opening_.text, ""));
    if (opening_.meanwhile) opening_.meanwhile(desk_);
    if (opening_.end) return base::failure(*opening_.end);
    return std::optional<std::string>{};
  }
  void cancel() override {}

 private:
  Desk& desk_;
  Opening opening_;
  const base::http::Headers headers_;
};

const base::Error kAway{.code = Code::Unavailable, .message = "the connection was closed"};
const base::Error kNoPod{.code = Code::NotFound, .message = "pods \"x-driver\" not found"};

struct FollowDesk : Desk {
  explicit FollowDesk(std::deque<Opening> all) : openings(std::move(all)) {
    fill(*this);
    session.logs = [this](const kube::ObjectKey&, const kube::LogOptions& options)
        -> base::Result<std::unique_ptr<base::http::BodyStream>> {
      asked.push_back(options);
      const Opening now = openings.front();
      if (openings.size() > 1) openings.pop_front();
      if (now.refused) {
        if (now.meanwhile) now.meanwhile(*this);
        return base::failure(*now.refused);
      }
      return std::make_unique<OpeningStream>(*this, now);
    };
  }
  base::Status follow(LogsOptions options = {}) {
    const std::jthread time = tests::passing_time(clock);
    // Of a token for the history: nobody keeps one.
    api.fail("create", {.code = Code::NotFound, .message = "no token"});
    options.name = "x";
    options.log.follow = true;
    return logs(session, options);
  }

  std::deque<Opening> openings;
  std::vector<kube::LogOptions> asked;
};

void set_state(Desk& desk, const char* state) {
  REQUIRE(desk.api.patch(config::spark_applications(), {"team", "x"}, kube::PatchType::MergePatch,
                         {{"status", {{"applicationState", {{"state", state}}}}}},
                         {.subresource = "status"}));
}

const std::function<void(Desk&)> kEnds = [](Desk& desk) { set_state(desk, "COMPLETED"); };

constexpr const char* kOne = "2026-11-21T00:00:01.000000Z one\n";
constexpr const char* kTwo = "2026-11-21T00:00:01.000000Z two\n";
constexpr const char* kThree = "2026-11-21T00:00:02.500000Z three\n";

TEST_CASE("a followed log comes whole and once, whatever happens on the way") {
  const std::string all = std::string(kOne) + kTwo + kThree;
  struct Case {
    std::string name;
    std::deque<Opening> openings;
    std::string out = "one\ntwo\nthree\n";
    std::string err;
  };
  const Case cases[] = {
      {.name = "to its end",
       .openings = {{.text = all, .meanwhile = kEnds}, {.text = all}},
       .err = ""},
      {.name = "from a driver that has not started",
       .openings = {{.refused = kNoPod},
                    {.refused = base::Error{.code = Code::Refused,
                                            .message = "waiting to start: ContainerCreating"}},
                    {.text = all, .meanwhile = kEnds},
                    {.text = all}},
       .err = "waiting for the driver of x\n"},
      {.name = "though its server went away within a line",
       .openings = {{.text = std::string(kOne) + "2026-11-21T00:00:01.000000Z tw", .end = kAway},
                    {.refused = kAway},
                    {.refused = kAway},
                    {.text = all, .meanwhile = kEnds},
                    {.text = all}},
       .err = "sparkctl: the connection was closed; waiting for the server\n"},
      {.name = "though its server ended it in order and came again",
       .openings = {{.text = std::string(kOne) + kTwo},
                    {.text = all, .meanwhile = kEnds},
                    {.text = all}},
       .err = "the log of x ended and it is still RUNNING; waiting for more\n"},
      {.name = "though its last line has no end",
       .openings = {{.text = all + "2026-11-21T00:00:03Z four", .meanwhile = kEnds},
                    {.text = all + "2026-11-21T00:00:03Z four"}},
       .out = "one\ntwo\nthree\nfour",
       .err = ""},
      {.name = "though its pod went with the end",
       .openings = {{.text = all, .meanwhile = kEnds}, {.refused = kNoPod}},
       .err = ""},
      {.name = "until another attempt is made",
       .openings = {{.text = all,
                     .meanwhile = [](Desk& desk) { set_state(desk, "PENDING_RERUN"); }}},
       .err = "x is PENDING_RERUN; sparkctl logs -f x follows its next attempt\n"}};
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      FollowDesk desk(c.openings);
      desk.add_run("x", "nightly", "RUNNING", "2026-11-20T23:00:00Z");
      REQUIRE(desk.follow());
      CHECK(desk.out.str() == c.out);
      CHECK(desk.err.str() == c.err);
    }
  }
}

TEST_CASE("a followed log is asked for its last lines once, then from where it was") {
  FollowDesk desk(
      {{.text = kThree, .end = kAway}, {.text = kThree, .meanwhile = kEnds}, {.text = kThree}});
  desk.add_run("x", "nightly", "RUNNING", "2026-11-20T23:00:00Z");
  REQUIRE(desk.follow({.log = {.tail_lines = 1}}));
  REQUIRE(desk.asked.size() == 3);
  CHECK(desk.asked[0].tail_lines == 1);
  CHECK_FALSE(desk.asked[0].since);
  CHECK_FALSE(desk.asked[1].tail_lines);
  CHECK(desk.asked[1].since == *base::parse_rfc3339("2026-11-21T00:00:02.5Z"));
  CHECK(desk.out.str() == "three\n");
}

TEST_CASE("a followed log that cannot be read is an error, not a wait") {
  SECTION("its server was never there") {
    FollowDesk desk({{.refused = kAway}});
    desk.api.fail_all(kAway);
    CHECK(desk.follow().error().message == kAway.message);
  }
  SECTION("not for everybody") {
    FollowDesk desk({{.refused = base::Error{.code = Code::Forbidden, .message = "no"}}});
    desk.add_run("x", "nightly", "RUNNING", "2026-11-20T23:00:00Z");
    CHECK(desk.follow().error().code == Code::Forbidden);
  }
  SECTION("its driver ended without one") {
    FollowDesk desk({{.refused = kNoPod}});
    desk.add_run("x", "nightly", "FAILED", "2026-11-20T23:00:00Z", "mainClass is missing");
    CHECK(desk.follow().error().message == "no log of \"x\": it is FAILED: mainClass is missing");
  }
}

TEST_CASE("of a log those lines are printed in which a text stands") {
  struct Case {
    std::string name;
    LineTimes times;
    std::string out;
  };
  const Case cases[] = {{.name = "as they came",
                         .times = LineTimes::None,
                         .out = "2026-11-21T00:00:02.500000Z three\n"},
                        {.name = "with times",
                         .times = LineTimes::Shown,
                         .out = "2026-11-21T00:00:02.500000Z three\n"},
                        {.name = "without", .times = LineTimes::Hidden, .out = "three\n"}};
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      std::ostringstream out;
      LogLines lines(out, "thr", c.times);
      const std::string text = std::string(kOne) + kThree;
      for (const char byte : text)  // however it is cut
        lines.feed(std::string_view(&byte, 1));
      lines.finish();
      CHECK(out.str() == c.out);
      CHECK(lines.printed() == 1);
    }
  }
  Desk desk;
  fill(desk);
  desk.add_run("nightly-a", "nightly", "COMPLETED", "2026-11-20T23:00:00Z");
  REQUIRE(logs(desk.session, {.name = "nightly-a", .grep = "nothing"}));
  CHECK(desk.out.str().empty());
  CHECK(desk.err.str() == "no line with \"nothing\"\n");
}

TEST_CASE("lines of one moment that come again are told apart by their number") {
  std::ostringstream out;
  LogLines lines(out, "", LineTimes::Hidden);
  lines.feed(std::string(kOne) + kTwo);
  lines.begin_again();
  lines.feed(kOne);
  lines.begin_again();  // cut off before it came as far as it had been
  lines.feed(std::string(kOne) + kTwo + kTwo + kThree);
  lines.begin_again();
  lines.feed(std::string(kTwo) + kThree);
  CHECK(out.str() == "one\ntwo\ntwo\nthree\n");
  lines.feed("no time\n");
  CHECK(out.str().ends_with("no time\n"));
}

TEST_CASE("a line without an end is printed in pieces") {
  std::ostringstream out;
  LogLines lines(out, "", LineTimes::None);
  for (int i = 0; i < 40; ++i)
    lines.feed(std::string(100'000, 'x'));
  CHECK(out.str().size() >= 3'000'000);
}

TEST_CASE("an earlier attempt's log is the one that was kept") {
  Desk desk;
  fill(desk);
  desk.add_run("x", "nightly", "FAILED", "2026-11-20T23:00:00Z");
  REQUIRE(desk.api.patch(config::spark_applications(), {"team", "x"}, kube::PatchType::MergePatch,
                         {{"status", {{"executionAttempts", 3}}}}, {.subresource = "status"}));
  base::http::Headers headers;
  desk.session.raw = [&](const base::http::Request& request) -> base::Result<base::http::Response> {
    desk.logs_asked.push_back(request.target());
    return base::http::Response{.headers = headers, .body = "kept\n"};
  };
  struct Case {
    LogsOptions options;
    std::string asked;
    std::string error;
  };
  const std::string kept = "/sparkcron/v1/log?namespace=team&run=x&attempt=";
  const Case cases[] = {
      {.options = {.log = {.previous = true}}, .asked = kept + "2"},
      {.options = {.attempt = 1}, .asked = kept + "1"},
      {.options = {.attempt = 3}, .asked = "team/x-driver"},
      {.options = {.attempt = 4}, .error = "run \"x\" has had 3 attempts; there is no attempt 4"}};
  headers.add("X-Sparkcron-Attempt", "1");
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.asked << c.error) {
      LogsOptions options = c.options;
      options.name = "x";
      const auto done = logs(desk.session, options);
      CHECK(done.has_value() == c.error.empty());
      if (!done) CHECK(done.error().message == c.error);
      CHECK(desk.logs_asked ==
            (c.asked.empty() ? std::vector<std::string>{} : std::vector<std::string>{c.asked}));
    }
  }
  SECTION("standalone's word for one that is not kept is passed on") {
    const std::string none = "no log of attempt 1 of run team/x is kept, but of attempt 2";
    desk.session.raw = [&](const auto&) -> base::Result<base::http::Response> {
      return base::failure(Code::NotFound, none);
    };
    const auto done = logs(desk.session, {.name = "x", .attempt = 1});
    REQUIRE_FALSE(done);
    CHECK(done.error().code == Code::NotFound);
    CHECK(done.error().message == none);
  }
  SECTION("by a service that knows no attempts") {
    headers = {};
    CHECK(logs(desk.session, {.name = "x", .attempt = 1}).error().message ==
          "the service that keeps the logs is older than sparkctl and knows only the newest of a "
          "run; leave --attempt and --previous away");
  }
}

}  // namespace
