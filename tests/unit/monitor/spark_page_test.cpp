#include "monitor/dashboard/spark_page.h"

#include <string>

#include <nlohmann/json.hpp>

#include "config/names.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"
#include "tests/unit/monitor/recording_responder.h"

using base::Code;
using base::http::Request;
using base::http::Response;
using kube::Json;
using monitor::dashboard::find_spark_page;
using monitor::dashboard::Login;
using monitor::dashboard::SparkPages;

namespace {

// A driver's UI.
struct Spark {
  std::vector<Request> asked;
  Response answer{.status = 200,
                  .headers = {{"Content-Type", "text/html"}, {"Set-Cookie", "a=b"}},
                  .body = "jobs"};
  std::unique_ptr<base::http::Server> server;

  Spark() {
    auto listening = base::http::Server::listen(
        {.worker_threads = 1},
        [this](Request request, const std::shared_ptr<base::http::Responder>& responder) {
          asked.push_back(std::move(request));
          responder->send(answer);
        });
    REQUIRE(listening);
    server = std::move(*listening);
  }
  [[nodiscard]] std::string address() const {
    return "http://127.0.0.1:" + std::to_string(server->port());
  }
};

struct Bed {
  tests::FakeClock clock;
  Login login{"secret token", clock};
  Spark spark;
  bool runs = true;
  SparkPages pages{login, [this](const kube::ObjectKey&) -> base::Result<std::string> {
                     if (runs) return spark.address();
                     return base::failure(Code::NotFound, "it is over");
                   }};

  std::string link() {
    const auto made = pages.link({"etl", "a-run"}, "/x/dashboard/");
    REQUIRE(made);
    return *made;
  }
  base::Result<Response> ask(const std::string& path, const std::string& method = "GET") {
    Request request;
    request.method = method;
    request.path = path;
    request.query = {{"id", "3"}};
    request.headers.add("Cookie", "session=secret");
    tests::RecordingResponder responder;
    RETURN_IF_ERROR(pages.give(request, responder));
    return responder.answer;
  }
};

}  // namespace

TEST_CASE("Spark's UI comes through a link with a ticket, sandboxed and without our cookie",
          "[monitor]") {
  Bed bed;
  const std::string link = bed.link();
  const auto page = bed.ask("/dashboard/" + link);
  REQUIRE(page);
  CHECK(page->body == "jobs");
  CHECK(page->headers.get("Content-Security-Policy").starts_with("sandbox allow-scripts "));
  CHECK(page->headers.get("Content-Security-Policy").find("allow-same-origin") ==
        std::string_view::npos);
  CHECK(page->headers.get("Referrer-Policy") == "no-referrer");
  CHECK_FALSE(page->headers.has("Set-Cookie"));
  REQUIRE(bed.spark.asked.size() == 1);
  CHECK(bed.spark.asked[0].path == "/jobs/");
  CHECK(bed.spark.asked[0].parameter("id") == "3");
  CHECK_FALSE(bed.spark.asked[0].headers.has("Cookie"));
  // Spark writes its links below where the browser sees it.
  CHECK(bed.spark.asked[0].headers.get("X-Forwarded-Context") ==
        "/x/dashboard/" + link.substr(0, link.size() - 1));
  CHECK(bed.ask("/dashboard/" + link + "static/a.js"));
  CHECK(bed.spark.asked[1].path == "/static/a.js");
  CHECK(bed.ask("/dashboard/" + link + "jobs/job/kill/", "POST").error().code ==
        Code::Unimplemented);
  CHECK(bed.ask("/dashboard/" + link + "api/v1/applications", "OPTIONS")
            ->headers.get("Access-Control-Allow-Headers") == "*");
  CHECK(bed.spark.asked.size() == 2);
  // Spark sends to itself.
  bed.spark.answer = {
      .status = 302, .headers = {{"Location", bed.spark.address() + "/stages/?a=b"}}, .body = ""};
  CHECK(bed.ask("/dashboard/" + link)->headers.get("Location") ==
        "/x/dashboard/" + link + "stages/?a=b");
  bed.runs = false;
  CHECK(bed.ask("/dashboard/" + link).error().code == Code::NotFound);
  CHECK(bed.pages.link({"etl", "a-run"}, "/dashboard/").error().code == Code::NotFound);
}

TEST_CASE("what Spark's UI packed reaches the browser as it says it is", "[monitor]") {
  Bed bed;
  bed.spark.answer.body = std::string(200'000, 'x');  // large enough to be packed on its way
  const auto page = bed.ask("/dashboard/" + bed.link());
  REQUIRE(page);
  CHECK(page->body == bed.spark.answer.body);
  CHECK_FALSE(page->headers.has("Content-Encoding"));
}

TEST_CASE("Spark's UI finds a storage before its own scripts", "[monitor]") {
  Bed bed;
  bed.spark.answer.body = "<html><head><script>localStorage</script></head></html>";
  const auto page = bed.ask("/dashboard/" + bed.link());
  REQUIRE(page);
  CHECK(page->body.starts_with("<html><head><script>for (const name of ['localStorage'"));
  CHECK(page->body.ends_with("</script><script>localStorage</script></head></html>"));
  bed.spark.answer.headers.set("Content-Type", "application/json");
  const auto other = bed.ask("/dashboard/" + bed.link());
  REQUIRE(other);
  CHECK(other->body == bed.spark.answer.body);
}

TEST_CASE("a ticket for Spark's UI is worth nothing changed, old or elsewhere", "[monitor]") {
  Bed bed;
  const std::string link = bed.link();
  CHECK(SparkPages::admits(bed.login, "/dashboard/" + link));
  std::string other = link;
  other[8] = other[8] == '0' ? '1' : '0';
  const auto session = bed.login.new_session();
  REQUIRE(session);
  for (const std::string& path :
       {other, std::string("spark/"), std::string("spark/t.1.x/"), "spark/" + *session + "/"}) {
    INFO(path);
    CHECK_FALSE(SparkPages::admits(bed.login, "/dashboard/" + path));
    CHECK(bed.ask("/dashboard/" + path).error().code == Code::Unauthenticated);
  }
  CHECK_FALSE(bed.login.knows(link.substr(6, link.size() - 7)));
  bed.clock.advance(Login::kTicketLife);
  CHECK_FALSE(SparkPages::admits(bed.login, "/dashboard/" + link));
  CHECK(bed.spark.asked.empty());
}

TEST_CASE("Spark's UI is asked for at the address of the run's driver and nowhere else",
          "[monitor]") {
  struct Case {
    const char* state;
    const char* address;
    const char* ip;
    bool found;
  };
  const Case cases[] = {{"RUNNING", "127.66.64.1:4040", "127.66.64.1", true},
                        {"COMPLETED", "127.66.64.1:4040", "127.66.64.1", false},
                        {"RUNNING", "", "127.66.64.1", false},
                        {"RUNNING", "127.66.64.2:4040", "127.66.64.1", false},
                        {"RUNNING", "127.0.0.1:8680", "127.0.0.1", false},
                        {"RUNNING", "10.0.0.1:4040", "10.0.0.1", false},
                        {"RUNNING", "127.66.64.1:4040@elsewhere", "127.66.64.1", false},
                        {"RUNNING", "127.66.64.1:", "127.66.64.1", false}};
  for (const Case& one : cases) {
    INFO(one.state << " " << one.address << " " << one.ip);
    tests::MemoryApi api;
    REQUIRE(
        api.create(config::spark_applications(),
                   {{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                    {"kind", "SparkApplication"},
                    {"metadata", {{"namespace", "etl"}, {"name", "a"}}},
                    {"status",
                     {{"applicationState", {{"state", one.state}}},
                      {"driverInfo", {{"webUIAddress", one.address}, {"podName", "a-driver"}}}}}}));
    REQUIRE(api.create(kube::pods(), {{"apiVersion", "v1"},
                                      {"kind", "Pod"},
                                      {"metadata", {{"namespace", "etl"}, {"name", "a-driver"}}},
                                      {"status", {{"podIP", one.ip}}}}));
    const auto found = find_spark_page(api, {"etl", "a"});
    CHECK(found.has_value() == one.found);
    if (found) CHECK(*found == "http://127.66.64.1:4040");
  }
}
