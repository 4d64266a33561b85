#include "base/saturating.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"
#include "tests/support/catch.h"

namespace {

using namespace std::chrono_literals;
using base::saturating_add;
using base::saturating_multiply;
using base::saturating_seconds;

constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();

TEST_CASE("sums and products stop at the ends instead of wrapping") {
  CHECK(saturating_add(kMost, 1) == kMost);
  CHECK(saturating_add(kLeast, -1) == kLeast);
  CHECK(saturating_add(kMost, kLeast) == -1);
  CHECK(saturating_add(2, 3) == 5);
  CHECK(saturating_multiply(kMost, 2) == kMost);
  CHECK(saturating_multiply(kMost, -2) == kLeast);
  CHECK(saturating_multiply(kLeast, -1) == kMost);
  CHECK(saturating_multiply(6, 7) == 42);
}

TEST_CASE("a time to live of 9223372036854775807 seconds is long and not over at once") {
  const base::WallTime now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 28}};
  CHECK(saturating_seconds(kMost) == base::kLongestDuration);
  CHECK(saturating_seconds(10'000'000'000'000'000) == base::kLongestDuration);
  CHECK(saturating_seconds(kLeast) == -base::kLongestDuration);
  CHECK(saturating_seconds(90) == 90s);
  CHECK(std::chrono::nanoseconds{base::kLongestDuration} > 0ns);
  CHECK(saturating_add(now, saturating_seconds(kMost)) > now);
  CHECK(base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(
            saturating_add(now, saturating_seconds(kMost)))) == "2126-11-29T00:00:00Z");
}

TEST_CASE("instants stay where a date can be written") {
  CHECK(saturating_add(base::WallTime::max(), 1h) == base::kLastInstant);
  CHECK(saturating_add(base::kLastInstant, base::kLongestDuration) == base::kLastInstant);
  CHECK(saturating_add(base::WallTime::min(), -1h) == base::kFirstInstant);
  CHECK(base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(base::kLastInstant)) ==
        "9999-12-31T23:59:59Z");
  CHECK(saturating_add(base::SteadyTime::max(), 1h) == base::SteadyTime::max());
}

TEST_CASE("an integer beyond 64 signed bits is the largest one and not negative") {
  const auto value = base::parse_json(R"({"a": 18446744073709551615, "b": 9223372036854775808})");
  REQUIRE(value);
  CHECK(base::integer_at(*value, {"a"}) == kMost);
  CHECK(base::integer_at(*value, {"b"}) == kMost);
}

}  // namespace
