#include "tests/simulation/simulation.h"

#include <cstdlib>

#include "tests/support/catch.h"

using simulation::Applications;
using simulation::Plan;
using simulation::simulate;
using simulation::Verdict;

namespace {

// SPARKCRON_SEED=n lives one life and tells its story, SPARKCRON_LIVES=n lives so many; README.md.
void live(const Plan& plan) {
  const Verdict verdict = simulate(plan);
  const bool tell = std::getenv("SPARKCRON_SEED") != nullptr;
  if (verdict.violation.empty() && !tell) return;
  std::string story;
  for (const std::string& line : verdict.story)
    story += line + "\n";
  INFO("seed " << plan.seed << "\n" << story);
  if (tell) WARN("the story");
  CHECK(verdict.violation == "");
}

void live_many(Plan plan, uint32_t from, uint32_t count) {
  if (const char* seed = std::getenv("SPARKCRON_SEED")) {
    plan.seed = static_cast<uint32_t>(std::strtoul(seed, nullptr, 10));
    return live(plan);
  }
  if (const char* lives = std::getenv("SPARKCRON_LIVES"))
    count = static_cast<uint32_t>(std::strtoul(lives, nullptr, 10));
  for (plan.seed = from; plan.seed < from + count; ++plan.seed)
    live(plan);
}

}  // namespace

TEST_CASE("In every life each promise is kept") {
  live_many({}, 1, 300);
  SUCCEED();
}

TEST_CASE("The product's own application controller keeps them as well") {
  live_many({.applications = Applications::Product}, 1, 40);
  SUCCEED();
}

TEST_CASE("Where runs may always overlap each promise is kept as well") {
  live_many({.policy = "Allow"}, 1, 150);
  live_many({.applications = Applications::Product, .policy = "Allow"}, 1, 20);
  SUCCEED();
}

TEST_CASE("A replica that was overtaken undoes nothing of what the other wrote") {
  live_many({.stalls = true}, 1, 50);
  live_many({.policy = "Allow", .stalls = true}, 1, 50);
  SUCCEED();
}

TEST_CASE("Counts and wishes outlive the loss of the status or of the ledger") {
  live_many({.losses = true}, 1, 200);
  live_many({.applications = Applications::Product, .losses = true}, 1, 20);
  SUCCEED();
}

TEST_CASE("In thousands of lives each promise is kept", "[.][many]") {
  live_many({}, 1000, 2000);
  live_many({.steps = 150}, 10000, 100);
  live_many({.applications = Applications::Product}, 20000, 200);
  live_many({.policy = "Allow"}, 30000, 1000);
  live_many({.losses = true}, 40000, 1000);
  live_many({.stalls = true}, 50000, 1000);
  SUCCEED();
}
