#pragma once

// PodScheduler: the scheduler of one node. Pods that are bound to no node and name a scheduler that
// we are get their place here, or a word in their status why not yet.
//
// Threads: one.

#include <set>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "kube/api.h"
#include "kube/event_recorder.h"
#include "runner/node/kubelet.h"
#include "runner/node/node.h"
#include "runner/node/placement.h"
#include "runner/node/pod_index.h"

namespace runner::node {

class PodScheduler {
 public:
  PodScheduler(const NodeOptions& options, kube::Api& api, base::Clock& clock,
               kube::EventRecorder& events, const PodIndex& index, const Kubelet& kubelet)
      : options_(options),
        api_(api),
        clock_(clock),
        events_(events),
        index_(index),
        kubelet_(kubelet) {}

  // Binds what fits now. False when some of it failed and is to be tried again soon.
  bool place_pods();

 private:
  [[nodiscard]] std::vector<WaitingPod> find_waiting();
  [[nodiscard]] std::vector<Resources> used() const;
  bool bind(const nlohmann::json& pod);
  void report_unschedulable(const nlohmann::json& pod, const std::string& message);

  const NodeOptions& options_;
  kube::Api& api_;
  base::Clock& clock_;
  kube::EventRecorder& events_;
  const PodIndex& index_;
  const Kubelet& kubelet_;
  std::set<std::string> assumed_;  // bound by us, not yet seen to be
};

}  // namespace runner::node
