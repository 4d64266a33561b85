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
  base::Status allowed;
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
        "name": "nightly-20261121t000000z", "uid": "u1", "state": "COMPLETED", "manual": false, "origin": "slot",
        "attempts": 1, "exitCode": 0, "slot": "2026-11-21T00:00:00Z",
        "created": "2026-11-21T00:00:00.015000Z", "ended": "2026-11-21T00:01:01.500000Z"}],
      "skips": [{"namespace": "etl", "schedule": "nightly", "scheduleUID": "s1", "count": 2,
        "from": "2026-11-21T00:01:00Z", "to": "2026-11-21T00:02:00Z",
        "reason": "ForbidConcurrent"}]})"));
  }
  SECTION("filtered") {
    CHECK(json::parse(ask(handler, path, {{"namespace", "other"}}).body)["runs"].empty());
    CHECK(json::parse(ask(handler, path, {{"schedule", "nightly"}}).body)["runs"].size() == 1);
    const json run_only = json::parse(ask(handler, path, {{"run", run.name}}).body);
    CHECK(run_only["runs"].size() == 1);
    CHECK(run_only["skips"].empty());
    CHECK(json::parse(ask(handler, path, {{"run", "other"}}).body)["runs"].empty());
  }
  SECTION("what ended in a window") {
    const auto runs = [&](std::vector<std::pair<std::string, std::string>> query) {
      return json::parse(ask(handler, path, std::move(query)).body)["runs"].size();
    };
    CHECK(runs({{"endedFrom", "2026-11-21T00:01:01.5Z"}, {"endedTo", "2026-11-21T00:02:00Z"}}) ==
          1);
    CHECK(runs({{"endedFrom", "2026-11-21T00:01:01.6Z"}}) == 0);
    CHECK(runs({{"endedTo", "2026-11-21T00:01:01.5Z"}}) == 0);
    CHECK(runs({{"endedTo", "2026-11-21T00:01:01.6Z"}, {"order", "slowest"}}) == 1);
    const auto message = [&](std::vector<std::pair<std::string, std::string>> query) {
      const auto refused = ask(handler, path, std::move(query));
      CHECK(refused.status == 400);
      return json::parse(refused.body)["message"].get<std::string>();
    };
    CHECK(message({{"order", "fastest"}}) == "order: \"fastest\" is not newest or slowest");
    CHECK(message({{"endedTo", "now"}}) == "endedTo: \"now\" is not RFC 3339");
    CHECK(message({{"since", "2026-11-21T00:01:02Z"}, {"order", "slowest"}}) ==
          "since: does not go with endedFrom, endedTo and the order slowest; say endedFrom");
  }
  SECTION("summarized") {
    const auto summary =
        monitor::summary_handler(**ledger, [&](const base::http::Request&) { return allowed; });
    const auto of = [&](std::vector<std::pair<std::string, std::string>> query) {
      return json::parse(ask(summary, monitor::kSummaryPath, std::move(query)).body);
    };
    CHECK(of({{"namespace", "etl"},
              {"schedule", "nightly"},
              {"from", "2026-11-21T00:00:00Z"},
              {"to", "2026-11-22T00:00:00Z"}}) == json::parse(R"({
      "kind": "Summary", "apiVersion": "sparkcron/v1", "namespace": "etl", "schedule": "nightly",
      "from": "2026-11-21T00:00:00.000000Z", "to": "2026-11-22T00:00:00.000000Z",
      "runs": {"ended": 1, "completed": 1, "failed": 0, "successRate": 1.0,
               "duration": {"p50": 61.485, "p95": 61.485, "longest": 61.485}},
      "skipped": {"ForbidConcurrent": 2}})"));
    CHECK(of({{"from", "2026-11-22T00:00:00Z"}}) == json::parse(R"({
      "kind": "Summary", "apiVersion": "sparkcron/v1", "from": "2026-11-22T00:00:00.000000Z",
      "runs": {"ended": 0, "completed": 0, "failed": 0}, "skipped": {}})"));
    CHECK(of({{"schedule", "nightly"}})["message"] == "namespace must say where the schedule is");
    CHECK(of({{"from", "x"}})["message"] == "from: \"x\" is not RFC 3339");
    CHECK(ask(summary, monitor::kSummaryPath, {}, "POST").status == 405);
    allowed = base::failure(base::Code::Forbidden, "no");
    CHECK(ask(summary, monitor::kSummaryPath).status == 403);
  }
  SECTION("what failed since") {
    runner::RunRecord failed = run;
    failed.name = "nightly-failed";
    failed.uid = "u2";
    failed.state = "FAILED";
    REQUIRE((*ledger)->record_run(failed));
    const auto names = [&](std::vector<std::pair<std::string, std::string>> query) {
      const json answer = json::parse(ask(handler, path, std::move(query)).body);
      std::string all = std::to_string(answer["skips"].size());
      for (const json& one : answer["runs"])
        all += " " + one["name"].get<std::string>();
      return all;
    };
    CHECK(names({{"state", "FAILED"}}) == "0 nightly-failed");
    CHECK(names({{"state", "FAILED"}, {"since", "2026-11-21T00:01:01.5Z"}}) == "0 nightly-failed");
    CHECK(names({{"state", "FAILED"}, {"since", "2026-11-21T00:01:02Z"}}) == "0");
    CHECK(names({{"since", "2026-11-21T00:01:02Z"}}) == "1");
    CHECK(names({{"since", "2026-11-21T00:02:00.5Z"}}) == "0");
    const auto refused = ask(handler, path, {{"since", "yesterday"}});
    CHECK(refused.status == 400);
    CHECK(json::parse(refused.body)["message"] == "since: \"yesterday\" is not RFC 3339");
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
    struct Refusal {
      base::Code code;
      int status;
      const char* reason;
    };
    for (const Refusal& c : {Refusal{base::Code::Unauthenticated, 401, "Unauthorized"},
                             Refusal{base::Code::Forbidden, 403, "Forbidden"},
                             Refusal{base::Code::ResourceExhausted, 429, "TooManyRequests"},
                             Refusal{base::Code::Unavailable, 503, "ServiceUnavailable"}}) {
      allowed = base::failure(c.code, "because");
      const auto answer = ask(handler, path, {{"limit", "x"}}, "POST");
      CHECK(answer.status == c.status);
      CHECK(json::parse(answer.body)["reason"] == c.reason);
      CHECK(json::parse(answer.body)["message"] == "because");
    }
  }
}

TEST_CASE("hostile questions about history get short answers", "[monitor]") {
  const tests::TemporaryFolder folder;
  tests::FakeClock clock;
  auto ledger = monitor::Ledger::open({.path = folder.file("ledger.db")}, clock);
  REQUIRE(ledger);
  const auto handler = monitor::history_handler(
      **ledger, [](const base::http::Request&) -> base::Status { return {}; });
  const std::string huge(60'000, '\xff');
  const auto refused = ask(handler, monitor::kHistoryPath, {{"limit", huge}});
  CHECK(refused.status == 400);
  CHECK(refused.body.size() < 1'000);
  const auto nothing = ask(handler, monitor::kHistoryPath,
                           {{"namespace", huge}, {"schedule", "' OR 1=1 --"}, {huge, huge}});
  CHECK(nothing.status == 200);
  CHECK(nothing.body.size() < 1'000);
}

namespace {

class TextReader final : public kube::LogReader {
 public:
  explicit TextReader(std::vector<std::string> pieces) : pieces_(std::move(pieces)) {}
  base::Result<std::optional<std::string>> read() override {
    if (next_ == pieces_.size()) return std::optional<std::string>{};
    return std::optional<std::string>{pieces_[next_++]};
  }
  void cancel() override {}

 private:
  const std::vector<std::string> pieces_;
  size_t next_ = 0;
};

}  // namespace

TEST_CASE("a kept log is served to who may read", "[monitor]") {
  std::vector<std::string> pieces = {"one\n", "two\n"};
  base::Status allowed;
  kube::LogOptions asked;
  monitor::WantedLog wanted;
  const auto handler = monitor::log_handler(
      [&](const monitor::WantedLog& which,
          const kube::LogOptions& options) -> base::Result<std::unique_ptr<kube::LogReader>> {
        asked = options;
        wanted = which;
        if (which.run != kube::ObjectKey{"etl", "nightly-1"} || which.attempt > 2)
          return base::failure(base::Code::NotFound, "no log of it");
        return std::make_unique<TextReader>(pieces);
      },
      [&](const base::http::Request&) { return allowed; });
  using Query = std::vector<std::pair<std::string, std::string>>;
  const Query query = {{"namespace", "etl"}, {"run", "nightly-1"}};
  const auto with = [&](const std::string& name, const std::string& value) {
    Query more = query;
    more.emplace_back(name, value);
    return ask(handler, monitor::kLogPath, more);
  };

  SECTION("whole") {
    const auto answer = ask(handler, monitor::kLogPath, query);
    CHECK(answer.status == 200);
    CHECK(answer.headers.get("Content-Type") == "text/plain");
    CHECK(answer.body == "one\ntwo\n");
    CHECK(wanted.attempt == 0);
    CHECK_FALSE(answer.headers.has("X-Sparkcron-Attempt"));
  }
  SECTION("of an attempt") {
    const auto answer = with("attempt", "2");
    CHECK(answer.status == 200);
    CHECK(answer.headers.get("X-Sparkcron-Attempt") == "2");
    CHECK(answer.body == "one\ntwo\n");
    CHECK(wanted.attempt == 2);
    CHECK(wanted.run == kube::ObjectKey{"etl", "nightly-1"});
    const auto missing = with("attempt", "3");
    CHECK(missing.status == 404);
    CHECK(json::parse(missing.body)["message"] == "no log of it");
  }
  SECTION("options") {
    CHECK(with("tailLines", "5").status == 200);
    CHECK(asked.tail_lines == 5);
    CHECK(with("limitBytes", "10").status == 200);
    CHECK(asked.limit_bytes == 10);
    CHECK(with("timestamps", "true").status == 200);
    CHECK(asked.timestamps);
    CHECK(with("sinceTime", "2026-11-21T00:00:00Z").status == 200);
    CHECK(asked.since.has_value());
    CHECK(with("container", "sidecar").status == 200);
    CHECK(asked.container == "sidecar");
    CHECK(wanted.container == "sidecar");
  }
  SECTION("an endless log ends") {
    pieces.assign(40, std::string(size_t{1} << 20, 'x'));
    const auto answer = ask(handler, monitor::kLogPath, query);
    CHECK(answer.body.size() < (size_t{33} << 20));
    CHECK_THAT(
        answer.body,
        Catch::EndsWith("[sparkcron: the answer ends here, the log goes on: ask for its last "
                        "lines]\n"));
  }
  SECTION("refused") {
    struct Case {
      std::string name;
      std::string value;
      std::string message;
    };
    for (const Case& c :
         {Case{"tailLines", "-1", "tailLines: \"-1\" is not a number from 0 to 9007199254740992"},
          Case{"limitBytes", "0", "limitBytes: \"0\" is not a number from 1 to 9007199254740992"},
          Case{"attempt", "0", "attempt: \"0\" is not a number from 1 to 2147483647"},
          Case{"attempt", "last", "attempt: \"last\" is not a number from 1 to 2147483647"},
          Case{"sinceTime", "today", "sinceTime: \"today\" is not RFC 3339"}}) {
      const auto answer = with(c.name, c.value);
      CHECK(answer.status == 400);
      CHECK(json::parse(answer.body)["message"] == c.message);
    }
    CHECK(ask(handler, monitor::kLogPath, {{"namespace", "etl"}}).status == 400);
    CHECK(ask(handler, monitor::kLogPath, {{"namespace", "etl"}, {"run", "x"}}).status == 404);
    allowed = base::failure(base::Code::Forbidden, "no");
    CHECK(ask(handler, monitor::kLogPath, query).status == 403);
  }
}

TEST_CASE("a long history is cut, and says so", "[monitor]") {
  monitor::History history;
  CHECK_FALSE(monitor::to_json(history).contains("cut"));
  history.cut = true;
  CHECK(monitor::to_json(history)["cut"] == true);
}
