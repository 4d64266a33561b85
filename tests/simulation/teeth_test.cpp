// The simulation has teeth: with any one guard taken away it finds a life in which a promise is
// broken, within as many lives as the ordinary test lives anyway.

#include "tests/simulation/simulation.h"
#include "tests/support/catch.h"

using simulation::Applications;
using simulation::Plan;
using simulation::Reads;
using simulation::Sabotage;
using simulation::simulate;

namespace {

// The first violation, or "" if there is none.
std::string first_violation(Plan plan) {
  for (plan.seed = 1; plan.seed <= 2000; ++plan.seed) {
    const auto verdict = simulate(plan);
    if (!verdict.violation.empty()) return verdict.violation;
  }
  return "";
}

}  // namespace

TEST_CASE("Without a guard a promise is broken, and the simulation sees it") {
  struct Case {
    std::string guard;
    Sabotage sabotage;
    Applications applications = Applications::Model;
    bool stalls = false;
  };
  const Case cases[] = {
      {.guard = "the name is a lock", .sabotage = Sabotage::RandomNames},
      {.guard = "ownership is by UID", .sabotage = Sabotage::OwnByLabel},
      {.guard = "held slots are remembered", .sabotage = Sabotage::ForgetHeld},
      {.guard = "the old driver is waited for", .sabotage = Sabotage::IgnoreOldDrivers},
      {.guard = "an outcome is counted once", .sabotage = Sabotage::CountAgain},
      {.guard = "the API is asked before a start", .sabotage = Sabotage::TrustTheCache},
      {.guard = "the schedule is read before a start", .sabotage = Sabotage::TrustCachedSchedules},
      {.guard = "runs are listed before one is alone", .sabotage = Sabotage::TrustCachedRuns},
      {.guard = "the status is written under its version",
       .sabotage = Sabotage::NoOptimisticLock,
       .stalls = true},
      {.guard = "a recorded run is not started again", .sabotage = Sabotage::ForgetRecords},
      {.guard = "what is accounted for is written down", .sabotage = Sabotage::ForgetAccounted},
      {.guard = "what was started ahead is remembered", .sabotage = Sabotage::ForgetAhead},
      {.guard = "a clock that was wrong is forgotten", .sabotage = Sabotage::BelieveAnyClock},
      {.guard = "a driver that is refused is no failed run",
       .sabotage = Sabotage::GiveUpDrivers,
       .applications = Applications::Product},
      {.guard = "a run whose driver is held holds its slot",
       .sabotage = Sabotage::IgnoreHeldRuns,
       .applications = Applications::Product},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.guard) {
      const std::string violation = first_violation(
          {.sabotage = c.sabotage, .applications = c.applications, .stalls = c.stalls});
      INFO(violation);
      CHECK(violation != "");
    }
  }
}

TEST_CASE("Without what the ledger remembers a status that is lost breaks a promise") {
  struct Case {
    std::string guard;
    Sabotage sabotage;
  };
  const Case cases[] = {
      {.guard = "counts come from the ledger", .sabotage = Sabotage::ForgetCounts},
      {.guard = "a wish that was handled is known", .sabotage = Sabotage::ForgetTriggers},
      {.guard = "runs that go on are known", .sabotage = Sabotage::ForgetUnfinished},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.guard) {
      std::string violation;
      for (uint32_t seed = 1; seed <= 300 && violation.empty(); ++seed)
        violation = simulate({.seed = seed, .sabotage = c.sabotage, .losses = true}).violation;
      CHECK(violation != "");
    }
  }
}

// There a start lists no runs: what stands in for the list.
TEST_CASE("Where runs may overlap, too, each guard of a start is needed") {
  struct Case {
    std::string guard;
    Sabotage sabotage;
    Reads reads = Reads::Any;
    bool stalls = false;
  };
  const Case cases[] = {
      {.guard = "the name is a lock", .sabotage = Sabotage::RandomNames},
      {.guard = "the schedule is read before a start",
       .sabotage = Sabotage::TrustCachedSchedules,
       .reads = Reads::Own},
      {.guard = "the list that starts share is the API's",
       .sabotage = Sabotage::TrustCachedSchedules,
       .reads = Reads::Shared},
      {.guard = "runs are listed before a slot passes without one",
       .sabotage = Sabotage::TrustCachedRuns},
      {.guard = "the status is written under its version",
       .sabotage = Sabotage::NoOptimisticLock,
       .stalls = true},
      {.guard = "a recorded run is not started again", .sabotage = Sabotage::ForgetRecords},
      {.guard = "what is accounted for is written down", .sabotage = Sabotage::ForgetAccounted},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.guard) {
      const std::string violation = first_violation(
          {.sabotage = c.sabotage, .policy = "Allow", .reads = c.reads, .stalls = c.stalls});
      INFO(violation);
      CHECK(violation != "");
    }
  }
}
