#include "kube/back_off.h"

#include "tests/support/catch.h"

namespace {

using namespace std::chrono_literals;

TEST_CASE("waits double up to the most, less what is spread") {
  struct Case {
    int failures;
    double spread;
    std::chrono::milliseconds wait;
  };
  const Case cases[] = {
      {.failures = 1, .spread = 0, .wait = 800ms},
      {.failures = 2, .spread = 0, .wait = 1600ms},
      {.failures = 2, .spread = 0.5, .wait = 1200ms},
      {.failures = 6, .spread = 0, .wait = 25'600ms},
      {.failures = 7, .spread = 0, .wait = 30s},
      {.failures = 2'000'000'000, .spread = 0, .wait = 30s},
      {.failures = 0, .spread = 0, .wait = 800ms},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.failures << " failures, spread " << c.spread) {
      CHECK(kube::back_off({}, c.failures, c.spread) == c.wait);
    }
  }
}

TEST_CASE("failures are counted per key and forgotten") {
  kube::RateLimiter limiter({.first = 100ms, .most = 1s});
  const kube::ObjectKey a{"n", "a"}, b{"n", "b"};
  limiter.failed(a);
  const auto second = limiter.failed(a);
  CHECK(second > 100ms);
  CHECK(second <= 200ms);
  CHECK(limiter.failures(a) == 2);
  CHECK(limiter.failures(b) == 0);
  limiter.succeeded(a);
  CHECK(limiter.failures(a) == 0);
}

}  // namespace
