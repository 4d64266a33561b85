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

}  // namespace
