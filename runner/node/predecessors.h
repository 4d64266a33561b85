#pragma once

// Predecessors: which pod must have ended before another one may start on this node. A pod that was
// removed by force frees its run's slot in the API while its processes still live; only the node
// knows of them.
//
// Threads: pure.

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace runner::node {

enum class Succession {
  None,        // they may run beside each other
  Always,      // the same name, or drivers of the same application: never both
  BySchedule,  // drivers of the same schedule: as its concurrencyPolicy says
};

// Of two pods, the elder of which has no object any more.
Succession succession(const nlohmann::json& elder, const nlohmann::json& younger);
// The name of the schedule that a driver belongs to; "" = none.
std::string schedule_of(const nlohmann::json& pod);

}  // namespace runner::node
