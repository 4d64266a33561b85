#include "runner/node/pod_scheduler.h"

#include <algorithm>
#include <chrono>

#include <nlohmann/json.hpp>

#include "base/guard.h"
#include "base/json.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "runner/node/node_object.h"
#include "runner/node/pod_status.h"

namespace runner::node {
namespace {

using Json = nlohmann::json;
using base::Code;

// pods/binding is a subresource that is created: its path is that of a collection below the pod.
kube::ResourceType binding_of(const std::string& pod) {
  return {"", "v1", "pods/" + pod + "/binding", "Binding", true};
}

base::WallTime created_at(const Json& pod) {
  return base::parse_rfc3339(base::string_at(pod, {"metadata", "creationTimestamp"}))
      .value_or(base::WallTime{});
}

bool is_condition(const Json& condition, const std::string& message) {
  return base::string_at(condition, {"type"}) == "PodScheduled" &&
         base::string_at(condition, {"message"}) == message;
}

}  // namespace

bool PodScheduler::place_pods() {
  std::vector<WaitingPod> waiting = find_waiting();
  if (waiting.empty()) return true;
  const Placement placement = place(options_.capacity, used(), std::move(waiting), clock_.now());
  bool all = true;
  for (const std::string& uid : placement.start)
    if (const auto pod = index_.find(uid); pod != nullptr) all = bind(*pod) && all;
  for (const Placement::Refused& refused : placement.waiting)
    if (const auto pod = index_.find(refused.uid); pod != nullptr)
      report_unschedulable(*pod, refused.message);
  return all;
}

std::vector<WaitingPod> PodScheduler::find_waiting() {
  // What is bound or gone by now need not be assumed any longer.
  std::erase_if(assumed_,
                [this](const std::string& uid) { return !index_.unbound().contains(uid); });
  std::vector<WaitingPod> waiting;
  for (const std::string& uid : index_.unbound()) {
    if (assumed_.contains(uid)) continue;
    const auto pod = index_.find(uid);
    const std::string unmatched = unmatched_selector(*pod, node_labels(options_.name));
    if (!unmatched.empty()) {
      report_unschedulable(*pod, unmatched);
      continue;
    }
    WaitingPod one{.uid = uid,
                   .name = kube::key_of(*pod).to_string(),
                   // A quantity that cannot be read is refused when the pod is taken over.
                   .requests = requests_of(*pod).value_or(Resources{}),
                   .created = created_at(*pod)};
    const Json* owners = base::find(*pod, {"metadata", "ownerReferences"});
    if (owners != nullptr && owners->is_array())
      for (const Json& owner : *owners)
        one.owner_runs = one.owner_runs || kubelet_.knows(base::string_at(owner, {"uid"}));
    waiting.push_back(std::move(one));
  }
  return waiting;
}

std::vector<Resources> PodScheduler::used() const {
  // What runs here counts even when its object is gone.
  std::vector<Resources> used = kubelet_.used();
  const auto add = [&](const std::string& uid) {
    const auto pod = index_.find(uid);
    if (pod != nullptr && !kubelet_.knows(uid))
      used.push_back(requests_of(*pod).value_or(Resources{}));
  };
  std::for_each(index_.ours().begin(), index_.ours().end(), add);
  std::for_each(assumed_.begin(), assumed_.end(), add);
  return used;
}

bool PodScheduler::bind(const Json& pod) {
  const std::string uid = kube::uid_of(pod);
  const kube::ObjectKey key = kube::key_of(pod);
  const auto bound =
      api_.create(binding_of(key.name),
                  {{"apiVersion", "v1"},
                   {"kind", "Binding"},
                   {"metadata", {{"name", key.name}, {"namespace", key.ns}, {"uid", uid}}},
                   {"target", {{"apiVersion", "v1"}, {"kind", "Node"}, {"name", options_.name}}}});
  // The informer will bring it back as ours.
  if (bound) {
    assumed_.insert(uid);
    return true;
  }
  // Gone, or bound by somebody else: the informer will say so. Anything else is tried again.
  if (bound.error().code == Code::NotFound || bound.error().code == Code::Conflict) return true;
  base::log_warning("runner/node", "A pod could not be bound",
                    {{"pod", key.to_string()}, {"error", bound.error().message}});
  return false;
}

void PodScheduler::report_unschedulable(const Json& pod, const std::string& message) {
  const Json* conditions = base::find(pod, {"status", "conditions"});
  if (conditions != nullptr && conditions->is_array() &&
      std::any_of(conditions->begin(), conditions->end(),
                  [&](const Json& condition) { return is_condition(condition, message); }))
    return;
  events_.record(pod, kube::EventType::Warning, "FailedScheduling", "Scheduling", message);
  // Best effort: it is tried again with the next change. The UID keeps it from a namesake.
  (void)api_.patch(kube::pods(), kube::key_of(pod), kube::PatchType::MergePatch,
                   {{"metadata", {{"uid", kube::uid_of(pod)}}},
                    {"status", make_unschedulable_status(pod, message, clock_.now())}},
                   {.subresource = "status"});
}

}  // namespace runner::node
