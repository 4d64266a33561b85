#include "kube/back_off.h"

#include <algorithm>
#include <random>
#include <vector>

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

TEST_CASE("an answer that says how long to wait is heeded, and spread above") {
  CHECK(kube::back_off({}, 1, 0, 5s) == 7500ms);
  CHECK(kube::back_off({}, 1, 0.5, 5s) == 6250ms);
  CHECK(kube::back_off({}, 7, 0, 5s) == 30s);
  CHECK(kube::back_off({}, 1, 0.5, 0ms) == kube::back_off({}, 1, 0.5));
}

TEST_CASE("two hundred clients of a server that was away do not come back at the same moment") {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> spread(0, 1);
  for (const std::chrono::milliseconds told : {0ms, 1000ms, 30'000ms}) {
    for (int failures = 1; failures <= 10; ++failures) {
      std::vector<std::chrono::milliseconds> waits;
      for (int client = 0; client < 200; ++client)
        waits.push_back(kube::back_off({}, failures, spread(random), told));
      std::sort(waits.begin(), waits.end());
      // In each tenth of the time over which they could be spread evenly come at most twice as
      // many as that would be.
      const auto tenth = (waits.back() - waits.front()) / 10;
      INFO("told " << told.count() << " ms, failures " << failures << ", over "
                   << (waits.back() - waits.front()).count() << " ms");
      CHECK(waits.back() - waits.front() >= waits.front() / 3);
      size_t most = 0;
      for (size_t i = 0; i < waits.size(); ++i) {
        const auto end = std::upper_bound(waits.begin(), waits.end(), waits[i] + tenth);
        most = std::max(most, static_cast<size_t>(end - waits.begin()) - i);
      }
      CHECK(most <= 40);
      CHECK(waits.front() >= told);
    }
  }
}

}  // namespace
