#include "monitor/packed_log.h"

#include <string>

#include "base/rfc3339.h"
#include "tests/support/catch.h"

using base::Code;

TEST_CASE("a packed log is unpacked as it was", "[monitor]") {
  for (const std::string& text :
       {std::string(), std::string("one\n"), std::string(3'000'000, 'x')}) {
    const auto packed = monitor::pack(text);
    REQUIRE(packed);
    CHECK(packed->size() < text.size() / 100 + 100);
    const auto unpacked = monitor::unpack(*packed, text.size());
    REQUIRE(unpacked);
    CHECK(*unpacked == text);
  }
}

TEST_CASE("a damaged or endless packed log is an error", "[monitor]") {
  const std::string packed = monitor::pack(std::string(100'000, 'x')).value();
  CHECK(monitor::unpack("", 10).error().message == "a kept log is damaged");
  CHECK(monitor::unpack("no gzip", 10).error().message == "a kept log is damaged");
  CHECK_FALSE(monitor::unpack(packed.substr(0, packed.size() / 2), 1'000'000).has_value());
  const auto bomb = monitor::unpack(packed, 99'999);
  REQUIRE_FALSE(bomb);
  CHECK(bomb.error().code == Code::Corrupt);
  CHECK(bomb.error().message == "a kept log is longer than 99999 bytes");
}

TEST_CASE("of a long log the newest lines are collected", "[monitor]") {
  struct Case {
    std::string name;
    std::string text;
    std::string kept;
  };
  const Case cases[] = {
      {.name = "short", .text = "one\ntwo\n", .kept = "one\ntwo\n"},
      {.name = "exactly", .text = "123456789\n123456789\n", .kept = "123456789\n123456789\n"},
      {.name = "long",
       .text = "one\n123456789\n123456789\n",
       .kept = "[sparkcron: the first 4 bytes were cut]\n123456789\n123456789\n"},
      {.name = "through a line",
       .text = "one\ntwo\n123456789\n12345678\n",
       .kept = "[sparkcron: the first 8 bytes were cut]\n123456789\n12345678\n"},
      {.name = "one endless line",
       .text = std::string(100, 'x'),
       .kept = "[sparkcron: the first 100 bytes were cut]\n"}};
  for (const Case& c : cases) {
    for (const size_t piece : {size_t{1}, size_t{7}, size_t{1000}}) {
      DYNAMIC_SECTION(c.name << " in pieces of " << piece) {
        monitor::NewestLines lines(20);
        for (size_t at = 0; at < c.text.size(); at += piece)
          lines.add(std::string_view(c.text).substr(at, piece));
        const std::string kept = lines.take();
        if (c.name == "one endless line") {
          // Its end comes in pieces, of which the last may stay.
          CHECK(kept.size() < 100);
        } else {
          CHECK(kept == c.kept);
        }
      }
    }
  }
}

TEST_CASE("lines of a kept log are chosen as pods/log does", "[monitor]") {
  const std::string stamped =
      "[sparkcron: the first 8 bytes were cut]\n"
      "2026-11-21T00:00:00.5Z one\n"
      "2026-11-21T00:00:01.123456789Z two\n"
      "2026-11-21T02:00:02.000000001+02:00 \n"
      "2026-11-21T00:00:03Z last";
  CHECK(monitor::choose_lines(stamped, {}) ==
        "[sparkcron: the first 8 bytes were cut]\none\ntwo\n\nlast");
  CHECK(monitor::choose_lines(stamped, {.timestamps = true}) == stamped);
  CHECK(monitor::choose_lines(stamped, {.tail_lines = 2}) == "\nlast");
  CHECK(monitor::choose_lines(stamped, {.tail_lines = 0}).empty());
  CHECK(monitor::choose_lines(stamped, {.tail_lines = 99}).size() > 50);
  CHECK(monitor::choose_lines(stamped, {.tail_lines = 3, .limit_bytes = 3}) == "two");
  const auto since = base::parse_rfc3339("2026-11-21T00:00:01Z").value();
  CHECK(monitor::choose_lines(stamped, {.since = since}) == "two\n\nlast");
  CHECK(monitor::choose_lines("", {}).empty());
  CHECK(monitor::choose_lines("no stamp at all\n", {}) == "no stamp at all\n");
}
