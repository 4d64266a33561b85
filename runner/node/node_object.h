#pragma once

// The Node object: what the API says of this machine. Written at start and then seldom: a heartbeat
// is one small patch of one condition.
//
// Threads: pure, but for reading the machine's properties.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "kube/api.h"
#include "runner/node/placement.h"

namespace runner::node {

nlohmann::json node_labels(const std::string& name);
nlohmann::json make_node_status(const std::string& name, const Capacity& capacity,
                                base::WallTime now);
// Whether the cluster has a scheduler of its own, which a taint must keep away from this node. Ours
// does not look at taints.
enum class OtherSchedulers { None, KeptAway };
// Creates the object or brings it up to date. Conflict: a node of that name is a kubelet's.
base::Status register_node(kube::Api& api, const std::string& name, const Capacity& capacity,
                           OtherSchedulers others, base::WallTime now);
base::Status send_heartbeat(kube::Api& api, const std::string& name, const Capacity& capacity,
                            OtherSchedulers others, base::WallTime now);

}  // namespace runner::node
