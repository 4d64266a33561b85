#pragma once

// Replicas: the life of one schedule under two replicas of the service, made from one seed. Both
// run the product's own election, fence and controllers over one model of the API, with a ledger
// each. Any process may be stopped (SIGSTOP) at any call, before it or when the request has left,
// wake a minute later, lose its lease, be cut off from the API or be killed; any write may be given
// up by its caller and arrive up to a minute later; caches lag. People ask for runs by hand.
//
// What is judged: nobody begins a write that does not hold the lease; a run, and what it stands for
// (a slot, a wish of somebody), has at most one driver, not early, and under Forbid and Replace
// never beside another; at the end every slot is exactly one of started and skipped, the last wish
// was heard, and the status counts what happened.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/simulation.h"

namespace simulation {

// The guard that is taken away, to see that the simulation has teeth.
enum class Without {
  Nothing,
  Fence,
  StrayCheck,
  Versions,
  Mounts,   // the driver pod names no ConfigMap
  Filling,  // the ConfigMap is created with all that it holds
};

struct ReplicasPlan {
  uint32_t seed = 1;
  int steps = 300;
  Without without = Without::Nothing;
};

Verdict simulate_replicas(const ReplicasPlan& plan);

}  // namespace simulation
