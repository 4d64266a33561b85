#include <thread>

#include "base/http/server.h"
#include "tests/support/catch.h"
#include "tests/unit/base/http/box.h"
#include "tests/unit/base/http/raw_connection.h"

namespace http = base::http;
using tests::Box;
using tests::RawConnection;

namespace {

// The example of RFC 6455, section 1.3.
constexpr const char* kUpgrade =
    "GET /watch HTTP/1.1\r\nHost: t\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

struct Frame {
  unsigned opcode = 0;
  bool final = false;
  std::string payload;
};

Frame read_frame(RawConnection& client) {
  const std::string head = client.read_exactly(2);
  if (head.size() < 2) return {};
  const auto byte = [](const std::string& text, size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  size_t size = byte(head, 1) & 0x7FU;
  if (size >= 126) {
    const std::string more = client.read_exactly(size == 126 ? 2 : 8);
    size = 0;
    for (size_t i = 0; i < more.size(); ++i)
      size = size << 8 | byte(more, i);
  }
  return {.opcode = byte(head, 0) & 0x0FU,
          .final = (byte(head, 0) & 0x80U) != 0,
          .payload = client.read_exactly(size)};
}

// A client masks what it sends; a mask of zeros is one, too.
std::string client_frame(char opcode, const std::string& payload) {
  std::string frame{static_cast<char>('\x80' | opcode),
                    static_cast<char>('\x80' | static_cast<char>(payload.size()))};
  return frame + std::string(4, '\0') + payload;
}

constexpr char kText = 1;
constexpr char kClose = 8;
constexpr char kPing = 9;
constexpr unsigned kPong = 10;

struct Fixture {
  Fixture() {
    auto listening = http::Server::listen({}, [this](const http::Request&, auto responder) {
      if (responder->wants_websocket())
        box.put(responder->accept_websocket());
      else
        responder->send({.status = 400, .headers = {}, .body = "no upgrade"});
    });
    REQUIRE(listening);
    server = std::move(*listening);
  }
  Box<std::shared_ptr<http::Stream>> box;
  std::unique_ptr<http::Server> server;
};

std::shared_ptr<const std::string> text(std::string value) {
  return std::make_shared<const std::string>(std::move(value));
}

}  // namespace

TEST_CASE("a watch over WebSocket gets one text frame per write", "[http]") {
  Box<bool> ended;  // outlives the server, which may end the stream as late as its own end
  Fixture fixture;
  RawConnection client(fixture.server->port());
  client.send(kUpgrade);
  const auto stream = fixture.box.take();
  const std::string head = client.read_until("\r\n\r\n");
  CHECK_THAT(head, Catch::StartsWith("HTTP/1.1 101 "));
  CHECK_THAT(head, Catch::Contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
  for (size_t size : {size_t{1}, size_t{125}, size_t{126}, size_t{65'535}, size_t{1'000'000}}) {
    const std::string payload(size, 'x');
    CHECK(stream->write(text(payload)));
    const Frame frame = read_frame(client);
    CHECK(frame.opcode == 1);
    CHECK(frame.final);
    CHECK((frame.payload == payload));
  }
  stream->on_close([&] { ended.put(true); });

  SECTION("pings are answered, text is dropped") {
    client.send(client_frame(kText, "ignored") + client_frame(kPing, "are you there"));
    const Frame pong = read_frame(client);
    CHECK(pong.opcode == kPong);
    CHECK(pong.payload == "are you there");
    CHECK(stream->write(text("still open")));
    CHECK(read_frame(client).payload == "still open");
  }
  SECTION("the server closes with 1000 after what is queued") {
    stream->write(text("last"));
    stream->close();
    CHECK(read_frame(client).payload == "last");
    const Frame close = read_frame(client);
    CHECK(close.opcode == 8);
    CHECK(close.payload.substr(0, 2) == "\x03\xe8");
    client.send(client_frame(kClose, "\x03\xe8"));
    CHECK(ended.take());
    CHECK(client.at_end());
  }
  SECTION("the client closes") {
    client.send(client_frame(kClose, "\x03\xe8"));
    CHECK(read_frame(client).opcode == 8);
    CHECK(client.at_end());
    CHECK(ended.take());
    CHECK(stream->closed());
    CHECK_FALSE(stream->write(text("nobody")));
  }
  SECTION("the client vanishes") {
    client.reset();
    CHECK(ended.take());
    CHECK(stream->closed());
  }
  SECTION("a frame without a mask is a violation") {
    client.send("\x81\x01x");
    CHECK(ended.take());
  }
  SECTION("the server stops") {
    fixture.server->begin_stop();
    CHECK(read_frame(client).opcode == 8);
    client.send(client_frame(kClose, "\x03\xe8"));
    CHECK(ended.take());
    fixture.server.reset();
    CHECK_FALSE(stream->write(text("nobody")));
  }
}

TEST_CASE("what is not an upgrade of version 13 is an ordinary request", "[http]") {
  Fixture fixture;
  for (const char* headers :
       {"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n",
        "Upgrade: h2c\r\nConnection: Upgrade\r\n"}) {
    DYNAMIC_SECTION(headers) {
      RawConnection client(fixture.server->port());
      const auto response = client.get("/watch", headers);
      CHECK(response.status == 400);
      CHECK(response.body == "no upgrade");
    }
  }
}

TEST_CASE("a WebSocket reader that does not read is cut off", "[http]") {
  Box<bool> ended;  // outlives the server
  Fixture fixture;
  RawConnection client(fixture.server->port(), 4096);
  client.send(kUpgrade);
  const auto stream = fixture.box.take();
  stream->on_close([&] { ended.put(true); });
  const auto event = text(std::string(1'000'000, 'e'));
  while (stream->write(event)) {
  }
  CHECK(ended.take());
}
