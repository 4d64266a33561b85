#include "base/http/router.h"

#include "tests/support/catch.h"

namespace http = base::http;

namespace {

class RecordingResponder final : public http::Responder {
 public:
  void send(http::Response response) override { answer = std::move(response); }
  std::shared_ptr<http::Stream> stream(int, http::Headers) override { return nullptr; }
  [[nodiscard]] bool wants_websocket() const override { return false; }
  std::shared_ptr<http::Stream> accept_websocket() override { return nullptr; }
  http::Response answer;
};

http::Handler answers(std::string body) {
  return [body = std::move(body)](http::Request, std::shared_ptr<http::Responder> responder) {
    responder->send({.status = 200, .headers = {}, .body = body});
  };
}

}  // namespace

TEST_CASE("the longest matching prefix answers", "[http]") {
  struct Case {
    std::string path;
    int status = 200;
    std::string body;
  };
  const Case cases[] = {
      {.path = "/api", .body = "api"},
      {.path = "/api/v1/pods", .body = "api"},
      {.path = "/api/v1/special", .body = "special"},
      {.path = "/api/v1/special/x", .body = "special"},
      {.path = "/apis", .status = 404, .body = "nothing is served at /apis\n"},
      {.path = "/metrics", .body = "metrics"},
      {.path = "/", .status = 404, .body = "nothing is served at /\n"},
  };
  http::Router router;
  router.add("/api", answers("api"));
  router.add("/metrics", answers("metrics"));
  router.add("/api/v1/special", answers("special"));
  const http::Handler handler = router.handler();
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.path) {
      auto responder = std::make_shared<RecordingResponder>();
      http::Request request;
      request.path = c.path;
      handler(request, responder);
      CHECK(responder->answer.status == c.status);
      CHECK(responder->answer.body == c.body);
    }
  }
}

TEST_CASE("a slash takes what nobody else does", "[http]") {
  http::Router router;
  router.add("/", answers("all"));
  router.add("/api", answers("api"));
  auto responder = std::make_shared<RecordingResponder>();
  http::Request request;
  request.path = "/other";
  router.handler()(request, responder);
  CHECK(responder->answer.body == "all");
}

TEST_CASE("the owner of a prefix judges its requests", "[http]") {
  http::Router router;
  router.add("/api", answers("api"), [](const http::Request&) {
    return http::Admission{.refusal = http::Response{.status = 401, .headers = {}, .body = {}}};
  });
  router.add("/healthz", answers("ok"));
  const http::Admit admit = router.admit();
  const auto of = [&](std::string path) {
    http::Request head;
    head.path = std::move(path);
    return admit(head);
  };
  CHECK(of("/api/v1").refusal->status == 401);
  CHECK_FALSE(of("/healthz").refusal);
  CHECK_FALSE(of("/healthz").trusted);
  CHECK_FALSE(of("/nowhere").refusal);
}
