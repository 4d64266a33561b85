#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/forwarding_api.h"
#include "monitor/dashboard/cluster.h"
#include "tests/support/await.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"
#include "tests/unit/monitor/recording_responder.h"
#include "tests/unit/monitor/temporary_folder.h"

using base::Code;
using base::http::Headers;
using base::http::Request;
using base::http::Response;
using kube::Json;
using monitor::dashboard::Visitors;
using nlohmann::json;

namespace {

// An API server with these people: ann may do anything anywhere, bob reads "etl" and its logs,
// carl reads "etl" without logs, dora is known and may do nothing.
class Reviewer final : public kube::ForwardingApi {
 public:
  explicit Reviewer(kube::Api& api) : ForwardingApi(api) {}
  base::Result<Json> create(const kube::ResourceType& type, const Json& object) override {
    asked.push_back(object);
    if (problem) return base::failure(*problem);
    Json answer = object;
    if (type.plural == "tokenreviews") {
      const std::string token = base::string_at(object, {"spec", "token"});
      const bool known =
          std::set<std::string>{"of-ann", "of-bob", "of-carl", "of-dora"}.contains(token);
      answer["status"] = {{"authenticated", known}};
      if (known) answer["status"]["user"] = {{"username", token.substr(3)}, {"groups", {"people"}}};
      return answer;
    }
    REQUIRE(type.plural == "subjectaccessreviews");
    const std::string user = base::string_at(object, {"spec", "user"});
    const Json& wanted = object["spec"]["resourceAttributes"];
    const bool of_etl = base::string_at(wanted, {"namespace"}) == "etl";
    const bool of_log = base::string_at(wanted, {"subresource"}) == "log";
    answer["status"]["allowed"] =
        user == "ann" || (of_etl && (user == "bob" || (user == "carl" && !of_log)));
    return answer;
  }

  std::vector<Json> asked;
  std::optional<base::Error> problem;
};

// Keeps what was written.
class RecordingStream final : public base::http::Stream {
 public:
  bool write(std::shared_ptr<const std::string> data) override {
    if (over) return false;
    lines.push_back(json::parse(*data));
    return true;
  }
  void close() override { over = true; }
  [[nodiscard]] bool closed() const override { return over; }
  void on_close(std::function<void()>) override {}

  std::vector<json> lines;
  bool over = false;
};

class StreamResponder final : public base::http::Responder {
 public:
  void send(Response response) override { answer = std::move(response); }
  std::shared_ptr<base::http::Stream> stream(int status, Headers) override {
    answer.status = status;
    return opened = std::make_shared<RecordingStream>();
  }
  [[nodiscard]] bool wants_websocket() const override { return websocket; }
  std::shared_ptr<base::http::Stream> accept_websocket() override { return nullptr; }

  Response answer;
  std::shared_ptr<RecordingStream> opened;
  bool websocket = false;
};

// Schedules as the controllers' caches have them.
class Schedules final : public kube::Cache {
 public:
  [[nodiscard]] std::shared_ptr<const Json> get(const kube::ResourceType&,
                                                const kube::ObjectKey& key) const override {
    const auto found = objects.find(key);
    return found == objects.end() ? nullptr : found->second;
  }
  [[nodiscard]] std::vector<std::shared_ptr<const Json>> owned_by(
      const kube::ResourceType&, const std::string&) const override {
    return {};
  }
  [[nodiscard]] std::vector<std::shared_ptr<const Json>> list(const kube::ResourceType&,
                                                              const std::string&) const override {
    std::vector<std::shared_ptr<const Json>> all;
    for (const auto& [key, object] : objects)
      all.push_back(object);
    return all;
  }
  const Json& put(const std::string& ns, const std::string& name) {
    auto& object = objects[{ns, name}];
    object = std::make_shared<const Json>(Json{{"metadata", {{"namespace", ns}, {"name", name}}}});
    return *object;
  }

  std::map<kube::ObjectKey, std::shared_ptr<const Json>> objects;
};

struct Bed {
  tests::TemporaryFolder folder;
  tests::FakeClock clock;
  tests::MemoryApi nothing;
  Reviewer api{nothing};
  Schedules schedules;
  bool read = true;
  std::unique_ptr<monitor::Ledger> ledger;
  Visitors visitors{api, clock};
  monitor::dashboard::ScheduleFeed feed{clock};
  std::vector<Request> inside;
  std::vector<Request> passed;
  base::http::Handler handler;

  Bed() {
    auto opened = monitor::Ledger::open({.path = folder.file("ledger.db")}, clock);
    REQUIRE(opened);
    ledger = std::move(*opened);
    schedules.put("etl", "nightly");
    schedules.put("etl", "hourly");
    schedules.put("other", "secret");
    feed.follow(schedules, [this] { return read; });
    for (const char* ns : {"etl", "other"}) {
      runner::RunRecord run;
      run.schedule = {.ns = ns, .name = "nightly"};
      run.schedule_uid = run.name = run.uid = std::string("run-of-") + ns;
      run.created = clock.now();
      run.state = "RUNNING";
      REQUIRE(ledger->record_run(run));
    }
    handler = monitor::dashboard::cluster_handler(
        {.visitors = visitors,
         .feed = feed,
         .ledger = *ledger,
         .inside = recorder(inside, "inside"),
         .pass = recorder(passed, "passed"),
         .default_zone = "UTC",
         .numbers = [] { return std::string("sparkcron_leader 1\n"); },
         .spark_history_url = "https://history.example/history/{applicationId}"});
  }

  void change(const Json& schedule) {
    feed.changed(kube::PackedObject(std::make_shared<const Json>(schedule)));
  }

  static base::http::Handler recorder(std::vector<Request>& into, const char* text) {
    return [&into, text](Request request, const std::shared_ptr<base::http::Responder>& responder) {
      into.push_back(std::move(request));
      responder->send({.status = 200, .headers = {}, .body = text});
    };
  }

  std::shared_ptr<StreamResponder> open(const std::string& method, const std::string& path,
                                        const std::string& who, const std::string& body = "",
                                        Headers more = {{"X-Sparkcron-Dashboard", "1"}}) const {
    Request request;
    request.method = method;
    const size_t question = path.find('?');
    request.path = path.substr(0, question);
    if (question != std::string::npos) request.query = {{"namespace", path.substr(question + 1)}};
    request.headers = std::move(more);
    if (!who.empty()) request.headers.add("Authorization", "Bearer of-" + who);
    request.body = body;
    auto responder = std::make_shared<StreamResponder>();
    handler(std::move(request), responder);
    return responder;
  }
  Response ask(const std::string& method, const std::string& path, const std::string& who,
               const std::string& body = "") const {
    return open(method, path, who, body)->answer;
  }
  size_t reviews(const char* kind) const {
    return static_cast<size_t>(
        std::count_if(api.asked.begin(), api.asked.end(),
                      [&](const Json& one) { return base::string_at(one, {"kind"}) == kind; }));
  }
};

constexpr const char* kObjects = "/dashboard/api/apis/sparkoperator.k8s.io/v1beta2/namespaces/etl/";

}  // namespace

TEST_CASE("without a token that the API server accepts a cluster's dashboard shows files only",
          "[monitor]") {
  Bed bed;
  CHECK(bed.ask("GET", "/dashboard/", "").status == 200);
  CHECK(bed.ask("GET", "/dashboard/app.js", "").status == 200);
  for (const char* path :
       {"/dashboard/api/sparkcron/v1/scope", "/dashboard/api/sparkcron/v1/schedules",
        "/dashboard/api/sparkcron/v1/history", "/dashboard/api/readyz",
        "/dashboard/api/api/v1/namespaces/etl/pods"}) {
    INFO(path);
    const Response nobody = bed.ask("GET", path, "");
    CHECK(nobody.status == 401);
    CHECK(nobody.headers.get("WWW-Authenticate") == "Bearer realm=\"sparkcron\"");
    CHECK(bed.ask("GET", path, "nobody").status == 401);
    // No other page can send the header.
    CHECK(bed.open("GET", path, "ann", "", {})->answer.status == 403);
  }
  for (const char* path : {"recent", "past", "words", "slots", "changes", "settings", "numbers"}) {
    INFO(path);
    CHECK(bed.ask("POST", std::string("/dashboard/") + path, "", "{}").status == 401);
  }
  CHECK(bed.inside.empty());
  CHECK(bed.passed.empty());
}

TEST_CASE("a person sees the schedules of the namespaces that they may read", "[monitor]") {
  Bed bed;
  const auto scope = [&](const char* who) {
    return json::parse(bed.ask("GET", "/dashboard/api/sparkcron/v1/scope", who).body);
  };
  CHECK(scope("ann") == json{{"all", true}, {"namespaces", json::array()}, {"cut", false}});
  CHECK(scope("bob") == json{{"all", false}, {"namespaces", {"etl"}}, {"cut", false}});
  CHECK(scope("dora") == json{{"all", false}, {"namespaces", json::array()}, {"cut", false}});
  const auto ann = bed.open("GET", "/dashboard/api/sparkcron/v1/schedules", "ann")->opened;
  const auto bob = bed.open("GET", "/dashboard/api/sparkcron/v1/schedules", "bob")->opened;
  REQUIRE(ann);
  REQUIRE(bob);
  CHECK(ann->lines.at(0)["items"].size() == 3);
  CHECK(bob->lines.at(0)["type"] == "LIST");
  CHECK(bob->lines.at(0)["items"].size() == 2);
  // What happens afterwards, too.
  bed.change(bed.schedules.put("other", "secret"));
  bed.change(bed.schedules.put("etl", "newcomer"));
  const Json gone = *bed.schedules.objects[{"etl", "hourly"}];
  bed.schedules.objects.erase({"etl", "hourly"});
  bed.change(gone);
  REQUIRE(bob->lines.size() == 3);
  CHECK(bob->lines[1]["type"] == "MODIFIED");
  CHECK(bob->lines[1]["object"]["metadata"]["name"] == "newcomer");
  CHECK(bob->lines[2]["type"] == "DELETED");
  CHECK(bob->lines[2]["object"]["metadata"]["name"] == "hourly");
  CHECK(ann->lines.size() == 4);
  CHECK(bed.feed.streams() == 2);
  // One who has gone is forgotten.
  bob->over = true;
  bed.change(bed.schedules.put("etl", "newcomer"));
  CHECK(bed.feed.streams() == 1);
  bed.feed.stop();
  CHECK(ann->over);
  CHECK(bed.open("GET", "/dashboard/api/sparkcron/v1/schedules", "ann")->answer.status == 503);
}

TEST_CASE("a stream of schedules ends after five minutes, so that a lost right is noticed",
          "[monitor]") {
  Bed bed;
  const auto stream = bed.open("GET", "/dashboard/api/sparkcron/v1/schedules", "bob")->opened;
  REQUIRE(stream);
  bed.clock.await_waiters(1);
  bed.clock.advance(std::chrono::minutes(5));
  CHECK(tests::await([&] { return bed.feed.streams() == 0; }));
  CHECK(stream->over);
}

TEST_CASE("a page that comes before the schedules have been read is told to come again",
          "[monitor]") {
  Bed bed;
  bed.read = false;
  for (const char* path : {"scope", "schedules"}) {
    INFO(path);
    const Response early =
        bed.ask("GET", std::string("/dashboard/api/sparkcron/v1/") + path, "bob");
    CHECK(early.status == 503);
    CHECK(json::parse(early.body)["message"] == "the schedules have not been read yet");
  }
  bed.read = true;
  CHECK(bed.open("GET", "/dashboard/api/sparkcron/v1/schedules", "bob")->opened);
}

TEST_CASE("the first schedule of a namespace is seen by who opened the page before", "[monitor]") {
  Bed bed;
  const Json nightly = *bed.schedules.objects[{"etl", "nightly"}];
  for (const char* name : {"nightly", "hourly"})
    bed.schedules.objects.erase({"etl", name});
  const auto ann = bed.open("GET", "/dashboard/api/sparkcron/v1/schedules", "ann")->opened;
  const auto bob = bed.open("GET", "/dashboard/api/sparkcron/v1/schedules", "bob")->opened;
  CHECK(bob->lines.at(0)["items"].empty());
  // What left, and what they may not see for certain, is no reason to come again.
  bed.change(nightly);
  bed.change(bed.schedules.put("other", "secret"));
  CHECK_FALSE(bob->over);
  bed.change(bed.schedules.put("etl", "nightly"));
  CHECK(bob->over);
  CHECK_FALSE(ann->over);
  const auto again = bed.open("GET", "/dashboard/api/sparkcron/v1/schedules", "bob")->opened;
  CHECK(again->lines.at(0)["items"].size() == 1);
  // One that came between the question and the answer: told all the same.
  StreamResponder late;
  CHECK(bed.feed.open(late, {.considered = {"other"}}));
  CHECK(late.opened->over);
}

TEST_CASE("a cluster's dashboard knows where Spark's history server is", "[monitor]") {
  Bed bed;
  CHECK(json::parse(bed.ask("POST", "/dashboard/settings", "bob", "{}").body) ==
        json{{"sparkHistoryUrl", "https://history.example/history/{applicationId}"}});
}

TEST_CASE("open pages are bounded in number, and one that leaves makes room", "[monitor]") {
  tests::FakeClock clock;
  Schedules schedules;
  monitor::dashboard::ScheduleFeed feed(clock, {.max_streams = 2});
  feed.follow(schedules, [] { return true; });
  StreamResponder first;
  StreamResponder second;
  StreamResponder third;
  CHECK(feed.open(first, {.all = true}));
  CHECK(feed.open(second, {.all = true}));
  const auto refused = feed.open(third, {.all = true});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::ResourceExhausted);
  first.opened->over = true;
  CHECK(feed.open(third, {.all = true}));
  CHECK(feed.streams() == 2);
}

TEST_CASE("a person is asked about in a bounded number of namespaces", "[monitor]") {
  Bed bed;
  std::vector<std::string> many;
  for (int i = 0; i < 300; ++i)
    many.push_back("n" + std::to_string(i));
  Request head;
  head.headers.add("Authorization", "Bearer of-bob");
  const auto scope = bed.visitors.scope(head, monitor::dashboard::Sight::Runs, many);
  REQUIRE(scope);
  CHECK(scope->cut);
  CHECK(bed.reviews("SubjectAccessReview") == 201);
}

TEST_CASE("a cluster's history is told of namespaces whose runs a person may list", "[monitor]") {
  Bed bed;
  struct Case {
    const char* who;
    const char* path;
    int status;
  };
  const Case cases[] = {{"ann", "/sparkcron/v1/history", 200},
                        {"ann", "/sparkcron/v1/log?other", 200},
                        {"ann", "/readyz", 200},
                        {"bob", "/sparkcron/v1/history", 403},
                        {"bob", "/sparkcron/v1/history?etl", 200},
                        {"bob", "/sparkcron/v1/history?other", 403},
                        {"bob", "/sparkcron/v1/summary?etl", 200},
                        {"bob", "/sparkcron/v1/summary?other", 403},
                        {"bob", "/sparkcron/v1/log?etl", 200},
                        {"bob", "/readyz", 403},
                        {"carl", "/sparkcron/v1/history?etl", 200},
                        {"carl", "/sparkcron/v1/log?etl", 403},
                        {"dora", "/sparkcron/v1/history?etl", 403}};
  for (const Case& one : cases) {
    INFO(one.who << " " << one.path);
    bed.inside.clear();
    CHECK(bed.ask("GET", std::string("/dashboard/api") + one.path, one.who).status == one.status);
    CHECK(bed.inside.size() == (one.status == 200 ? 1 : 0));
  }
  CHECK(json::parse(
            bed.ask("GET", "/dashboard/api/sparkcron/v1/history?other", "bob").body)["message"] ==
        "you may not list sparkapplications in namespace other");
  const auto past = [&](const char* who, const std::string& body) {
    return bed.ask("POST", "/dashboard/past", who, body);
  };
  const std::string since = R"("since": "2020-01-01T00:00:00Z")";
  CHECK(json::parse(past("ann", "{" + since + "}").body)["runs"].size() == 2);
  const json seen = json::parse(past("bob", "{" + since + "}").body)["runs"];
  REQUIRE(seen.size() == 1);
  CHECK(seen[0]["name"] == "run-of-etl");
  CHECK(json::parse(past("dora", "{" + since + "}").body)["runs"].empty());
  CHECK(past("bob", "{" + since + R"(, "schedule": "other/nightly"})").status == 403);
  CHECK(past("bob", "{" + since + R"(, "schedule": "etl/nightly"})").status == 200);
  CHECK(bed.ask("POST", "/dashboard/recent", "bob", R"(["etl/nightly"])").status == 200);
  CHECK(bed.ask("POST", "/dashboard/recent", "bob", R"(["etl/nightly", "other/nightly"])").status ==
        403);
  CHECK(bed.ask("POST", "/dashboard/numbers", "bob", "{}").status == 403);
  CHECK(bed.ask("POST", "/dashboard/numbers", "ann", "{}").body == "sparkcron_leader 1\n");
  CHECK(bed.ask("POST", "/dashboard/words", "dora", R"([{"schedule": "0 2 * * *"}])").status ==
        200);
}

TEST_CASE("objects of the API are read and changed by the person's own token alone", "[monitor]") {
  Bed bed;
  const std::string schedule = std::string(kObjects) + "scheduledsparkapplications/nightly";
  CHECK(bed.ask("PATCH", schedule, "dora", R"({"spec": {"suspend": true}})").body == "passed");
  REQUIRE(bed.passed.size() == 1);
  CHECK(bed.passed[0].path ==
        "/apis/sparkoperator.k8s.io/v1beta2/namespaces/etl/scheduledsparkapplications/nightly");
  CHECK(bed.passed[0].headers.get("Authorization") == "Bearer of-dora");
  CHECK(bed.ask("DELETE", schedule, "ann").status == 403);
  CHECK(bed.ask("GET", "/dashboard/api/api/v1/namespaces/etl/secrets", "ann").status == 403);
  CHECK(bed.ask("PATCH", schedule, "").status == 401);
  CHECK(bed.passed.size() == 1);
}

TEST_CASE("what the API server said of a token is asked again after half a minute", "[monitor]") {
  Bed bed;
  const auto look = [&](const char* who) {
    return bed.ask("GET", "/dashboard/api/sparkcron/v1/history?etl", who).status;
  };
  for (int i = 0; i < 5; ++i)
    CHECK(look("bob") == 200);
  CHECK(bed.reviews("TokenReview") == 1);
  CHECK(bed.reviews("SubjectAccessReview") == 2);  // everywhere, and there
  const Json& asked = bed.api.asked[1];
  CHECK(asked["spec"]["user"] == "bob");
  CHECK(asked["spec"]["groups"] == Json{"people"});
  CHECK(asked["spec"]["resourceAttributes"] == Json{{"namespace", ""},
                                                    {"verb", "list"},
                                                    {"group", "sparkoperator.k8s.io"},
                                                    {"version", "v1beta2"},
                                                    {"resource", "sparkapplications"}});
  bed.clock.advance(std::chrono::seconds(31));
  CHECK(look("bob") == 200);
  CHECK(bed.reviews("TokenReview") == 2);
  CHECK(bed.reviews("SubjectAccessReview") == 4);
  // That it does not answer is nobody's refusal.
  bed.clock.advance(std::chrono::seconds(31));
  bed.api.problem = base::Error{.code = Code::Unavailable, .message = "no route"};
  CHECK(look("bob") == 503);
  bed.api.problem.reset();
  CHECK(look("bob") == 200);
}

TEST_CASE("guessing tokens at a cluster's dashboard floods nobody", "[monitor]") {
  Bed bed;
  int refused = 0;
  for (int i = 0; i < 100; ++i)
    refused +=
        bed.ask("GET", "/dashboard/api/sparkcron/v1/scope", "x" + std::to_string(i)).status == 429
            ? 1
            : 0;
  CHECK(refused == 80);
  CHECK(bed.reviews("TokenReview") == 20);
  for (int i = 0; i < 2'000; ++i) {
    if (i % 20 == 0) bed.clock.advance(std::chrono::seconds(1));
    bed.ask("GET", "/dashboard/api/sparkcron/v1/scope", "y" + std::to_string(i));
  }
  CHECK(bed.visitors.known() <= 1'000);
}
