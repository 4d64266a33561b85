// The simulation has teeth: with any one guard taken away it finds a life in which a promise is
// broken, within as many lives as the ordinary test lives anyway.

#include "tests/simulation/simulation.h"
#include "tests/support/catch.h"

using simulation::Sabotage;
using simulation::simulate;

namespace {

// The first violation, or "" if there is none.
std::string first_violation(Sabotage sabotage) {
  for (uint32_t seed = 1; seed <= 2000; ++seed) {
    const auto verdict = simulate({.seed = seed, .sabotage = sabotage});
    if (!verdict.violation.empty()) return verdict.violation;
  }
  return "";
}

}  // namespace

TEST_CASE("Without a guard a promise is broken, and the simulation sees it") {
  struct Case {
    std::string guard;
    Sabotage sabotage;
  };
  const Case cases[] = {
      {.guard = "the name is a lock", .sabotage = Sabotage::RandomNames},
      {.guard = "ownership is by UID", .sabotage = Sabotage::OwnByLabel},
      {.guard = "held slots are remembered", .sabotage = Sabotage::ForgetHeld},
      {.guard = "the old driver is waited for", .sabotage = Sabotage::IgnoreOldDrivers},
      {.guard = "an outcome is counted once", .sabotage = Sabotage::CountAgain},
      {.guard = "the API is asked before a start", .sabotage = Sabotage::TrustTheCache},
      {.guard = "the status is written under its version", .sabotage = Sabotage::NoOptimisticLock},
      {.guard = "a recorded run is not started again", .sabotage = Sabotage::ForgetRecords},
      {.guard = "what is accounted for is written down", .sabotage = Sabotage::ForgetAccounted},
      {.guard = "what was started ahead is remembered", .sabotage = Sabotage::ForgetAhead},
      {.guard = "a clock that was wrong is forgotten", .sabotage = Sabotage::BelieveAnyClock},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.guard) {
      const std::string violation = first_violation(c.sabotage);
      INFO(violation);
      CHECK(violation != "");
    }
  }
}
