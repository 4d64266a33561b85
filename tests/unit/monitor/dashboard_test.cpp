#include "monitor/dashboard/dashboard.h"

#include <fstream>
#include <iterator>

#include <nlohmann/json.hpp>

#include "base/rfc3339.h"
#include "monitor/dashboard/answers.h"
#include "monitor/dashboard/assets.h"
#include "monitor/dashboard/login.h"
#include "monitor/dashboard/slots.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/monitor/recording_responder.h"
#include "tests/unit/monitor/temporary_folder.h"

using base::http::Request;
using base::http::Response;
using monitor::dashboard::Login;
using nlohmann::json;

namespace {

// A dashboard whose API answers what it was asked.
struct Bed {
  tests::TemporaryFolder folder;
  tests::FakeClock clock;
  std::unique_ptr<monitor::Ledger> ledger;
  Login login{"secret token", clock};
  std::vector<Request> asked;
  std::string spark;  // where the UI of the run "going" is
  base::http::Handler handler;

  Bed() {
    auto opened = monitor::Ledger::open({.path = folder.file("ledger.db")}, clock);
    REQUIRE(opened);
    ledger = std::move(*opened);
    handler = monitor::dashboard::handler(
        {.login = login,
         .ledger = *ledger,
         .authorize = authorize(),
         .inside =
             [this](Request request, const std::shared_ptr<base::http::Responder>& responder) {
               asked.push_back(std::move(request));
               responder->send({.status = 200, .headers = {}, .body = "inside"});
             },
         .token = "secret token",
         .cookie = "__Secure-test",
         .default_zone = "Europe/Berlin",
         .spark_history_url = "https://history.example/history/{applicationId}",
         .numbers = [] { return std::string("sparkcron_leader 1\n"); },
         .find_spark_page = [this](const kube::ObjectKey& run) -> base::Result<std::string> {
           if (run.name == "going") return spark;
           return base::failure(base::Code::NotFound, "no UI");
         }});
  }

  static monitor::Authorize authorize() {
    return [](const Request& request) -> base::Status {
      if (request.headers.get("Authorization") == "Bearer secret token") return {};
      return base::failure(base::Code::Unauthenticated, "Unauthorized");
    };
  }

  Response ask(const std::string& method, const std::string& path, base::http::Headers headers = {},
               const std::string& body = "") {
    Request request;
    request.method = method;
    request.path = path;
    request.headers = std::move(headers);
    request.body = body;
    auto responder = std::make_shared<tests::RecordingResponder>();
    handler(std::move(request), responder);
    return responder->answer;
  }

  base::http::Headers logged_in() {
    const auto session = login.new_session();
    REQUIRE(session);
    return {{"X-Sparkcron-Dashboard", "1"}, {"Cookie", "a=b; __Secure-test=" + *session}};
  }
};

const base::http::Headers kOwnPage{{"X-Sparkcron-Dashboard", "1"}};

}  // namespace

TEST_CASE("the dashboard's files are those of the folder, for everybody", "[monitor]") {
  Bed bed;
  for (size_t i = 0; i < monitor::dashboard::asset_names().size(); ++i) {
    const std::string name(monitor::dashboard::asset_names()[i]);
    INFO(name);
    std::ifstream file(std::string(SPARKCRON_SOURCE_DIR) + "/monitor/dashboard/web/" + name);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    CHECK_FALSE(text.empty());
    const Response answer = bed.ask("GET", "/dashboard/" + name);
    CHECK(answer.status == 200);
    CHECK(answer.body == text);
    const std::string policy(answer.headers.get("Content-Security-Policy"));
    CHECK(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"));
    CHECK(policy.find("unsafe") == std::string::npos);
    CHECK(answer.headers.get("X-Content-Type-Options") == "nosniff");
    const std::string tag(answer.headers.get("ETag"));
    CHECK(bed.ask("GET", "/dashboard/" + name, {{"If-None-Match", tag}}).status == 304);
  }
  CHECK(bed.ask("GET", "/dashboard/").body == bed.ask("GET", "/dashboard/index.html").body);
  // Relative, so that a proxy's prefix stays.
  CHECK(bed.ask("GET", "/dashboard").headers.get("Location") == "dashboard/");
  CHECK(bed.ask("GET", "/dashboard/../tls.key").status == 404);
  CHECK(bed.ask("GET", "/dashboard/nothing.js").status == 404);
}

TEST_CASE("a login link opens one session, once, within five minutes", "[monitor]") {
  Bed bed;
  const base::http::Headers token{{"Authorization", "Bearer secret token"}};
  CHECK(bed.ask("POST", "/dashboard/links").status == 401);
  CHECK(bed.ask("GET", "/dashboard/links", token).status == 405);
  const auto link = [&] {
    const Response answer = bed.ask("POST", "/dashboard/links", token);
    REQUIRE(answer.status == 201);
    return json::parse(answer.body)["login"].get<std::string>();
  };
  const auto log_in = [&](const std::string& code, const std::string& path = "/x/dashboard/") {
    return bed.ask("POST", "/dashboard/login", kOwnPage,
                   json{{"code", code}, {"path", path}}.dump());
  };
  const std::string code = link();
  // No form of another page can send the header.
  CHECK(
      bed.ask("POST", "/dashboard/login", {}, json{{"code", code}, {"path", "/dashboard/"}}.dump())
          .status == 403);
  for (const char* path : {"", "/", "/dashboard", "dashboard/", "/a;b/dashboard/",
                           "/a\r\nb/dashboard/", "/\u00e4/dashboard/"}) {
    INFO(path);
    CHECK(log_in(code, path).status == 400);
  }
  const Response answer = log_in(code);
  CHECK(answer.status == 200);
  const std::string cookie(answer.headers.get("Set-Cookie"));
  CHECK(
      cookie.ends_with("; Path=/x/dashboard/; Max-Age=604800; Secure; HttpOnly; SameSite=Strict"));
  CHECK(bed.login.knows(
      cookie.substr(cookie.find('=') + 1, cookie.find(';') - cookie.find('=') - 1)));
  CHECK(log_in(code).status == 401);
  CHECK(log_in("").status == 401);

  const std::string late = link();
  bed.clock.advance(std::chrono::minutes(5));
  const Response too_late = log_in(late);
  CHECK(too_late.status == 401);
  CHECK(json::parse(too_late.body)["message"] ==
        "the link was used already or is older than five minutes: get another with `sparkctl "
        "dashboard`");
}

TEST_CASE("login codes that nobody uses are bounded, the oldest go", "[monitor]") {
  Bed bed;
  const auto first = bed.login.new_code();
  REQUIRE(first);
  std::string last;
  for (size_t i = 0; i < Login::kMaxCodes; ++i)
    last = bed.login.new_code().value();
  CHECK(bed.login.waiting() == Login::kMaxCodes);
  CHECK_FALSE(bed.login.use_code(*first));
  CHECK(bed.login.use_code(last));
}

TEST_CASE("a session lasts a week, outlives the service, and ends with its token", "[monitor]") {
  Bed bed;
  const std::string session = bed.login.new_session().value();
  CHECK(Login("secret token", bed.clock).knows(session));
  CHECK_FALSE(Login("another token", bed.clock).knows(session));
  std::string later = session;
  ++later[0];
  CHECK_FALSE(bed.login.knows(later));
  for (const char* text : {"", ".", "..", "1.2.3"}) {
    INFO(text);
    CHECK_FALSE(bed.login.knows(text));
  }
  bed.clock.advance(Login::kSessionLife - std::chrono::seconds(2));
  CHECK(bed.login.knows(session));
  bed.clock.advance(std::chrono::seconds(2));
  CHECK_FALSE(bed.login.knows(session));
}

TEST_CASE("the dashboard's pages reach the API with session and header only", "[monitor]") {
  Bed bed;
  const std::string path =
      "/dashboard/api/apis/sparkoperator.k8s.io/v1beta2/scheduledsparkapplications";
  CHECK(bed.ask("GET", path).status == 403);
  CHECK(bed.ask("GET", path, kOwnPage).status == 401);
  // The cookie alone, as a page of another port of this host would send it.
  CHECK(bed.ask("GET", path, {{"Cookie", std::string(bed.logged_in().get("Cookie"))}}).status ==
        403);
  CHECK(bed.asked.empty());

  base::http::Headers headers = bed.logged_in();
  headers.add("Accept", "application/json");
  headers.add("Authorization", "Bearer of somebody");
  CHECK(bed.ask("GET", path, headers).body == "inside");
  REQUIRE(bed.asked.size() == 1);
  CHECK(bed.asked[0].path == "/apis/sparkoperator.k8s.io/v1beta2/scheduledsparkapplications");
  CHECK(bed.asked[0].headers.get("Authorization") == "Bearer secret token");
  CHECK(bed.asked[0].headers.get("Accept") == "application/json");
  CHECK_FALSE(bed.asked[0].headers.has("Cookie"));
  const Response refused =
      bed.ask("GET", "/dashboard/api/api/v1/namespaces/default/secrets", bed.logged_in());
  CHECK(refused.status == 403);
  CHECK(json::parse(refused.body)["message"] == "the dashboard does not GET this");
  CHECK(bed.asked.size() == 1);

  const auto admit = monitor::dashboard::admit(bed.login, "__Secure-test", Bed::authorize());
  struct Case {
    std::string what;
    Request head;
    bool refused = false;
    bool trusted = false;
  };
  const Case cases[] = {
      {"a file", {.method = "GET", .path = "/dashboard/"}},
      {"a login", {.method = "POST", .path = "/dashboard/login"}},
      {"a stranger's question", {.method = "POST", .path = "/dashboard/words"}, true},
      {"a session",
       {.method = "POST", .path = "/dashboard/words", .headers = bed.logged_in()},
       false,
       true},
      {"a token",
       {.method = "POST",
        .path = "/dashboard/links",
        .headers = {{"Authorization", "Bearer secret token"}}},
       false,
       true}};
  for (const Case& one : cases) {
    INFO(one.what);
    const auto admission = admit(one.head);
    CHECK(admission.refusal.has_value() == one.refused);
    CHECK(admission.trusted == one.trusted);
  }
}

TEST_CASE("what the dashboard may ask is little", "[monitor]") {
  struct Case {
    bool allowed;
    const char* method;
    const char* path;
  };
  const Case cases[] = {
      {true, "GET", "/apis/sparkoperator.k8s.io/v1beta2/scheduledsparkapplications"},
      {true, "GET", "/apis/sparkoperator.k8s.io/v1beta2/namespaces/a/sparkapplications/b"},
      {true, "GET", "/api/v1/namespaces/a/events"},
      {true, "GET", "/api/v1/namespaces/a/pods/b/log"},
      {true, "GET", "/sparkcron/v1/history"},
      {true, "GET", "/sparkcron/v1/log"},
      {true, "GET", "/sparkcron/v1/summary"},
      {false, "GET", "/sparkcron/v1/summary/all"},
      {true, "GET", "/readyz"},
      {false, "GET", "/readyz/ping"},
      {false, "GET", "/metrics"},
      {true, "PATCH",
       "/apis/sparkoperator.k8s.io/v1beta2/namespaces/a/scheduledsparkapplications/b"},
      {false, "PATCH",
       "/apis/sparkoperator.k8s.io/v1beta2/namespaces/a/scheduledsparkapplications/b/status"},
      {false, "PATCH",
       "/apis/sparkoperator.k8s.io/v1beta2/namespaces/a/scheduledsparkapplications/"},
      {false, "PATCH",
       "/apis/sparkoperator.k8s.io/v1beta2/namespaces//scheduledsparkapplications/b"},
      {false, "PATCH", "/apis/sparkoperator.k8s.io/v1beta2/namespaces/a/sparkapplications/b"},
      {false, "DELETE",
       "/apis/sparkoperator.k8s.io/v1beta2/namespaces/a/scheduledsparkapplications/b"},
      {false, "POST", "/apis/sparkoperator.k8s.io/v1beta2/namespaces/a/sparkapplications"},
      {false, "GET", "/api/v1/namespaces/a/secrets"},
      {false, "GET", "/api/v1/secrets"},
      {false, "GET", "/api/v1/namespaces"},
      {false, "GET", "/dashboard/"},
      {false, "GET", ""}};
  for (const Case& one : cases) {
    INFO(one.method << " " << one.path);
    CHECK(monitor::dashboard::may_ask(one.method, one.path) == one.allowed);
  }
}

TEST_CASE("cron in words comes from the service's own engine", "[monitor]") {
  Bed bed;
  const Response answer =
      bed.ask("POST", "/dashboard/words", bed.logged_in(),
              R"([{"schedule": "30 9 * * MON-FRI", "timeZone": "America/New_York"},
          {"schedule": "0 2 * * *"}, {"schedule": "99 2 * * *"}, 5])");
  REQUIRE(answer.status == 200);
  const json words = json::parse(answer.body);
  REQUIRE(words.size() == 4);
  CHECK(words[0]["words"].get<std::string>().starts_with(
      "At 09:30 on Monday through Friday, in America/New_York."));
  CHECK(words[1]["words"].get<std::string>().find("Europe/Berlin") != std::string::npos);
  CHECK(words[2]["error"].get<std::string>().starts_with("minute: 99 is out of range"));
  CHECK(words[3].contains("error"));
  for (const char* body : {"", "{", "{}", "5", "[", "null"}) {
    INFO(body);
    CHECK(bed.ask("POST", "/dashboard/words", bed.logged_in(), body).status == 400);
  }
  CHECK(bed.ask("POST", "/dashboard/words", bed.logged_in(), json(std::vector<int>(201)).dump())
            .status == 400);
  CHECK(bed.ask("PUT", "/dashboard/words", bed.logged_in(), "[]").status == 405);
  CHECK(bed.ask("POST", "/dashboard/other", bed.logged_in(), "[]").status == 404);
}

TEST_CASE("the last thirty runs of many schedules come in one answer", "[monitor]") {
  Bed bed;
  for (int i = 0; i < 40; ++i) {
    runner::RunRecord run;
    run.schedule = {.ns = "etl", .name = "nightly"};
    run.schedule_uid = "s1";
    run.name = "run-" + std::to_string(i);
    run.uid = "u" + std::to_string(i);
    run.created = bed.clock.now() + std::chrono::seconds(i);
    run.started = run.created;
    run.ended = run.created + std::chrono::milliseconds(1500);
    run.state = i % 2 == 0 ? "COMPLETED" : "FAILED";
    run.message = std::string(1000, 'x');
    REQUIRE(bed.ledger->record_run(run));
  }
  const Response answer =
      bed.ask("POST", "/dashboard/recent", bed.logged_in(), R"(["etl/nightly", "etl/other"])");
  REQUIRE(answer.status == 200);
  const json runs = json::parse(answer.body);
  REQUIRE(runs["etl/nightly"].size() == 30);
  CHECK(runs["etl/nightly"][0]["name"] == "run-39");
  CHECK(runs["etl/nightly"][0]["state"] == "FAILED");
  CHECK(runs["etl/nightly"][0]["message"].get<std::string>().size() == 300);
  CHECK(runs["etl/other"].empty());
  for (const char* body : {R"(["etl"])", R"(["/x"])", R"(["x/"])", "[5]", R"({"a/b": 1})"}) {
    INFO(body);
    CHECK(bed.ask("POST", "/dashboard/recent", bed.logged_in(), body).status == 400);
  }
}

TEST_CASE("the next slots of many schedules come from the engine, bounded", "[monitor]") {
  Bed bed;
  const auto ask = [&](const json& question) {
    return bed.ask("POST", "/dashboard/slots", bed.logged_in(), question.dump());
  };
  const json schedules = {{{"schedule", "0 2 * * *"}, {"timeZone", "UTC"}},
                          {{"schedule", "* * * * *"}},
                          {{"schedule", "@every 6h"}, {"anchor", "2026-11-27T01:00:00Z"}},
                          {{"schedule", "99 * * * *"}},
                          {{"schedule", std::string(600, '*')}},
                          {{"schedule", "0 2 * * *"}, {"anchor", "yesterday"}},
                          5};
  const Response answer = ask(
      {{"from", "2026-11-28T00:00:00Z"}, {"to", "2026-11-29T00:00:00Z"}, {"schedules", schedules}});
  REQUIRE(answer.status == 200);
  const json told = json::parse(answer.body)["schedules"];
  REQUIRE(told.size() == schedules.size());
  CHECK(told[0] == json{{"slots", {1795831200}}, {"count", 1}});
  CHECK(told[1]["slots"].size() == monitor::dashboard::kMaxSlots);
  CHECK(told[1]["count"] == 1440);
  std::vector<int> hours(24, 60);
  hours.front() = 59;  // the slot at `from` has passed
  CHECK(told[1]["hours"] == json(hours));
  CHECK(told[2]["slots"] == json({1795827600, 1795849200, 1795870800, 1795892400}));
  CHECK(told[3]["error"].get<std::string>().starts_with("minute: 99 is out of range"));
  CHECK(told[4] == json{{"error", "too long"}});
  CHECK(told[5]["error"].get<std::string>().starts_with("anchor: "));
  CHECK(told[6].contains("error"));

  // Hours are those of the clock, wherever between two of them the question begins.
  const json half = json::parse(ask({{"from", "2026-11-28T00:30:00Z"},
                                     {"to", "2026-11-28T06:00:00Z"},
                                     {"schedules", json::array({schedules[1]})}})
                                    .body)["schedules"][0];
  CHECK(half["hours"] == json({29, 60, 60, 60, 60, 60}));

  // Of all together no more than an answer holds; what is left out is counted.
  const json full = json::parse(ask({{"from", "2026-11-28T00:00:00Z"},
                                     {"to", "2026-12-05T00:00:00Z"},
                                     {"schedules", std::vector<json>(200, schedules[1])}})
                                    .body)["schedules"];
  size_t slots = 0;
  for (const json& one : full) {
    slots += one["slots"].size();
    CHECK(one["hours"].size() == 7 * 24);
  }
  CHECK(slots == monitor::dashboard::kMaxSlotsOfAll);

  struct Case {
    json question;
    const char* message;
  };
  const Case cases[] = {{json::object(), "from: "},
                        {{{"from", "2026-11-28T00:00:00Z"}}, "to: "},
                        {{{"from", "2026-11-28T00:00:00Z"}, {"to", "2026-12-28T00:00:00Z"}},
                         "to: must be from `from` to 8 days later"},
                        {{{"from", "2026-11-28T00:00:00Z"}, {"to", "2026-11-27T00:00:00Z"}},
                         "to: must be from `from` to 8 days later"},
                        {{{"from", "2026-11-28T00:00:00Z"}, {"to", "2026-11-29T00:00:00Z"}},
                         "schedules: must be a list of at most 200"},
                        {{{"from", "2026-11-28T00:00:00Z"},
                          {"to", "2026-11-29T00:00:00Z"},
                          {"schedules", std::vector<int>(201)}},
                         "schedules: must be a list of at most 200"}};
  for (const Case& one : cases) {
    INFO(one.question.dump());
    const Response refused = ask(one.question);
    CHECK(refused.status == 400);
    CHECK(json::parse(refused.body)["message"].get<std::string>().starts_with(one.message));
  }
}

TEST_CASE("a page is told what the clock's changes do to a schedule", "[monitor]") {
  Bed bed;
  struct Case {
    const char* what;
    json schedule;
    std::vector<std::string> texts;  // of the next two
  };
  const std::string gap = "The clock goes from 02:00 to 03:00. ";
  const std::string overlap = "The clock goes back from 03:00 to 02:00. ";
  const Case cases[] = {
      {"a fixed time in the gap is made up for",
       {{"schedule", "30 2 * * *"}},
       {gap + "The slot at 02:30 runs once, at 03:00.",
        overlap + "The slot at 02:30 runs once, the first time."}},
      {"as a CronJob would",
       {{"schedule", "30 2 * * *"}, {"dstPolicy", "Kubernetes"}},
       {gap + "The slot at 02:30 is left out.", overlap + "The slot at 02:30 runs twice."}},
      {"an interval",
       {{"schedule", "*/15 * * * *"}},
       {gap + "The 4 slots from 02:00 to 02:45 are left out.",
        overlap + "The 4 slots from 02:00 to 02:45 run twice."}},
      {"another time of day",
       {{"schedule", "0 12 * * *"}},
       {gap + "No slot falls into the time that is left out.",
        overlap + "No slot falls into the time that comes twice."}},
      {"another day",
       {{"schedule", "30 2 * * MON"}},
       {gap + "No slot falls into the time that is left out.",
        overlap + "No slot falls into the time that comes twice."}},
      {"an elapsed period",
       {{"schedule", "@every 1h"}, {"anchor", "2026-11-27T01:00:00Z"}},
       {"The clock changes; the slots come as always.",
        "The clock changes; the slots come as always."}},
      {"a zone of the expression",
       {{"schedule", "CRON_TZ=Europe/Paris 30 2 * * *"}, {"timeZone", "UTC"}},
       {gap + "The slot at 02:30 runs once, at 03:00.",
        overlap + "The slot at 02:30 runs once, the first time."}},
      {"a zone without changes", {{"schedule", "30 2 * * *"}, {"timeZone", "Asia/Tokyo"}}, {}}};
  for (const Case& one : cases) {
    INFO(one.what);
    const Response answer =
        bed.ask("POST", "/dashboard/changes", bed.logged_in(),
                json{{"from", "2026-11-28T00:00:00Z"}, {"schedule", one.schedule}}.dump());
    REQUIRE(answer.status == 200);
    const json changes = json::parse(answer.body)["changes"];
    REQUIRE(changes.size() == 2 * one.texts.size());  // of two years
    for (size_t i = 0; i < one.texts.size(); ++i) {
      CHECK(changes[i]["text"] == one.texts[i]);
      CHECK(changes[i]["day"] == (i == 0 ? "2027-03-28" : "2027-10-31"));
    }
  }
  for (const char* body :
       {R"({"from": "2026-11-28T00:00:00Z"})", R"({"schedule": {"schedule": "0 2 * * *"}})",
        R"({"from": "2026-11-28T00:00:00Z", "schedule": {"schedule": "99 * * * *"}})"}) {
    INFO(body);
    CHECK(bed.ask("POST", "/dashboard/changes", bed.logged_in(), body).status == 400);
  }
}

TEST_CASE("what ran and was skipped since a time comes in one short answer", "[monitor]") {
  Bed bed;
  for (int i = 0; i < 4; ++i) {
    runner::RunRecord run;
    run.schedule = {.ns = "etl", .name = i == 3 ? "" : i == 2 ? "hourly" : "nightly"};
    run.schedule_uid = i == 3 ? "" : run.schedule.name;
    run.name = "run-" + std::to_string(i);
    run.uid = "u" + std::to_string(i);
    run.created = bed.clock.now() - std::chrono::hours(i == 0 ? 48 : 1);
    run.started = run.created;
    run.ended = run.created + std::chrono::seconds(90);
    run.state = "COMPLETED";
    run.message = "long text";
    REQUIRE(bed.ledger->record_run(run));
  }
  const auto at = std::chrono::floor<std::chrono::seconds>(bed.clock.now());
  REQUIRE(bed.ledger->record_skip({.schedule = {.ns = "etl", .name = "nightly"},
                                   .schedule_uid = "nightly",
                                   .from = at - std::chrono::minutes(5),
                                   .to = at,
                                   .count = 6,
                                   .reason = "ForbidConcurrent"}));
  const auto ask = [&](const json& question) {
    return bed.ask("POST", "/dashboard/past", bed.logged_in(), question.dump());
  };
  const std::string since = base::format_rfc3339(at - std::chrono::hours(24));
  const Response answer = ask({{"since", since}});
  REQUIRE(answer.status == 200);
  const json past = json::parse(answer.body);
  REQUIRE(past["runs"].size() == 3);
  for (const json& run : past["runs"]) {
    CHECK(run["name"] != "run-0");
    CHECK(run.contains("schedule") == (run["name"] != "run-3"));
    CHECK_FALSE(run.contains("message"));
  }
  REQUIRE(past["skips"].size() == 1);
  CHECK(past["skips"][0]["count"] == 6);
  CHECK(past["skips"][0]["reason"] == "ForbidConcurrent");
  CHECK(past["cut"] == false);
  const json one = json::parse(ask({{"since", since}, {"schedule", "etl/nightly"}}).body);
  REQUIRE(one["runs"].size() == 1);
  CHECK(one["runs"][0]["name"] == "run-1");
  for (const json& bad : {json::object(), json{{"since", "yesterday"}},
                          json{{"since", since}, {"schedule", "etl"}}}) {
    INFO(bad.dump());
    CHECK(ask(bad).status == 400);
  }
}

TEST_CASE("the service's numbers are for those who are logged in", "[monitor]") {
  Bed bed;
  CHECK(bed.ask("POST", "/dashboard/numbers", kOwnPage, "{}").status == 401);
  const Response answer = bed.ask("POST", "/dashboard/numbers", bed.logged_in(), "{}");
  CHECK(answer.status == 200);
  CHECK(answer.body == "sparkcron_leader 1\n");
  CHECK(answer.headers.get("Content-Security-Policy").starts_with("default-src 'none'"));
}

TEST_CASE("pages are told where Spark's history server is", "[monitor]") {
  Bed bed;
  CHECK(bed.ask("POST", "/dashboard/settings", kOwnPage, "{}").status == 401);
  const Response answer = bed.ask("POST", "/dashboard/settings", bed.logged_in(), "{}");
  CHECK(json::parse(answer.body) ==
        json{{"sparkHistoryUrl", "https://history.example/history/{applicationId}"}});
}
