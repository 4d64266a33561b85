#include "config/quantity.h"

#include <string>

#include "tests/support/catch.h"

namespace {

TEST_CASE("amounts are read as Kubernetes reads them, and rounded up") {
  struct Case {
    std::string text;
    int64_t milli;
    int64_t whole;
  };
  constexpr int64_t kMost = 9'000'000'000'000'000'000;
  for (const Case& c : {
           Case{"0", 0, 0},
           Case{"2", 2'000, 2},
           Case{"500m", 500, 1},
           Case{"1.5", 1'500, 2},
           Case{"0.1", 100, 1},
           Case{"1.0001", 1'001, 2},
           Case{"1n", 1, 1},
           Case{"1Gi", int64_t{1'000} << 30, int64_t{1} << 30},
           Case{"1.5Gi", int64_t{1'500} << 30, int64_t{3} << 29},
           Case{"2e3", 2'000'000, 2'000},
           Case{"1E", kMost, 1'000'000'000'000'000'000},
           Case{"9223372036854775807", kMost, kMost},
           Case{"1e999", kMost, kMost},
       }) {
    INFO(c.text);
    CHECK(config::parse_milli(c.text).value() == c.milli);
    CHECK(config::parse_whole(c.text).value() == c.whole);
  }
}

TEST_CASE("what the API would not take as an amount is refused with what was written") {
  for (const std::string text : {"", "lots", "-1", "1,5", "1e3Mi", "inf", "0x10", "1 Gi"}) {
    INFO(text);
    const auto amount = config::parse_milli(text);
    REQUIRE_FALSE(amount);
    CHECK(amount.error().message == "\"" + text + "\" is not a quantity such as 500m, 2 or 16Gi");
    CHECK_FALSE(config::parse_whole(text));
  }
}

}  // namespace
