#include "base/http/client.h"

#include <future>
#include <semaphore>
#include <thread>

#include "tests/support/catch.h"
#include "tests/support/raw_server.h"

namespace {

using base::Code;
using base::http::BodyStream;
using base::http::Client;
using base::http::ClientOptions;
using base::http::Request;
using tests::RawServer;
using namespace std::chrono_literals;

std::unique_ptr<Client> client_of(const RawServer& server, ClientOptions options = {}) {
  options.base_url = server.url();
  auto client = Client::create(std::move(options));
  REQUIRE(client.has_value());
  return std::move(*client);
}

Request get(std::string path) {
  return Request{.method = "GET", .path = std::move(path)};
}

std::string read_all(BodyStream& stream) {
  std::string all;
  while (true) {
    auto piece = stream.read();
    REQUIRE(piece.has_value());
    if (!*piece) return all;
    all += **piece;
  }
}

TEST_CASE("a request arrives as it was meant and its answer comes back whole") {
  std::optional<RawServer::Message> seen;
  RawServer server([&](RawServer::Peer& peer) {
    seen = peer.read();
    peer.answer(201, "{\"a\":1}", "Content-Type: application/json\r\nX-Two: b\r\n");
  });
  auto client = client_of(server, {.bearer_token = [] { return "abc"; }});
  const auto answer = client->send({.method = "PATCH",
                                    .path = "/api/v1/a b",
                                    .query = {{"fieldSelector", "a=b,c"}, {"force", "true"}},
                                    .headers = {{"Content-Type", "application/json-patch+json"}},
                                    .body = "[]"});
  REQUIRE(answer.has_value());
  CHECK(answer->status == 201);
  CHECK(answer->headers.get("content-type") == "application/json");
  CHECK(answer->headers.get("X-Two") == "b");
  CHECK(answer->body == "{\"a\":1}");
  REQUIRE(seen.has_value());
  CHECK(seen->head.starts_with(
      "PATCH /api/v1/a%20b?fieldSelector=a%3Db%2Cc&force=true HTTP/1.1\r\n"));
  CHECK(seen->head.find("\r\nAuthorization: Bearer abc\r\n") != std::string::npos);
  CHECK(seen->head.find("\r\nContent-Type: application/json-patch+json\r\n") != std::string::npos);
  CHECK(seen->head.find("Expect") == std::string::npos);
  CHECK(seen->body == "[]");
}

TEST_CASE("what a method sends along") {
  struct Case {
    const char* method;
    const char* body;
    bool has_length;
  };
  const Case cases[] = {
      {.method = "GET", .body = "", .has_length = false},
      {.method = "DELETE", .body = "", .has_length = false},
      {.method = "DELETE", .body = "{}", .has_length = true},
      {.method = "POST", .body = "", .has_length = true},
      {.method = "PUT", .body = "{}", .has_length = true},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.method << " with " << c.body) {
      std::optional<RawServer::Message> seen;
      RawServer server([&](RawServer::Peer& peer) {
        seen = peer.read();
        peer.answer(200, "");
      });
      auto client = client_of(server);
      REQUIRE(client->send({.method = c.method, .path = "/x", .body = c.body}).has_value());
      CHECK(seen->head.starts_with(std::string(c.method) + " /x HTTP/1.1\r\n"));
      CHECK((seen->head.find("Content-Length: ") != std::string::npos) == c.has_length);
      CHECK(seen->head.find("Content-Type") == std::string::npos);
      CHECK(seen->body == c.body);
    }
  }
}

TEST_CASE("one connection serves many requests") {
  RawServer server([](RawServer::Peer& peer) {
    while (peer.read())
      peer.answer(200, "ok");
  });
  auto client = client_of(server);
  for (int i = 0; i < 20; ++i)
    REQUIRE(client->send(get("/x")).has_value());
  CHECK(server.connections() == 1);
}

TEST_CASE("an interim answer is not the answer") {
  RawServer server([](RawServer::Peer& peer) {
    peer.read();
    peer.write("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n");
    peer.answer(404, "no");
  });
  const auto answer = client_of(server)->send(get("/x"));
  REQUIRE(answer.has_value());
  CHECK(answer->status == 404);
  CHECK_FALSE(answer->headers.has("Link"));
}

TEST_CASE("failures have a code and say what was asked") {
  struct Case {
    const char* name;
    RawServer::Script script;
    ClientOptions options;
    Code code;
    std::string text;  // after "GET http://127.0.0.1:port/x: "
  };
  const Case cases[] = {
      {.name = "closed without an answer",
       .script = [](RawServer::Peer& peer) { peer.read(); },
       .options = {},
       .code = Code::Unavailable,
       .text = "Empty reply from server"},
      {.name = "reset",
       .script =
           [](RawServer::Peer& peer) {
             peer.read();
             peer.reset();
           },
       .options = {},
       .code = Code::Unavailable,
       .text = "Recv failure: Connection reset by peer"},
      {.name = "cut in the middle",
       .script =
           [](RawServer::Peer& peer) {
             peer.read();
             peer.write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
           },
       .options = {},
       .code = Code::Unavailable,
       .text = "transfer closed with 7 bytes remaining to read"},
      {.name = "too large",
       .script =
           [](RawServer::Peer& peer) {
             peer.read();
             peer.answer(200, std::string(2000, 'x'));
           },
       .options = {.max_response = 1000},
       .code = Code::TooLarge,
       .text = "the answer is larger than 1000 bytes"},
      {.name = "silent",
       .script =
           [](RawServer::Peer& peer) {
             peer.read();
             peer.await_close();
           },
       .options = {.request_timeout = 50ms},
       .code = Code::DeadlineExceeded,
       .text = "no complete answer within 50 ms"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      RawServer server(c.script);
      const auto answer = client_of(server, c.options)->send(get("/x"));
      REQUIRE_FALSE(answer.has_value());
      CHECK(answer.error().code == c.code);
      CHECK(answer.error().message == "GET " + server.url() + "/x: " + c.text);
    }
  }
}

TEST_CASE("nobody listens") {
  std::string url;
  {
    RawServer gone([](RawServer::Peer&) {});
    url = gone.url();
  }
  auto client = Client::create({.base_url = url});
  REQUIRE(client.has_value());
  const auto answer = (*client)->send(get("/x"));
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error().code == Code::Unavailable);
  CHECK(answer.error().message == "GET " + url + "/x: cannot connect: Connection refused");
}

TEST_CASE("options that can never work are refused") {
  struct Case {
    ClientOptions options;
    const char* message;
  };
  const Case cases[] = {
      {.options = {.base_url = "ftp://a"},
       .message = "server URL \"ftp://a\": http:// or https:// expected"},
      {.options = {.base_url = "https://a/?b"},
       .message = "server URL \"https://a/?b\": a plain URL without query expected"},
      {.options = {.base_url = "https://user:secret@a"},
       .message = "server URL: a host without user name expected"},
      {.options = {.base_url = "https://a", .client_certificate_pem = "x"},
       .message = "a client certificate needs its key and the other way"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.message) {
      const auto client = Client::create(c.options);
      REQUIRE_FALSE(client.has_value());
      CHECK(client.error().code == Code::InvalidArgument);
      CHECK(client.error().message == c.message);
    }
  }
}

TEST_CASE("nothing can be smuggled into the head") {
  RawServer server([](RawServer::Peer& peer) {
    peer.read();
    peer.answer(200, "");
  });
  auto client = client_of(server, {.bearer_token = [] { return "a\r\nX: y"; }});
  CHECK(client->send(get("/x")).error().message == "the bearer token contains a line break");
  CHECK(
      client->send({.method = "GET", .path = "/", .headers = {{"A", "b\nC: d"}}}).error().message ==
      "header field \"A\" is malformed");
  CHECK(client->send({.method = "GET /", .path = "/"}).error().message == "malformed HTTP method");
}

// The environment is the process's own: no other client lives while it is changed.
class Variable {
 public:
  Variable(const char* name, const std::string& value) : name_(name) {
    ::setenv(name, value.c_str(), 1);
  }
  ~Variable() { ::unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* const name_;
};

TEST_CASE("a proxy is asked as the options say, else as the environment says") {
  std::string asked;
  RawServer proxy([&](RawServer::Peer& peer) {
    const auto request = peer.read();
    if (!request) return;
    asked = request->head.substr(0, request->head.find("\r\n"));
    peer.answer(request->head.starts_with("CONNECT") ? 403 : 200, "");
  });
  struct Case {
    const char* name;
    std::string base_url;
    std::string proxy;
    std::string https_proxy;
    std::string no_proxy;
    std::string asked;
  };
  const Case cases[] = {
      {.name = "proxy-url of a kubeconfig",
       .base_url = "http://cluster.invalid:6443",
       .proxy = proxy.url(),
       .asked = "GET http://cluster.invalid:6443/x HTTP/1.1"},
      {.name = "proxy-url wins over NO_PROXY",
       .base_url = "http://cluster.invalid:6443",
       .proxy = proxy.url(),
       .no_proxy = "cluster.invalid",
       .asked = "GET http://cluster.invalid:6443/x HTTP/1.1"},
      {.name = "HTTPS_PROXY",
       .base_url = "https://cluster.invalid:6443",
       .https_proxy = proxy.url(),
       .asked = "CONNECT cluster.invalid:6443 HTTP/1.1"},
      {.name = "NO_PROXY",
       .base_url = "https://cluster.invalid:6443",
       .https_proxy = proxy.url(),
       .no_proxy = ".invalid",
       .asked = ""},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      asked.clear();
      const Variable https_proxy("HTTPS_PROXY", c.https_proxy);
      const Variable no_proxy("NO_PROXY", c.no_proxy);
      auto client = Client::create({.base_url = c.base_url, .proxy = c.proxy});
      REQUIRE(client.has_value());
      (void)(*client)->send(get("/x"));
      CHECK(asked == c.asked);
    }
  }
}

TEST_CASE("a stream is read as it comes") {
  std::binary_semaphore go(0);
  RawServer server([&](RawServer::Peer& peer) {
    peer.read();
    peer.start_chunked();
    peer.chunk("one\n");
    go.acquire();
    peer.chunk("two\n");
    peer.chunk("");
  });
  auto client = client_of(server);
  auto stream = client->open(get("/w"), 0ms);
  REQUIRE(stream.has_value());
  CHECK((*stream)->status() == 200);
  const auto first = (*stream)->read();
  REQUIRE(first.has_value());
  CHECK(*first == "one\n");
  go.release();
  CHECK(read_all(**stream) == "two\n");
}

TEST_CASE("a cut stream gives what came before the error") {
  RawServer server([](RawServer::Peer& peer) {
    peer.read();
    peer.start_chunked();
    peer.chunk("one\n");
  });
  auto client = client_of(server);
  auto stream = client->open(get("/w"), 0ms);
  REQUIRE(stream.has_value());
  CHECK((*stream)->read().value() == "one\n");
  const auto end = (*stream)->read();
  REQUIRE_FALSE(end.has_value());
  CHECK(end.error().code == Code::Unavailable);
}

TEST_CASE("a reader that does not read stops the sender") {
  constexpr size_t kTotal = size_t{64} << 20;
  std::atomic<size_t> sent = 0;
  RawServer server([&](RawServer::Peer& peer) {
    peer.read();
    peer.start_chunked();
    const std::string block(size_t{1} << 16, 'x');
    while (sent < kTotal && peer.chunk(block))
      sent += block.size();
    peer.chunk("");
  });
  auto client = client_of(server);
  auto stream = client->open(get("/w"), 0ms);
  REQUIRE(stream.has_value());
  // Other requests go on while this stream is paused: the loop is not blocked by it.
  RawServer other([](RawServer::Peer& peer) {
    while (peer.read())
      peer.answer(200, "ok");
  });
  REQUIRE(client_of(other)->send(get("/x")).has_value());
  CHECK(sent < kTotal);
  size_t received = 0;
  while (true) {
    auto piece = (*stream)->read();
    REQUIRE(piece.has_value());
    if (!*piece) break;
    CHECK((*piece)->size() <= (size_t{128} << 10));
    received += (*piece)->size();
  }
  CHECK(received == kTotal);
}

TEST_CASE("silence on a stream has its own limit") {
  RawServer server([](RawServer::Peer& peer) {
    peer.read();
    peer.start_chunked();
    peer.await_close();
  });
  auto client = client_of(server);
  auto stream = client->open(get("/w"), 50ms);
  REQUIRE(stream.has_value());
  const auto piece = (*stream)->read();
  REQUIRE_FALSE(piece.has_value());
  CHECK(piece.error().code == Code::DeadlineExceeded);
  CHECK(piece.error().message == "GET " + server.url() + "/w: silent for 50 ms");
}

TEST_CASE("a stream whose head never comes") {
  RawServer server([](RawServer::Peer& peer) {
    peer.read();
    peer.await_close();
  });
  auto client = client_of(server, {.request_timeout = 50ms});
  const auto stream = client->open(get("/w"), 0ms);
  REQUIRE_FALSE(stream.has_value());
  CHECK(stream.error().message == "GET " + server.url() + "/w: no answer within 50 ms");
}

TEST_CASE("everything that waits can be woken") {
  std::binary_semaphore asked(0);
  RawServer server([&](RawServer::Peer& peer) {
    peer.read();
    asked.release();
    peer.await_close();
  });
  RawServer streaming([&](RawServer::Peer& peer) {
    peer.read();
    peer.start_chunked();
    asked.release();
    peer.await_close();
  });
  SECTION("a request, by its stop token") {
    auto client = client_of(server);
    std::stop_source stop;
    auto answer = std::async([&] { return client->send(get("/x"), stop.get_token()); });
    asked.acquire();
    stop.request_stop();
    CHECK(answer.get().error().code == Code::Cancelled);
  }
  SECTION("a request whose stop came first") {
    auto client = client_of(server);
    std::stop_source stop;
    stop.request_stop();
    CHECK(client->send(get("/x"), stop.get_token()).error().code == Code::Cancelled);
  }
  SECTION("a stream, by cancel()") {
    auto client = client_of(streaming);
    auto stream = client->open(get("/w"), 0ms).value();
    auto piece = std::async([&] { return stream->read(); });
    asked.acquire();
    stream->cancel();
    CHECK(piece.get().error().code == Code::Cancelled);
  }
  SECTION("a stream, by its stop token") {
    auto client = client_of(streaming);
    std::stop_source stop;
    auto stream = client->open(get("/w"), 0ms, stop.get_token()).value();
    auto piece = std::async([&] { return stream->read(); });
    asked.acquire();
    stop.request_stop();
    CHECK(piece.get().error().code == Code::Cancelled);
  }
  SECTION("a stream, by the end of its client") {
    auto client = client_of(streaming);
    auto stream = client->open(get("/w"), 0ms).value();
    auto piece = std::async([&] { return stream->read(); });
    asked.acquire();
    client.reset();
    CHECK(piece.get().error().code == Code::Cancelled);
    stream->cancel();
  }
}

TEST_CASE("many at once") {
  RawServer server([](RawServer::Peer& peer) {
    while (auto message = peer.read())
      peer.answer(200, message->body);
  });
  auto client = client_of(server);
  std::atomic<int> right = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 50; ++n) {
        const std::string body = std::to_string(i) + "-" + std::to_string(n);
        const auto answer = client->send({.method = "POST", .path = "/x", .body = body});
        if (answer && answer->body == body) ++right;
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  CHECK(right == 400);
}

}  // namespace
