#include "base/http/server.h"

#include <atomic>
#include <latch>
#include <thread>

#include <zlib.h>

#include "base/mutex.h"
#include "tests/support/catch.h"
#include "tests/unit/base/http/box.h"
#include "tests/unit/base/http/raw_connection.h"

namespace http = base::http;
using tests::Box;
using tests::RawConnection;

namespace {

std::shared_ptr<const std::string> text(std::string value) {
  return std::make_shared<const std::string>(std::move(value));
}

std::unique_ptr<http::Server> serve(http::Handler handler, http::ServerOptions options = {}) {
  auto server = http::Server::listen(std::move(options), std::move(handler));
  REQUIRE(server);
  return std::move(*server);
}

// Answers with what it got: "METHOD path name=value… body".
void echo(http::Request request, std::shared_ptr<http::Responder> responder) {
  std::string body = request.method + " " + request.path;
  for (const auto& [name, value] : request.query)
    body += " " + name + "=" + value;
  if (!request.body.empty()) body += " [" + request.body + "]";
  responder->send({.status = 200, .headers = {{"Content-Type", "text/plain"}}, .body = body});
}

}  // namespace

TEST_CASE("one connection carries one request after the other", "[http]") {
  const auto server = serve(echo);
  RawConnection client(server->port());
  for (int i = 0; i < 3; ++i) {
    const auto response = client.get("/a%20b?x=" + std::to_string(i));
    CHECK(response.status == 200);
    CHECK(response.body == "GET /a b x=" + std::to_string(i));
    CHECK(response.header("Connection").empty());
    CHECK_FALSE(response.header("Date").empty());
  }
}

TEST_CASE("any method is passed on, with its body", "[http]") {
  const auto server = serve(echo);
  for (const char* method : {"PUT", "POST", "PATCH", "DELETE", "OPTIONS", "PURGE", "X-CUSTOM"}) {
    DYNAMIC_SECTION(method) {
      RawConnection client(server->port());
      client.send(std::string(method) + " /x HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\nbody");
      CHECK(client.read_response().body == std::string(method) + " /x [body]");
    }
  }
}

TEST_CASE("a chunked request body is put together", "[http]") {
  const auto server = serve(echo);
  RawConnection client(server->port());
  client.send(
      "POST /x HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\nTrailer: x\r\n\r\n");
  CHECK(client.read_response().body == "POST /x [abcdefg]");
  CHECK(client.get("/next").body == "GET /next");
}

TEST_CASE("pipelined requests are answered in order", "[http]") {
  const auto server = serve(echo);
  RawConnection client(server->port());
  std::string requests;
  for (int i = 0; i < 50; ++i)
    requests += "POST /" + std::to_string(i) + " HTTP/1.1\r\nHost: t\r\nContent-Length: 1\r\n\r\nx";
  client.send(requests);
  for (int i = 0; i < 50; ++i)
    REQUIRE(client.read_response().body == "POST /" + std::to_string(i) + " [x]");
}

TEST_CASE("HEAD gets the head of a GET", "[http]") {
  const auto server = serve([](const http::Request& request, auto responder) {
    if (request.path == "/stream")
      responder->stream(200, {})->write(text("never sent"));
    else
      responder->send({.status = 200, .headers = {}, .body = "12345"});
  });
  RawConnection client(server->port());
  client.send("HEAD / HTTP/1.1\r\nHost: t\r\n\r\nHEAD /stream HTTP/1.1\r\nHost: t\r\n\r\n");
  CHECK(client.read_response(true).header("Content-Length") == "5");
  CHECK(client.read_response(true).status == 200);
  CHECK(client.get("/").body == "12345");
}

TEST_CASE("answers without a body have none", "[http]") {
  const auto server = serve([](const http::Request& request, auto responder) {
    responder->send(
        {.status = request.path == "/204" ? 204 : 304, .headers = {}, .body = "not allowed"});
  });
  RawConnection client(server->port());
  CHECK(client.get("/204").header("Content-Length").empty());
  CHECK(client.get("/304").status == 304);
}

TEST_CASE("Expect: 100-continue is answered before the body comes", "[http]") {
  const auto server = serve(echo, {.max_body = 100});
  RawConnection client(server->port());
  SECTION("and the body is read") {
    client.send("POST /x HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
    CHECK(client.read_until("\r\n\r\n") == "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("body");
    CHECK(client.read_response().body == "POST /x [body]");
  }
  SECTION("by 413 when it would be too large") {
    client.send(
        "POST /x HTTP/1.1\r\nHost: t\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n");
    CHECK(client.read_response().status == 413);
  }
  SECTION("by 417 when it is something else") {
    client.send("POST /x HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nExpect: tea\r\n\r\n");
    CHECK(client.read_response().status == 417);
  }
}

TEST_CASE("what is over a limit or malformed is refused and the connection closed", "[http]") {
  struct Case {
    std::string name;
    std::string bytes;
    int status = 400;
    std::string body{};
  };
  const std::string big(2000, 'a');
  const Case cases[] = {
      {.name = "body by its length",
       .bytes = "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 101\r\n\r\n" + big,
       .status = 413,
       .body = "the request's body is too large\n"},
      {.name = "body by its chunks",
       .bytes = "POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n" + big,
       .status = 413,
       .body = "the request's body is too large\n"},
      {.name = "header",
       .bytes = "GET / HTTP/1.1\r\nHost: t\r\nX: " + big + "\r\n\r\n",
       .status = 431,
       .body = "the request's header is too large\n"},
      {.name = "request line",
       .bytes = "GET /" + big + " HTTP/1.1\r\nHost: t\r\n\r\n",
       .status = 431,
       .body = "the request's header is too large\n"},
      {.name = "no host",
       .bytes = "GET / HTTP/1.1\r\n\r\n",
       .body = "exactly one Host header is needed\n"},
      {.name = "two hosts",
       .bytes = "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
       .body = "exactly one Host header is needed\n"},
      {.name = "target",
       .bytes = "GET /%zz HTTP/1.1\r\nHost: t\r\n\r\n",
       .body = "malformed request target\n"},
      {.name = "another protocol", .bytes = "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\r\n\r\n"},
      {.name = "version", .bytes = "GET / HTTP/3.0\r\nHost: t\r\n\r\n"},
      {.name = "length and chunks together",
       .bytes = "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nTransfer-Encoding: "
                "chunked\r\n\r\n0\r\n\r\n"},
      {.name = "two lengths",
       .bytes =
           "POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde"},
      {.name = "a blank before the colon", .bytes = "GET / HTTP/1.1\r\nHost: t\r\nX : y\r\n\r\n"},
      {.name = "a bare line feed in a value",
       .bytes = "GET / HTTP/1.1\r\nHost: t\r\nX: a\x01"
                "b\r\n\r\n"},
  };
  const auto server = serve(echo, {.max_body = 100, .max_header = 1024});
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      RawConnection client(server->port());
      client.send(c.bytes);
      const auto response = client.read_response();
      CHECK(response.status == c.status);
      CHECK(response.header("Connection") == "close");
      if (!c.body.empty()) CHECK(response.body == c.body);
      CHECK(client.at_end());
    }
  }
}

TEST_CASE("too many busy connections get 503, idle ones make room", "[http]") {
  Box<std::shared_ptr<http::Stream>> box;
  const auto server = serve(
      [&](const http::Request& request, auto responder) {
        if (request.path == "/watch") return box.put(responder->stream(200, {}));
        responder->send({});
      },
      {.max_connections = 2});
  RawConnection first(server->port());
  first.send("GET /watch HTTP/1.1\r\nHost: t\r\n\r\n");
  const auto stream = box.take();
  RawConnection second(server->port());
  CHECK(second.get("/").status == 200);
  RawConnection third(server->port());
  third.send("GET /watch HTTP/1.1\r\nHost: t\r\n\r\n");
  const auto other = box.take();
  CHECK(second.at_end());
  RawConnection fourth(server->port());
  const auto response = fourth.read_response();
  CHECK(response.status == 503);
  CHECK(response.body == "too many connections\n");
  CHECK(server->numbers().shed == 1);
}

TEST_CASE("too many waiting requests get 503 with Retry-After", "[http]") {
  std::latch release(1);
  std::latch entered(1);
  const auto server = serve(
      [&](const http::Request& request, auto responder) {
        if (request.path == "/block") {
          entered.count_down();
          release.wait();
        }
        responder->send({});
      },
      {.worker_threads = 1, .max_queued_requests = 0 + 1});
  RawConnection blocking(server->port());
  blocking.send("GET /block HTTP/1.1\r\nHost: t\r\n\r\n");
  entered.wait();
  // One of the two is queued, the other one refused: which, the kernel decides.
  RawConnection first(server->port());
  RawConnection second(server->port());
  first.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  second.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  RawConnection third(server->port());
  CHECK(third.get("/").status == 503);
  release.count_down();
  CHECK(blocking.read_response().status == 200);
  const auto one = first.read_response();
  const auto two = second.read_response();
  CHECK(one.status + two.status == 200 + 503);
  CHECK((one.status == 503 ? one : two).header("Retry-After") == "1");
}

TEST_CASE("a handler that gives no answer or throws gets 500 for it", "[http]") {
  const auto server = serve([](const http::Request& request, auto) {
    if (request.path == "/throw") throw std::runtime_error("broken on purpose");
  });
  RawConnection client(server->port());
  CHECK(client.get("/").status == 500);
  const auto response = client.get("/throw");
  CHECK(response.status == 500);
  CHECK(response.body == "the request was not answered\n");
}

TEST_CASE("an answer may come later from another thread", "[http]") {
  Box<std::shared_ptr<http::Responder>> box;
  const auto server =
      serve([&](const http::Request&, auto responder) { box.put(std::move(responder)); });
  RawConnection client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  box.take()->send({.status = 202, .headers = {}, .body = "later"});
  CHECK(client.read_response().body == "later");
}

TEST_CASE("large answers are compressed when the client accepts it", "[http]") {
  const std::string big(200'000, 'x');
  const auto server =
      serve([&](const http::Request&,
                auto responder) { responder->send({.status = 200, .headers = {}, .body = big}); },
            {.gzip_from = 100'000});
  RawConnection client(server->port());
  const auto plain = client.get("/");
  CHECK(plain.body == big);
  CHECK(plain.header("Content-Encoding").empty());
  const auto packed = client.get("/", "Accept-Encoding: gzip\r\n");
  CHECK(packed.header("Content-Encoding") == "gzip");
  CHECK(packed.header("Vary") == "Accept-Encoding");
  CHECK(packed.body.size() < 2'000);
}

TEST_CASE("HTTP/1.0 gets plain bodies and a closed connection", "[http]") {
  const auto server = serve([](const http::Request& request, auto responder) {
    if (request.path != "/stream")
      return responder->send({.status = 200, .headers = {}, .body = "a"});
    auto stream = responder->stream(200, {});
    stream->write(text("b"));
    stream->write(text("c"));
    stream->close();
  });
  for (const char* path : {"/", "/stream"}) {
    DYNAMIC_SECTION(path) {
      RawConnection client(server->port());
      client.send("GET " + std::string(path) + " HTTP/1.0\r\n\r\n");
      const std::string all = client.read_to_end();
      CHECK_THAT(all, Catch::Contains("Connection: close\r\n"));
      CHECK_THAT(all, Catch::EndsWith(path == std::string("/") ? "\r\n\r\na" : "\r\n\r\nbc"));
    }
  }
}

TEST_CASE("a stream sends its chunks as they come, then the connection goes on", "[http]") {
  Box<bool> ended;  // outlives the server
  Box<std::shared_ptr<http::Stream>> box;
  const auto server = serve([&](const http::Request& request, auto responder) {
    if (request.path == "/watch")
      box.put(responder->stream(200, {{"Content-Type", "application/json"}}));
    else
      responder->send({.status = 200, .headers = {}, .body = "plain"});
  });
  RawConnection client(server->port());
  client.send("GET /watch HTTP/1.1\r\nHost: t\r\n\r\n");
  auto stream = box.take();
  const std::string head = client.read_until("\r\n\r\n");
  CHECK_THAT(head, Catch::Contains("Transfer-Encoding: chunked\r\n"));
  CHECK(stream->write(text("one\n")));
  CHECK(client.read_exactly(9) == "4\r\none\n\r\n");
  CHECK(stream->write(text(std::string(20, 'x'))));
  CHECK(client.read_exactly(26) == "14\r\n" + std::string(20, 'x') + "\r\n");
  stream->on_close([&] { ended.put(true); });
  SECTION("closed by the server") {
    stream->close();
    CHECK(client.read_exactly(5) == "0\r\n\r\n");
    CHECK(ended.take());
    CHECK_FALSE(stream->write(text("late")));
    CHECK(client.get("/").body == "plain");
  }
  SECTION("let go of") {
    stream.reset();
    CHECK(client.read_exactly(5) == "0\r\n\r\n");
    CHECK(client.get("/").body == "plain");
  }
  SECTION("with a pipelined request behind it") {
    client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
    stream->close();
    CHECK(client.read_exactly(5) == "0\r\n\r\n");
    CHECK(client.read_response().body == "plain");
  }
  SECTION("left by the peer") {
    client.reset();
    CHECK(ended.take());
    CHECK(stream->closed());
    CHECK_FALSE(stream->write(text("nobody")));
  }
}

TEST_CASE("a reader that does not read is cut off", "[http]") {
  Box<bool> ended;  // outlives the server
  Box<std::shared_ptr<http::Stream>> box;
  const auto server =
      serve([&](const http::Request&, auto responder) { box.put(responder->stream(200, {})); },
            {.max_stream_backlog = size_t{1} << 20});
  RawConnection client(server->port(), 4096);
  client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  const auto stream = box.take();
  stream->on_close([&] { ended.put(true); });
  const auto event = text(std::string(100'000, 'e'));
  size_t written = 0;
  while (stream->write(event))
    ++written;
  CHECK(written >= 10);  // at least the backlog; the kernel takes some too
  CHECK(ended.take());
  CHECK(stream->closed());
}

TEST_CASE("a thousand streams get every event from one I/O thread", "[http]") {
  constexpr int kStreams = 1'000;
  constexpr int kEvents = 20;
  std::latch opened(kStreams);
  base::Mutex mutex;
  std::vector<std::shared_ptr<http::Stream>> streams;
  const auto server = serve([&](const http::Request&, auto responder) {
    auto stream = responder->stream(200, {});
    base::MutexLock lock(mutex);
    streams.push_back(std::move(stream));
    opened.count_down();
  });
  std::vector<RawConnection> clients;
  for (int i = 0; i < kStreams; ++i) {
    clients.emplace_back(server->port());
    REQUIRE(clients.back().send("GET / HTTP/1.1\r\nHost: t\r\n\r\n"));
  }
  opened.wait();
  std::string expected;
  for (int i = 0; i < kEvents; ++i) {
    const auto event = text("event " + std::to_string(i) + "\n");
    expected += *event;
    for (const auto& stream : streams)
      REQUIRE(stream->write(event));
  }
  for (const auto& stream : streams)
    stream->close();
  int complete = 0;
  for (RawConnection& client : clients)
    complete += client.read_response().body == expected ? 1 : 0;
  CHECK(complete == kStreams);
}

TEST_CASE("idle and slow peers are cut off", "[http]") {
  const auto server = serve(echo, {.idle_timeout = std::chrono::milliseconds(20),
                                   .read_timeout = std::chrono::milliseconds(20)});
  RawConnection idle(server->port());
  CHECK(idle.at_end());
  RawConnection slow(server->port());
  slow.send("GET / HTTP/1.1\r\nHo");
  CHECK(slow.at_end());
  RawConnection slow_body(server->port());
  slow_body.send("POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 4\r\n\r\nab");
  CHECK(slow_body.at_end());
}

TEST_CASE("an answer that nobody reads is given up", "[http]") {
  std::latch answered(1);
  auto server = serve(
      [&](const http::Request&, auto responder) {
        responder->send({.status = 200, .headers = {}, .body = std::string(30'000'000, 'x')});
        answered.count_down();
      },
      {.write_timeout = std::chrono::milliseconds(20), .stop_timeout = std::chrono::hours(1)});
  RawConnection client(server->port(), 4096);
  client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  answered.wait();
  server.reset();  // would wait an hour for the peer to read
  CHECK(client.read_to_end().size() < 30'000'000);
}

TEST_CASE("a stop ends streams in order and lets handlers finish", "[http]") {
  Box<std::shared_ptr<http::Stream>> box;
  std::latch entered(1);
  std::latch release(1);
  auto server = serve([&](const http::Request& request, auto responder) {
    if (request.path == "/watch") return box.put(responder->stream(200, {}));
    entered.count_down();
    release.wait();
    responder->send({.status = 200, .headers = {}, .body = "finished"});
  });
  RawConnection watcher(server->port());
  watcher.send("GET /watch HTTP/1.1\r\nHost: t\r\n\r\n");
  const auto stream = box.take();
  stream->write(text("last words"));
  RawConnection busy(server->port());
  busy.send("GET /busy HTTP/1.1\r\nHost: t\r\n\r\n");
  entered.wait();
  RawConnection idle(server->port());
  server->begin_stop();
  CHECK(watcher.read_response().body == "last words");
  CHECK(watcher.at_end());
  CHECK(idle.at_end());
  std::thread stopper([&] { server.reset(); });
  release.count_down();
  const auto response = busy.read_response();
  CHECK(response.body == "finished");
  CHECK(response.header("Connection") == "close");
  stopper.join();
  CHECK(stream->closed());
  CHECK_FALSE(stream->write(text("too late")));
}

TEST_CASE("a responder and a stream outlive the server harmlessly", "[http]") {
  Box<std::shared_ptr<http::Responder>> box;
  auto server = serve([&](const http::Request&, auto responder) { box.put(std::move(responder)); },
                      {.stop_timeout = std::chrono::milliseconds(10)});
  RawConnection client(server->port());
  client.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  const auto responder = box.take();
  server.reset();
  const auto stream = responder->stream(200, {});
  stream->write(text("nobody"));
  stream->close();
  CHECK(stream->closed());
}

TEST_CASE("a port in use is named with a way out", "[http]") {
  const auto server = serve(echo);
  const auto second = http::Server::listen({.port = server->port()}, echo);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == base::Code::Unavailable);
  CHECK(second.error().message == "listen on 127.0.0.1:" + std::to_string(server->port()) +
                                      ": address already in use (another sparkcron? choose "
                                      "another with --listen)");
}

TEST_CASE("an address that cannot be listened on is named", "[http]") {
  const auto text_of = [](http::ServerOptions options) {
    const auto server = http::Server::listen(std::move(options), echo);
    return server ? std::string("no error") : server.error().message;
  };
  CHECK(text_of({.address = "example.org", .port = 80}) ==
        "listen on example.org:80: not an IP address");
  CHECK(text_of({.address = "192.0.2.1", .port = 8680}) ==
        "listen on 192.0.2.1:8680: cannot assign requested address (it is none of this machine's: "
        "choose one that is with --listen)");
  CHECK(text_of({.tls_certificate_file = "/x.pem"}) ==
        "listen on 127.0.0.1:0: TLS needs both a certificate and a key");
}

TEST_CASE("the address is reported and localhost is understood", "[http]") {
  const auto server = serve(echo, {.address = "localhost"});
  CHECK(server->address() == "127.0.0.1");
  CHECK(server->port() != 0);
}
