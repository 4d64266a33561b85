#include "tools/sparkcron/node_capacity.h"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace sparkcron {

runner::node::Capacity node_capacity(const NodeCapacity& asked) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  // A double that is one step below 2^63.
  constexpr double kMostMilli = 9.2e18;
  runner::node::Capacity capacity = runner::node::default_capacity();
  if (asked.cpu) capacity.milli_cpu = static_cast<int64_t>(std::min(*asked.cpu * 1000, kMostMilli));
  if (asked.memory_bytes)
    capacity.memory_bytes =
        static_cast<int64_t>(std::min(*asked.memory_bytes, static_cast<uint64_t>(kMost)));
  capacity.pods = asked.pods;
  return capacity;
}

}  // namespace sparkcron
