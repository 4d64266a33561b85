#include "kube/watch_decoder.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"

namespace {

using base::Code;
using kube::WatchDecoder;
using kube::WatchEvent;

const std::string kStream = R"({"type":"ADDED","object":{"metadata":{"name":"a"}}})"
                            "\n\r\n"
                            R"({"type":"MODIFIED","object":{"metadata":{"name":"b"}}})"
                            "\n"
                            R"({"type":"DELETED","object":{"metadata":{"name":"c"}}})"
                            "\n"
                            R"({"type":"BOOKMARK","object":{"metadata":{"name":"d"}}})"
                            "\n";

TEST_CASE("events come out the same wherever the bytes are cut") {
  for (size_t piece = 1; piece <= kStream.size(); ++piece) {
    WatchDecoder decoder;
    std::vector<WatchEvent> events;
    for (size_t at = 0; at < kStream.size(); at += piece) {
      decoder.feed(kStream.substr(at, piece));
      while (true) {
        auto event = decoder.next();
        REQUIRE(event.has_value());
        if (!*event) break;
        events.push_back(**event);
      }
    }
    REQUIRE(events.size() == 4);
    CHECK(events[0].type == WatchEvent::Type::Added);
    CHECK(events[1].type == WatchEvent::Type::Modified);
    CHECK(events[2].type == WatchEvent::Type::Deleted);
    CHECK(events[3].type == WatchEvent::Type::Bookmark);
    CHECK(events[3].object.key().name == "d");
  }
}

TEST_CASE("what is no event ends the watch") {
  struct Case {
    const char* name;
    const char* line;
    Code code;
    const char* message;
  };
  const Case cases[] = {
      {.name = "an expired revision",
       .line =
           R"({"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}})",
       .code = Code::Gone,
       .message = "too old"},
      {.name = "expired, as old servers say it",
       .line =
           R"({"type":"ERROR","object":{"kind":"Status","code":500,"reason":"Expired","message":"too old"}})",
       .code = Code::Gone,
       .message = "too old"},
      {.name = "an overloaded server",
       .line =
           R"({"type":"ERROR","object":{"code":429,"message":"later","details":{"retryAfterSeconds":2}}})",
       .code = Code::ResourceExhausted,
       .message = "later"},
      {.name = "an error without words",
       .line = R"({"type":"ERROR","object":{}})",
       .code = Code::Unavailable,
       .message = "HTTP 500"},
      {.name = "an unknown type",
       .line = R"({"type":"SURPRISE","object":{}})",
       .code = Code::Unavailable,
       .message = "watch event of unknown type \"SURPRISE\""},
      {.name = "no object",
       .line = R"({"type":"ADDED"})",
       .code = Code::Unavailable,
       .message = "watch event without type and object"},
      {.name = "not an object",
       .line = R"([1])",
       .code = Code::Unavailable,
       .message = "watch event without type and object"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      WatchDecoder decoder;
      decoder.feed(std::string(c.line) + "\n");
      const auto event = decoder.next();
      REQUIRE_FALSE(event.has_value());
      CHECK(event.error().code == c.code);
      CHECK(event.error().message == c.message);
    }
  }
}

TEST_CASE("not JSON") {
  WatchDecoder decoder;
  decoder.feed("<html>\n");
  const auto event = decoder.next();
  REQUIRE_FALSE(event.has_value());
  CHECK(event.error().code == Code::Unavailable);
  CHECK(event.error().message.starts_with("watch event: not JSON"));
}

// {"a": {"a": … 1}}, so many levels deep.
std::string nested(size_t levels) {
  std::string text;
  for (size_t i = 0; i < levels; ++i)
    text += R"({"a":)";
  return text + "1" + std::string(levels, '}');
}

TEST_CASE("an object nested as deep as the API takes it is read from a watch") {
  WatchDecoder decoder;
  decoder.feed(R"({"type":"ADDED","object":{"metadata":{"name":"a"},"spec":)" + nested(63) +
               "}}\n");
  const auto event = decoder.next();
  REQUIRE(event.has_value());
  CHECK((*event)->type == WatchEvent::Type::Added);
}

TEST_CASE("an object that cannot be read is passed over by name and the next one is read") {
  struct Case {
    const char* name;
    std::string line;
    const char* found;
    const char* problem;
  };
  const std::string metadata = R"("metadata":{"name":"a","namespace":"n","resourceVersion":"7"})";
  const Case cases[] = {
      {.name = "too deep",
       .line = R"({"type":"MODIFIED","object":{"data":)" + nested(200) + "," + metadata + "}}",
       .found = "n/a",
       .problem = "JSON is nested deeper than 129 levels"},
      {.name = "too large",
       .line = R"({"type":"ADDED","object":{)" + metadata + R"(,"spec":")" +
               std::string(5000, 'x') + "\"}}",
       .found = "n/a",
       .problem = "over the limit of 4096 bytes"},
      {.name = "too large, and its name behind the limit",
       .line = R"({"type":"ADDED","object":{"data":")" + std::string(5000, 'x') + "\"," + metadata +
               "}}",
       .found = "",
       .problem = "over the limit of 4096 bytes"},
      {.name = "not JSON inside",
       .line = R"({"type":"ADDED","object":{)" + metadata + R"(,"spec":tru}})",
       .found = "n/a",
       .problem = "not JSON: syntax error at byte "},
      {.name = "without a name",
       .line = R"({"type":"ADDED","object":{"metadata":[]}})",
       .found = "",
       .problem = "an object without metadata.name"},
  };
  for (const Case& c : cases) {
    for (const size_t piece : {size_t{7}, size_t{100'000}}) {
      DYNAMIC_SECTION(c.name << " in pieces of " << piece) {
        WatchDecoder decoder({.bytes = 4096, .depth = 128});
        std::vector<WatchEvent> events;
        const std::string all =
            c.line + "\n" + R"({"type":"ADDED","object":{"metadata":{"name":"b"}}})" + "\n";
        for (size_t at = 0; at < all.size(); at += piece) {
          decoder.feed(all.substr(at, piece));
          while (true) {
            auto event = decoder.next();
            REQUIRE(event.has_value());
            if (!*event) break;
            events.push_back(**event);
          }
        }
        REQUIRE(events.size() == 2);
        CHECK(events[0].type == WatchEvent::Type::Unreadable);
        CHECK(events[0].object.key().to_string() == c.found);
        CHECK(events[0].problem.starts_with(c.problem));
        CHECK(events[1].object.key().name == "b");
        CHECK(decoder.at_boundary());
      }
    }
  }
}

TEST_CASE("the end of an object that could not be read is its end") {
  WatchDecoder decoder;
  decoder.feed(R"({"type":"DELETED","object":{"metadata":{"name":"a"},"spec":)" + nested(200) +
               "}}\n");
  const auto event = decoder.next();
  REQUIRE(event.has_value());
  CHECK((*event)->type == WatchEvent::Type::Deleted);
  CHECK((*event)->object.key().name == "a");
}

TEST_CASE("an event comes without managedFields, which are half of it") {
  WatchDecoder decoder;
  decoder.feed(
      R"({"type":"ADDED","object":{"managedFields":1,"metadata":{"name":"a","managedFields":[{"a":1}],)"
      R"("uid":"u"},"spec":{"managedFields":2}}})"
      "\n");
  const auto event = decoder.next();
  REQUIRE(event.has_value());
  CHECK((*event)->object.object()->dump() ==
        R"({"managedFields":1,"metadata":{"name":"a","uid":"u"},"spec":{"managedFields":2}})");
}

TEST_CASE("the end of a line is known") {
  WatchDecoder decoder;
  CHECK(decoder.at_boundary());
  decoder.feed("{\"type\":");
  CHECK_FALSE(decoder.next().value().has_value());
  CHECK_FALSE(decoder.at_boundary());
  decoder.feed("\"BOOKMARK\",\"object\":{}}\n");
  CHECK(decoder.next().value().has_value());
  CHECK(decoder.at_boundary());
}

}  // namespace
