#include "base/http/message.h"

#include "tests/support/catch.h"

namespace http = base::http;

TEST_CASE("percent decoding refuses what is malformed", "[http]") {
  struct Case {
    std::string name;
    std::string text;
    bool plus_is_blank = false;
    std::optional<std::string> decoded;
  };
  const Case cases[] = {
      {.name = "plain", .text = "/api/v1", .decoded = "/api/v1"},
      {.name = "both cases of hex", .text = "%2f%2F", .decoded = "//"},
      {.name = "bytes above ASCII", .text = "%C3%A9", .decoded = "\xC3\xA9"},
      {.name = "plus in a path", .text = "a+b", .decoded = "a+b"},
      {.name = "plus in a query", .text = "a+b", .plus_is_blank = true, .decoded = "a b"},
      {.name = "escaped plus in a query", .text = "a%2Bb", .plus_is_blank = true, .decoded = "a+b"},
      {.name = "escape cut short", .text = "a%4", .decoded = std::nullopt},
      {.name = "escape without digits", .text = "a%", .decoded = std::nullopt},
      {.name = "not hex", .text = "%4g", .decoded = std::nullopt},
      {.name = "escaped NUL", .text = "a%00", .decoded = std::nullopt},
      {.name = "raw NUL", .text = std::string("a\0b", 3), .decoded = std::nullopt},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      CHECK(http::percent_decode(c.text, c.plus_is_blank) == c.decoded);
    }
  }
}

TEST_CASE("request targets are split and decoded", "[http]") {
  struct Case {
    std::string target;
    std::string path;
    std::vector<std::pair<std::string, std::string>> query;
  };
  const Case cases[] = {
      {.target = "/", .path = "/", .query = {}},
      {.target = "/a%20b?x=1&y=%26", .path = "/a b", .query = {{"x", "1"}, {"y", "&"}}},
      {.target = "/a?watch", .path = "/a", .query = {{"watch", ""}}},
      {.target = "/a?&&b=c=d&", .path = "/a", .query = {{"b", "c=d"}}},
      {.target = "/a?b=c?d", .path = "/a", .query = {{"b", "c?d"}}},
      {.target = "http://host:80/a?b=c", .path = "/a", .query = {{"b", "c"}}},
      {.target = "HTTPS://host", .path = "/", .query = {}},
      {.target = "http://host?b=c", .path = "/", .query = {{"b", "c"}}},
      {.target = "*", .path = "*", .query = {}},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.target) {
      const auto target = http::parse_target(c.target);
      REQUIRE(target);
      CHECK(target->path == c.path);
      CHECK(target->query == c.query);
    }
  }
  for (const char* bad : {"", "a", "?x", "/a#b", "/%zz", "/a?b=%0", "http:///a", "host:80"}) {
    DYNAMIC_SECTION("refused: " << bad) {
      CHECK_FALSE(http::parse_target(bad));
    }
  }
}

TEST_CASE("a target written is read back the same", "[http]") {
  const http::Request request{
      .method = "GET",
      .path = "/api/ä ö%?#&=/x",
      .query = {{"labelSelector", "a in (b,c),d!=e"}, {"+ &=%", "\x01/é"}, {"empty", ""}},
      .headers = {},
      .body = "",
      .peer = ""};
  const auto target = http::parse_target(request.target());
  REQUIRE(target);
  CHECK(target->path == request.path);
  CHECK(target->query == request.query);
  CHECK(http::Request{}.target() == "/");
}

TEST_CASE("header names compare without case", "[http]") {
  http::Headers headers{{"Content-Type", "a"}, {"X", "1"}, {"content-type", "b"}};
  CHECK(headers.get("CONTENT-TYPE") == "a");
  CHECK(headers.has("x"));
  CHECK_FALSE(headers.has("Y"));
  CHECK(headers.get("Y").empty());
  headers.set("Content-type", "c");
  CHECK(headers.get("content-type") == "c");
  CHECK(headers.fields().size() == 2);
}
