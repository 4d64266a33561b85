#pragma once

// PodScheduler: the scheduler of one node. Pods that are bound to no node and name a scheduler that
// we are get their place here, or a word in their status why not yet.
//
// Threads: one.

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>  // a member by value

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

  // Binds what fits now. What fails or throws for one pod is said on that pod and keeps no other
  // from its place. False when some of it failed and is to be tried again soon.
  bool place_pods();

 private:
  using Step = std::function<base::Status(const nlohmann::json& pod)>;

  // A step for one pod; false when it failed, which the pod says then.
  bool attempt(const std::string& uid, const Step& step);
  // The node's, with those that people have put on its object.
  base::Result<const nlohmann::json*> labels();
  base::Status consider(const nlohmann::json& pod, std::vector<WaitingPod>& waiting);
  [[nodiscard]] std::vector<Resources> used() const;
  base::Status bind(const nlohmann::json& pod);
  void report(const nlohmann::json& pod, const char* reason, const std::string& message);

  const NodeOptions& options_;
  kube::Api& api_;
  base::Clock& clock_;
  kube::EventRecorder& events_;
  const PodIndex& index_;
  const Kubelet& kubelet_;
  std::set<std::string> assumed_;            // bound by us, not yet seen to be
  std::map<std::string, std::string> told_;  // by UID: what was recorded last of who waits
  std::optional<nlohmann::json> labels_;     // of this round, when a pod has asked for some
};

}  // namespace runner::node
