#pragma once

// What --node-capacity says, as the node counts it: what is left out is the machine's default, what
// is more than can be counted is the most that can.
//
// Threads: pure, but for reading the machine's memory.

#include "runner/node/placement.h"
#include "tools/sparkcron/options.h"

namespace sparkcron {

runner::node::Capacity node_capacity(const NodeCapacity& asked);

}  // namespace sparkcron
