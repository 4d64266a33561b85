#include "base/http/response_head.h"

#include <zlib.h>

#include "tests/support/catch.h"

namespace http = base::http;

namespace {

std::string gunzip(const std::string& packed, size_t size) {
  std::string out(size, '\0');
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  CHECK(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  inflateEnd(&stream);
  return out;
}

}  // namespace

TEST_CASE("a head carries our framing and no line break of a value", "[http]") {
  const std::string head =
      http::render_head({{"Content-Type", "text/plain"},
                         {"X-Bad", "a\r\nSet-Cookie: b"},
                         {"content-length", "999"},
                         {"Connection", "upgrade"}},
                        {.status = 404,
                         .after = http::AfterAnswer::Close,
                         .content_length = 5,
                         .chunked = false,
                         .date = base::WallTime{std::chrono::milliseconds{784111777'000}}});
  CHECK(head ==
        "HTTP/1.1 404 Not Found\r\n"
        "Content-Type: text/plain\r\n"
        "X-Bad: a  Set-Cookie: b\r\n"
        "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        "Content-Length: 5\r\n"
        "Connection: close\r\n"
        "\r\n");
}

TEST_CASE("Accept-Encoding decides about gzip", "[http]") {
  struct Case {
    std::string field;
    bool accepted = false;
  };
  const Case cases[] = {
      {.field = "", .accepted = false},
      {.field = "gzip", .accepted = true},
      {.field = "deflate, GZIP;q=0.5", .accepted = true},
      {.field = "gzip;q=0", .accepted = false},
      {.field = "gzip; q=0.000", .accepted = false},
      {.field = "gzip;q=0.01", .accepted = true},
      {.field = "*", .accepted = true},
      {.field = "*;q=0", .accepted = false},
      {.field = "gzip;q=0, *", .accepted = false},
      {.field = "identity, br", .accepted = false},
      {.field = ",,,", .accepted = false},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.field) {
      CHECK(http::accepts_gzip(c.field) == c.accepted);
    }
  }
}

TEST_CASE("gzip is undone by zlib", "[http]") {
  std::string text;
  for (int i = 0; i < 10'000; ++i)
    text += "line " + std::to_string(i) + "\n";
  const auto packed = http::gzip(text);
  REQUIRE(packed);
  CHECK(packed->size() < text.size() / 2);
  CHECK(gunzip(*packed, text.size()) == text);
}
