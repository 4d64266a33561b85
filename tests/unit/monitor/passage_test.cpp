#include "monitor/dashboard/passage.h"

#include <string>
#include <vector>

#include "base/mutex.h"
#include "tests/support/await.h"
#include "tests/support/catch.h"

using base::http::Headers;
using base::http::Request;
using base::http::Response;
using monitor::dashboard::Passage;

namespace {

// One part of a body, then nothing until it is cancelled.
class WaitingBody final : public base::http::BodyStream {
 public:
  explicit WaitingBody(int status) : status_(status) {}
  [[nodiscard]] int status() const override { return status_; }
  [[nodiscard]] const Headers& headers() const override { return headers_; }
  base::Result<std::optional<std::string>> read() override {
    base::MutexLock lock(mutex_);
    if (!said_) {
      said_ = true;
      return std::optional<std::string>("said");
    }
    if (status_ != 200) return std::optional<std::string>();
    while (!cancelled_)
      changed_.wait(lock);
    return base::failure(base::Code::Cancelled, "cancelled");
  }
  void cancel() override {
    base::MutexLock lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }

 private:
  const int status_;
  const Headers headers_{{"Content-Type", "text/plain"}, {"Set-Cookie", "a=b"}};
  base::Mutex mutex_;
  base::CondVar changed_;
  bool said_ GUARDED_BY(mutex_) = false;
  bool cancelled_ GUARDED_BY(mutex_) = false;
};

struct Server {
  std::vector<Request> asked;
  int status = 200;
};

class FakeClient final : public base::http::Client {
 public:
  explicit FakeClient(Server& server) : server_(server) {}
  base::Result<Response> send(const Request& request, std::stop_token) override {
    server_.asked.push_back(request);
    if (server_.status == 0) return base::failure(base::Code::Unavailable, "no route");
    return Response{.status = server_.status,
                    .headers = {{"Content-Type", "application/json"}, {"Set-Cookie", "a=b"}},
                    .body = "{}"};
  }
  base::Result<std::unique_ptr<base::http::BodyStream>> open(const Request& request,
                                                             std::chrono::milliseconds,
                                                             std::stop_token) override {
    server_.asked.push_back(request);
    return std::make_unique<WaitingBody>(server_.status);
  }

 private:
  Server& server_;
};

// A page that follows something.
class Page final : public base::http::Stream {
 public:
  bool write(std::shared_ptr<const std::string> data) override {
    base::MutexLock lock(mutex_);
    text_ += *data;
    return !closed_;
  }
  void close() override {
    base::MutexLock lock(mutex_);
    closed_ = true;
  }
  [[nodiscard]] bool closed() const override {
    base::MutexLock lock(mutex_);
    return closed_;
  }
  void on_close(std::function<void()> callback) override { leave = std::move(callback); }
  [[nodiscard]] std::string text() const {
    base::MutexLock lock(mutex_);
    return text_;
  }

  std::function<void()> leave;  // as if the browser had gone

 private:
  mutable base::Mutex mutex_;
  std::string text_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
};

class PageResponder final : public base::http::Responder {
 public:
  void send(Response response) override { answer = std::move(response); }
  std::shared_ptr<base::http::Stream> stream(int status, Headers headers) override {
    answer = {.status = status, .headers = std::move(headers), .body = ""};
    return page = std::make_shared<Page>();
  }
  [[nodiscard]] bool wants_websocket() const override { return false; }
  std::shared_ptr<base::http::Stream> accept_websocket() override { return nullptr; }

  Response answer;
  std::shared_ptr<Page> page;
};

struct Bed {
  Server server;
  Passage passage{std::make_unique<FakeClient>(server), 3};

  std::shared_ptr<PageResponder> ask(std::vector<std::pair<std::string, std::string>> query = {},
                                     Headers headers = {{"Authorization", "Bearer mine"},
                                                        {"Cookie", "c=d"},
                                                        {"Accept", "application/json"}}) {
    Request request;
    request.method = "GET";
    request.path = "/api/v1/namespaces/etl/pods";
    request.query = std::move(query);
    request.headers = std::move(headers);
    auto responder = std::make_shared<PageResponder>();
    passage.pass(request, responder);
    return responder;
  }
};

}  // namespace

TEST_CASE("a page's request reaches the API server as the person's and nothing else", "[monitor]") {
  Bed bed;
  const Response answer = bed.ask({{"limit", "1"}})->answer;
  CHECK(answer.status == 200);
  CHECK(answer.body == "{}");
  CHECK(answer.headers.get("Content-Type") == "application/json");
  CHECK_FALSE(answer.headers.has("Set-Cookie"));
  REQUIRE(bed.server.asked.size() == 1);
  const Request& asked = bed.server.asked[0];
  CHECK(asked.headers.get("Authorization") == "Bearer mine");
  CHECK_FALSE(asked.headers.has("Cookie"));
  CHECK(asked.query == std::vector<std::pair<std::string, std::string>>{{"limit", "1"}});
  // Without a token it would be ours.
  CHECK(bed.ask({}, {})->answer.status == 401);
  CHECK(bed.server.asked.size() == 1);
  bed.server.status = 403;
  CHECK(bed.ask()->answer.status == 403);
  CHECK(bed.ask({{"watch", "true"}})->answer.body == "said");
  bed.server.status = 0;
  CHECK(bed.ask()->answer.status == 502);
  CHECK(bed.ask()->answer.body == "the API server was not reached: no route");
}

TEST_CASE("what pages follow is bounded, and ends with the page or the service", "[monitor]") {
  Bed bed;
  std::vector<std::shared_ptr<PageResponder>> pages;
  for (int i = 0; i < 3; ++i)
    pages.push_back(bed.ask({{i == 0 ? "follow" : "watch", "true"}}));
  for (const auto& page : pages) {
    REQUIRE(page->page);
    CHECK(tests::await([&] { return page->page->text() == "said"; }));
  }
  CHECK(bed.passage.streams() == 3);
  CHECK(bed.ask({{"watch", "true"}})->answer.status == 429);
  pages[1]->page->leave();
  CHECK(tests::await([&] { return bed.passage.streams() == 2; }));
  CHECK(pages[1]->page->closed());
  const auto next = bed.ask({{"watch", "true"}});
  REQUIRE(next->page);
  bed.passage.stop();
  for (const auto& page : {pages[0], pages[2], next})
    CHECK(page->page->closed());
  CHECK(bed.passage.streams() == 0);
  CHECK(bed.ask({{"watch", "true"}})->answer.status == 429);
}
