#pragma once

// Simulation: the life of one schedule, made from one seed. The product's own controllers run
// against a model of the API with a fake clock; informers lag, calls fail, processes end between
// any two calls, a second replica acts in between, the clock jumps, people change their minds,
// drivers run, fail and linger. Truth watches and judges.
//
// README.md tells how to find out what happened in a seed.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/sabotage.h"

namespace simulation {

enum class Applications { Model, Product };
// How a start reads the schedule: by a GET of its own, from a list that it shares, or as the seed
// says.
enum class Reads { Any, Own, Shared };

struct Plan {
  uint32_t seed = 1;
  int steps = 40;
  Sabotage sabotage = Sabotage::None;
  Applications applications = Applications::Model;
  std::string policy;  // "": any
  Reads reads = Reads::Any;
  bool losses = false;  // now and then the status, the ledger or both are lost
  bool stalls = false;  // now and then a replica is overtaken just before it writes a status
};

struct Verdict {
  std::string violation;  // empty: every promise was kept
  std::vector<std::string> story;
};

Verdict simulate(const Plan& plan);

}  // namespace simulation
