#include "runner/node/pod_scheduler.h"

#include <algorithm>
#include <chrono>
#include <string_view>

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

constexpr const char* kUnschedulable = "Unschedulable";
constexpr const char* kSchedulerError = "SchedulerError";

// A quantity that cannot be read is refused when the pod is taken over.
Resources read_requests(const Json& pod) {
  return base::guarded("read requests", [&] { return requests_of(pod); }).value_or(Resources{});
}

bool is_condition(const Json& condition, const std::string& message) {
  return base::string_at(condition, {"type"}) == "PodScheduled" &&
         base::string_at(condition, {"message"}) == message;
}

}  // namespace

bool PodScheduler::place_pods() {
  labels_.reset();
  // What is bound or gone by now need not be remembered any longer.
  const auto gone = [this](const std::string& uid) { return !index_.unbound().contains(uid); };
  std::erase_if(assumed_, gone);
  std::erase_if(told_, [&](const auto& entry) { return gone(entry.first); });
  std::vector<WaitingPod> waiting;
  bool all = true;
  for (const std::string& uid : index_.unbound()) {
    if (assumed_.contains(uid)) continue;
    all = attempt(uid, [&](const Json& pod) { return consider(pod, waiting); }) && all;
  }
  if (waiting.empty()) return all;
  const Placement placement = place(options_.capacity, used(), std::move(waiting), clock_.now());
  for (const std::string& uid : placement.start)
    all = attempt(uid, [this](const Json& pod) { return bind(pod); }) && all;
  for (const Placement::Refused& refused : placement.waiting)
    all = attempt(refused.uid,
                  [&](const Json& pod) -> base::Status {
                    report(pod, kUnschedulable, refused.message);
                    return {};
                  }) &&
          all;
  return all;
}

bool PodScheduler::attempt(const std::string& uid, const Step& step) {
  const auto pod = index_.find(uid);
  if (pod == nullptr) return true;
  const auto done = base::guarded("place the pod", [&] { return step(*pod); });
  if (done) return true;
  // Saying so may throw what the step threw.
  (void)base::guarded("report", [&] { report(*pod, kSchedulerError, done.error().message); });
  return false;
}

// Once a round at most: most pods ask for no labels.
base::Result<const Json*> PodScheduler::labels() {
  if (!labels_) {
    Json labels = node_labels(options_.name);
    const auto node = api_.get(kube::nodes(), {"", options_.name});
    if (!node && node.error().code != Code::NotFound)
      return base::failure(node.error().with_context("read the node's labels"));
    const Json* written = node ? base::find(*node, {"metadata", "labels"}) : nullptr;
    if (written != nullptr && written->is_object()) labels.update(*written);
    labels_ = std::move(labels);
  }
  return &*labels_;
}

base::Status PodScheduler::consider(const Json& pod, std::vector<WaitingPod>& waiting) {
  if (asks_for_labels(pod)) {
    ASSIGN_OR_RETURN(const Json* labels, this->labels());
    const std::string unmatched = unmatched_selector(pod, *labels);
    if (!unmatched.empty()) {
      report(pod, kUnschedulable, unmatched);
      return {};
    }
  }
  WaitingPod one{.uid = kube::uid_of(pod),
                 .name = kube::key_of(pod).to_string(),
                 .requests = read_requests(pod),
                 .created = created_at(pod)};
  const Json* owners = base::find(pod, {"metadata", "ownerReferences"});
  if (owners != nullptr && owners->is_array())
    for (const Json& owner : *owners)
      one.owner_runs = one.owner_runs || kubelet_.knows(base::string_at(owner, {"uid"}));
  waiting.push_back(std::move(one));
  return {};
}

std::vector<Resources> PodScheduler::used() const {
  // What runs here counts even when its object is gone.
  std::vector<Resources> used = kubelet_.used();
  const auto add = [&](const std::string& uid) {
    const auto pod = index_.find(uid);
    if (pod != nullptr && !kubelet_.knows(uid)) used.push_back(read_requests(*pod));
  };
  std::for_each(index_.ours().begin(), index_.ours().end(), add);
  std::for_each(assumed_.begin(), assumed_.end(), add);
  return used;
}

base::Status PodScheduler::bind(const Json& pod) {
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
    return {};
  }
  // Gone, or bound by somebody else: the informer will say so. Anything else is tried again.
  if (bound.error().code == Code::NotFound || bound.error().code == Code::Conflict) return {};
  return base::failure(bound.error().with_context("bind the pod to node " + options_.name));
}

void PodScheduler::report(const Json& pod, const char* reason, const std::string& message) {
  const std::string uid = kube::uid_of(pod);
  const Json* conditions = base::find(pod, {"status", "conditions"});
  const bool shown =
      conditions != nullptr && conditions->is_array() &&
      std::any_of(conditions->begin(), conditions->end(),
                  [&](const Json& condition) { return is_condition(condition, message); });
  // Best effort: it is tried again with the next look. The UID keeps it from a namesake.
  if (!shown)
    (void)api_.patch(kube::pods(), kube::key_of(pod), kube::PatchType::MergePatch,
                     {{"metadata", {{"uid", uid}}},
                      {"status", make_unscheduled_status(pod, reason, message, clock_.now())}},
                     {.subresource = "status"});
  std::string& told = told_[uid];
  if (shown || told == message) return;
  told = message;
  if (std::string_view(reason) != kUnschedulable)
    base::log_warning("runner/node", "A pod could not be placed",
                      {{"pod", kube::key_of(pod).to_string()}, {"error", message}});
  events_.record(pod, kube::EventType::Warning, "FailedScheduling", "Scheduling", message);
}

}  // namespace runner::node
