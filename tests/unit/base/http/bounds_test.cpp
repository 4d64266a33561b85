// What one client, or many without a token, can take from the others: memory, connections, time.

#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "base/http/server.h"
#include "base/http/worker_pool.h"
#include "tests/support/catch.h"
#include "tests/unit/base/http/box.h"
#include "tests/unit/base/http/raw_connection.h"

namespace http = base::http;
using tests::Box;
using tests::RawConnection;

namespace {

constexpr const char* kToken = "Authorization: Bearer good\r\n";

http::Admission only_with_token(const http::Request& head) {
  if (head.path == "/healthz") return {};
  if (head.headers.get("Authorization") == "Bearer good")
    return {.refusal = std::nullopt, .trusted = true};
  return {.refusal = http::Response{.status = 401, .headers = {}, .body = "who?\n"}};
}

void say_size(http::Request request, std::shared_ptr<http::Responder> responder) {
  responder->send({.status = 200, .headers = {}, .body = std::to_string(request.body.size())});
}

std::unique_ptr<http::Server> serve(http::ServerOptions options, http::Handler handler = say_size) {
  if (!options.admit) options.admit = only_with_token;
  auto server = http::Server::listen(std::move(options), std::move(handler));
  REQUIRE(server);
  return std::move(*server);
}

std::string post(size_t length, const std::string& headers) {
  return "POST /x HTTP/1.1\r\nHost: t\r\n" + headers + "Content-Length: " + std::to_string(length) +
         "\r\n\r\n";
}

std::shared_ptr<const std::string> text(std::string value) {
  return std::make_shared<const std::string>(std::move(value));
}

std::vector<RawConnection> open(const http::Server& server, int count) {
  std::vector<RawConnection> connections;
  for (int i = 0; i < count; ++i)
    connections.emplace_back(server.port());
  return connections;
}

// Holds a body in its budget for as long as it lives: a request whose handler does not return.
struct Blocked {
  std::latch entered{1};
  std::latch release{1};
  http::Handler handler() {
    return [this](const http::Request& request, std::shared_ptr<http::Responder> responder) {
      if (request.body.size() == 1'000) {
        entered.count_down();
        release.wait();
      }
      responder->send({});
    };
  }
};

}  // namespace

TEST_CASE("hundreds of bodies without a token cost no memory", "[http]") {
  const auto server = serve({.max_body = size_t{4} << 20, .max_strangers = 500});
  auto clients = open(*server, 200);
  const std::string part(20'000, 'x');
  for (RawConnection& client : clients)
    client.send(post(3'000'000, "") + part);
  for (RawConnection& client : clients) {
    const auto response = client.read_response();
    REQUIRE(response.status == 401);
    REQUIRE(response.header("Connection") == "close");
  }
  CHECK(server->numbers().memory_used == 0);
}

TEST_CASE("a request without a token and without a body keeps its connection", "[http]") {
  const auto server = serve({});
  RawConnection client(server->port());
  CHECK(client.get("/x").body == "who?\n");
  CHECK(client.get("/x", kToken).status == 200);
  // A connection that was trusted once does not open the door for the next request.
  CHECK(client.get("/x").status == 401);
}

TEST_CASE("Expect: 100-continue is answered by 401 without a token", "[http]") {
  const auto server = serve({});
  RawConnection client(server->port());
  client.send(post(4, "Expect: 100-continue\r\n"));
  CHECK(client.read_response().status == 401);
}

TEST_CASE("idle connections without a token keep nobody out", "[http]") {
  const auto server = serve({.max_connections = 12, .max_strangers = 8});
  const auto before = open(*server, 30);
  RawConnection ours(server->port());
  CHECK(ours.get("/x", kToken).status == 200);
  const auto after = open(*server, 30);
  RawConnection also_ours(server->port());
  CHECK(also_ours.get("/x", kToken).status == 200);
  CHECK(ours.get("/x", kToken).status == 200);
  const auto numbers = server->numbers();
  CHECK(numbers.trusted == 2);
  CHECK(numbers.strangers <= 8);
  CHECK(numbers.shed >= 52);
}

TEST_CASE("strangers who read nothing make room too", "[http]") {
  const auto server =
      serve({.max_connections = 6, .max_strangers = 4}, [](const http::Request&, auto responder) {
        responder->send({.status = 200, .headers = {}, .body = std::string(5'000'000, 'm')});
      });
  std::vector<RawConnection> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back(server->port(), 4096);
    clients.back().send("GET /healthz HTTP/1.1\r\nHost: t\r\n\r\n");
  }
  RawConnection ours(server->port());
  CHECK(ours.get("/x", kToken).body.size() == 5'000'000);
}

TEST_CASE("trusted connections that are busy are never closed for others", "[http]") {
  Box<std::shared_ptr<http::Stream>> box;
  const auto server = serve({.max_connections = 3, .max_strangers = 1},
                            [&](const http::Request& request, auto responder) {
                              if (request.path == "/watch")
                                return box.put(responder->stream(200, {}));
                              responder->send({});
                            });
  const std::string watch = std::string("GET /watch HTTP/1.1\r\nHost: t\r\n") + kToken + "\r\n";
  RawConnection first(server->port());
  first.send(watch);
  const auto one = box.take();
  RawConnection idle(server->port());
  CHECK(idle.get("/x", kToken).status == 200);
  RawConnection second(server->port());
  second.send(watch);
  const auto two = box.take();
  CHECK(idle.at_end());
  RawConnection third(server->port());
  const auto refused = third.get("/x", kToken);
  CHECK(refused.status == 503);
  CHECK(refused.body == "too many connections\n");
  CHECK_FALSE(one->closed());
  CHECK_FALSE(two->closed());
}

TEST_CASE("a stranger has little time and a small body", "[http]") {
  const auto server = serve({.max_stranger_body = 10,
                             .idle_timeout = std::chrono::hours(1),
                             .stranger_timeout = std::chrono::milliseconds(50),
                             .read_timeout = std::chrono::hours(1)});
  RawConnection silent(server->port());
  RawConnection slow(server->port());
  slow.send("GET /healthz HT");
  CHECK(silent.at_end());
  CHECK(slow.at_end());

  const auto patient = serve({.max_stranger_body = 10});
  for (const char* length : {"Content-Length: 11\r\n\r\nabcdefghijk",
                             "Transfer-Encoding: chunked\r\n\r\nb\r\nabcdefghijk\r\n0\r\n\r\n"}) {
    RawConnection client(patient->port());
    client.send(std::string("POST /healthz HTTP/1.1\r\nHost: t\r\n") + length);
    CHECK(client.read_response().status == 413);
  }
}

TEST_CASE("bodies above the memory of all requests are refused with Retry-After", "[http]") {
  Blocked blocked;
  const auto server = serve({.memory_budget = 1'500}, blocked.handler());
  RawConnection first(server->port());
  first.send(post(1'000, kToken) + std::string(1'000, 'a'));
  blocked.entered.wait();
  const auto refused = [](const tests::RawResponse& response) {
    CHECK(response.status == 429);
    CHECK(response.header("Retry-After") == "1");
    CHECK(response.body == "too much is being read\n");
  };
  {
    RawConnection by_length(server->port());
    by_length.send(post(600, kToken) + std::string(600, 'b'));
    refused(by_length.read_response());
  }
  {
    RawConnection by_chunks(server->port());
    by_chunks.send(std::string("POST /x HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n") +
                   kToken + "\r\n258\r\n" + std::string(600, 'b') + "\r\n0\r\n\r\n");
    refused(by_chunks.read_response());
  }
  blocked.release.count_down();
  CHECK(first.read_response().status == 200);
  while (server->numbers().memory_used > 0)
    std::this_thread::yield();  // the handler has answered and is about to return
  RawConnection later(server->port());
  later.send(post(600, kToken) + std::string(600, 'c'));
  CHECK(later.read_response().status == 200);
}

TEST_CASE("watchers that never read are bounded together and the slowest go first", "[http]") {
  constexpr size_t kBudget = size_t{4} << 20;
  Box<std::shared_ptr<http::Stream>> box;
  const auto server = serve({.memory_budget = kBudget}, [&](const http::Request&, auto responder) {
    box.put(responder->stream(200, {}));
  });
  const std::string watch = std::string("GET / HTTP/1.1\r\nHost: t\r\n") + kToken + "\r\n";
  std::vector<RawConnection> clients;
  std::vector<std::shared_ptr<http::Stream>> streams;
  for (int i = 0; i < 30; ++i) {
    clients.emplace_back(server->port(), 4096);
    clients.back().send(watch);
    streams.push_back(box.take());
  }
  RawConnection reader(server->port());
  reader.send(watch);
  const auto read = box.take();
  CHECK_THAT(reader.read_until("\r\n\r\n"), Catch::Contains("200"));
  // Each watcher has events of its own, as after its own list.
  size_t most = 0;
  for (int round = 0; round < 100; ++round) {
    for (const auto& stream : streams)
      stream->write(text(std::string(20'000, 'w')));
    const std::string seen = "round " + std::to_string(round) + ";";
    REQUIRE(read->write(text(seen)));
    CHECK_THAT(reader.read_until(";"), Catch::EndsWith(seen));
    most = std::max(most, server->numbers().memory_used);
  }
  CHECK(most <= kBudget + kBudget / 4 + 31 * 20'000);
  CHECK(server->numbers().cut >= 20);
  CHECK_FALSE(read->closed());
}

TEST_CASE("a stream whose peer reads nothing is cut off after the write timeout", "[http]") {
  Box<bool> ended;
  Box<std::shared_ptr<http::Stream>> box;
  const auto server =
      serve({.write_timeout = std::chrono::milliseconds(50)},
            [&](const http::Request&, auto responder) { box.put(responder->stream(200, {})); });
  const std::string head = std::string("GET / HTTP/1.1\r\nHost: t\r\n") + kToken;
  RawConnection client(server->port(), 4096);
  client.send(head + "\r\n");
  const auto stream = box.take();
  stream->on_close([&] { ended.put(true); });
  stream->write(text(std::string(10'000'000, 'e')));
  CHECK(ended.take());
  CHECK(server->numbers().cut == 1);
}

TEST_CASE("a stream with nothing to say has no deadline", "[http]") {
  Box<std::shared_ptr<http::Stream>> box;
  constexpr auto kTimeout = std::chrono::milliseconds(500);
  const auto server = serve({.idle_timeout = kTimeout,
                             .stranger_timeout = kTimeout,
                             .read_timeout = kTimeout,
                             .write_timeout = kTimeout},
                            [&](const http::Request& request, auto responder) {
                              if (request.path == "/healthz") return responder->send({});
                              box.put(responder->stream(200, {}));
                            });
  RawConnection client(server->port());
  client.send(std::string("GET / HTTP/1.1\r\nHost: t\r\n") + kToken + "\r\n");
  const auto stream = box.take();
  client.read_until("\r\n\r\n");
  // Longer than every time-out: idle connections are closed by theirs, one after the other.
  for (int i = 0; i < 3; ++i)
    CHECK(RawConnection(server->port()).at_end());
  CHECK(stream->write(text("still here")));
  CHECK_THAT(client.read_until("here"), Catch::EndsWith("still here"));
}

TEST_CASE("a stream with a pipelined request behind it sees its peer go", "[http]") {
  Box<bool> ended;  // outlives the server
  Box<std::shared_ptr<http::Stream>> box;
  const auto server =
      serve({}, [&](const http::Request&, auto responder) { box.put(responder->stream(200, {})); });
  const std::string get = std::string("GET / HTTP/1.1\r\nHost: t\r\n") + kToken + "\r\n";
  std::shared_ptr<http::Stream> stream;
  {
    RawConnection client(server->port());
    client.send(get + get);
    stream = box.take();
    stream->on_close([&] { ended.put(true); });
    client.read_until("\r\n\r\n");
  }
  CHECK(ended.take());
  CHECK(stream->closed());
}

TEST_CASE("what is pipelined behind a stream is bounded", "[http]") {
  Box<bool> ended;  // outlives the server
  Box<std::shared_ptr<http::Stream>> box;
  const auto server = serve({.max_header = 1024}, [&](const http::Request&, auto responder) {
    box.put(responder->stream(200, {}));
  });
  RawConnection client(server->port());
  client.send(std::string("GET / HTTP/1.1\r\nHost: t\r\n") + kToken + "\r\n");
  const auto stream = box.take();
  stream->on_close([&] { ended.put(true); });
  const std::string more(10'000, 'x');
  while (client.send(more)) {
  }
  CHECK(ended.take());
}

TEST_CASE("a handler without memory fails its request alone", "[http]") {
  const auto server = serve({}, [](const http::Request& request, auto responder) {
    if (request.path == "/big") throw std::bad_alloc();
    responder->send({});
  });
  RawConnection client(server->port());
  CHECK(client.get("/big", kToken).status == 500);
  CHECK(client.get("/x", kToken).status == 200);
}

TEST_CASE("a judge that throws ends its own connection alone", "[http]") {
  const auto server = serve({.admit = [](const http::Request& head) -> http::Admission {
    if (head.path == "/throw") throw std::runtime_error("broken on purpose");
    return {};
  }});
  RawConnection client(server->port());
  client.send("GET /throw HTTP/1.1\r\nHost: t\r\n\r\n");
  CHECK(client.at_end());
  RawConnection other(server->port());
  CHECK(other.get("/x").status == 200);
}

TEST_CASE("costly tasks wait for each other and let cheap ones pass", "[http]") {
  base::http::WorkerPool pool({.threads = 4, .max_queued = 100, .max_running_cost = 10});
  std::latch entered(1);
  std::latch release(1);
  std::latch cheap(3);
  Box<bool> second;
  pool.submit(
      [&] {
        entered.count_down();
        release.wait();
      },
      8);
  entered.wait();
  pool.submit([&] { second.put(cheap.try_wait()); }, 8);
  for (int i = 0; i < 3; ++i)
    pool.submit([&] { cheap.count_down(); }, 1);
  cheap.wait();
  release.count_down();
  CHECK(second.take());
}
