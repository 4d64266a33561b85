#pragma once

// Placement: which waiting pods start now, as a pure function. The node is its own scheduler.
//
// First come, first served, with two corrections. A pod owned by a pod that already runs (an
// executor) goes before everybody: its driver holds capacity while it waits. A pod that does not
// fit is overtaken by smaller ones only until it has waited for kPatience; from then on what
// becomes free is kept for it. A pod larger than the whole node keeps nothing. Threads: pure.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/result.h"

namespace runner::node {

struct Resources {
  int64_t milli_cpu = 0;
  int64_t memory_bytes = 0;
};

struct Capacity {
  std::optional<int64_t> milli_cpu;  // not bounded unless given
  int64_t memory_bytes = 0;
  int pods = 64;
};

struct WaitingPod {
  std::string uid;
  std::string name;  // "namespace/name", for messages
  Resources requests;
  base::WallTime created;
  bool owner_runs = false;
};

struct Placement {
  std::vector<std::string> start;  // UIDs, in order
  struct Refused {
    std::string uid;
    std::string message;  // "0/1 nodes are available: 1 Insufficient memory."
  };
  std::vector<Refused> waiting;
};

inline constexpr std::chrono::seconds kPatience{60};

// 80 % of the machine's memory, 64 pods, any number of cores.
Capacity default_capacity();

// What Kubernetes counts: the sum of the containers, or the largest init container if more.
// InvalidArgument names the field of a quantity that is none.
base::Result<Resources> requests_of(const nlohmann::json& pod);

Placement place(const Capacity& capacity, const std::vector<Resources>& running,
                std::vector<WaitingPod> waiting, base::WallTime now);

// Whether it has a nodeSelector or node affinity.
bool asks_for_labels(const nlohmann::json& pod);

// Why nodeSelector or required node affinity rule this node out; empty when they do not.
std::string unmatched_selector(const nlohmann::json& pod, const nlohmann::json& node_labels);

}  // namespace runner::node
