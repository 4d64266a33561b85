// What the last runs say about a schedule: for metrics and alerts.

#include "runner/schedules/recent.h"

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/rfc3339.h"
#include "tests/support/catch.h"

using nlohmann::json;
using runner::schedules::recent_outcomes;
using std::chrono::seconds;

namespace {

json ended(const std::string& outcome, const std::string& from, const std::string& to) {
  return {{"slot", from}, {"name", "x"}, {"outcome", outcome}, {"started", from}, {"ended", to}};
}
json active(const std::string& from) {
  return {{"slot", from}, {"name", "x"}, {"outcome", "Running"}, {"started", from}};
}
json skipped() {
  return {{"slot", "2026-01-01T09:00:00Z"}, {"outcome", "Skipped"}, {"reason", "Superseded"}};
}
json good(int minutes) {
  return ended("Succeeded", "2026-01-01T08:00:00Z",
               "2026-01-01T08:" + std::to_string(minutes) + ":00Z");
}
json bad() {
  return ended("Failed", "2026-01-01T08:00:00Z", "2026-01-01T08:10:00Z");
}

}  // namespace

TEST_CASE("the last failures in a row are those since the last success") {
  struct Case {
    const char* name;
    std::vector<json> recent;  // the newest first
    uint64_t failures;
  };
  const Case cases[] = {
      {.name = "no runs", .recent = {}, .failures = 0},
      {.name = "one success", .recent = {good(10)}, .failures = 0},
      {.name = "two failures after it", .recent = {bad(), bad(), good(10)}, .failures = 2},
      {.name = "failures before it", .recent = {good(10), bad(), bad()}, .failures = 0},
      {.name = "never a success", .recent = {bad(), bad(), bad()}, .failures = 3},
      {.name = "what is skipped or runs says nothing",
       .recent = {active("2026-01-01T09:00:00Z"), bad(), skipped(), bad(), good(10)},
       .failures = 2},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      CHECK(recent_outcomes({{"recentRuns", c.recent}}).consecutive_failures == c.failures);
    }
  }
}

TEST_CASE("what is usual is the median of the runs that succeeded, from three on") {
  const auto usual = [](const std::vector<json>& recent) {
    return recent_outcomes({{"recentRuns", recent}}).usual_duration;
  };
  CHECK(usual({good(10), good(20)}) == std::nullopt);
  CHECK(usual({good(10), good(50), good(20)}) == seconds(1200));
  CHECK(usual({good(10), good(50), good(20), good(30)}) == seconds(1800));
  CHECK(usual({good(10), good(20), bad(), bad(), bad()}) == std::nullopt);
  // A clock that was set back between.
  const json back = ended("Succeeded", "2026-01-01T08:30:00Z", "2026-01-01T08:00:00Z");
  CHECK(usual({back, back, back}) == seconds(0));
}

TEST_CASE("the oldest run that has not ended is known by its creation") {
  const auto oldest = [](const std::vector<json>& recent) {
    return recent_outcomes({{"recentRuns", recent}}).oldest_active;
  };
  CHECK(oldest({good(10)}) == std::nullopt);
  CHECK(oldest({active("2026-01-01T10:00:00Z"), active("2026-01-01T09:00:00Z"), good(10)}) ==
        *base::parse_rfc3339("2026-01-01T09:00:00Z"));
}

TEST_CASE("a status of any shape is read without harm") {
  for (const json& status :
       {json(), json::object(), json{{"recentRuns", 7}}, json{{"recentRuns", {1, "x", nullptr}}},
        json{{"recentRuns", {{{"started", 5}, {"outcome", json::array()}}}}}}) {
    CHECK(recent_outcomes(status).consecutive_failures == 0);
  }
}
