#include "runner/node/pod_index.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/api.h"
#include "kube/object.h"
#include "runner/node/pod_status.h"

namespace runner::node {
namespace {

// A cache may make a new tree of what has not changed.
bool is_same(const PodIndex::Object& known, const PodIndex::Object& object) {
  if (known == nullptr || known == object) return known == object;
  const std::string version = kube::resource_version_of(*object);
  return !version.empty() && version == kube::resource_version_of(*known);
}

}  // namespace

std::string node_of(const nlohmann::json& pod) {
  return base::string_at(pod, {"spec", "nodeName"});
}

void PodIndex::put(const std::string& uid, Object object) {
  unbound_.erase(uid);
  ours_.erase(uid);
  if (object == nullptr) {
    objects_.erase(uid);
    return;
  }
  index(uid, object);
  objects_[uid] = std::move(object);
}

bool PodIndex::serves(const nlohmann::json& pod) const {
  return scheduler_.empty() || base::string_at(pod, {"spec", "schedulerName"}) == scheduler_;
}

void PodIndex::index(const std::string& uid, const Object& object) {
  if (is_final(phase_of(*object)) || !serves(*object)) return;
  const std::string node = node_of(*object);
  if (node == node_) ours_.insert(uid);
  if (node.empty() && !kube::is_deleting(*object)) unbound_.insert(uid);
}

std::vector<std::string> PodIndex::replace(const std::vector<Object>& objects) {
  std::map<std::string, Object> fresh;
  for (const Object& object : objects)
    fresh[kube::uid_of(*object)] = object;
  std::vector<std::string> changed;
  for (const auto& [uid, object] : objects_)
    if (!fresh.contains(uid)) changed.push_back(uid);
  for (auto& [uid, object] : fresh) {
    Object known = find(uid);
    if (is_same(known, object))
      object = std::move(known);
    else
      changed.push_back(uid);
  }
  objects_ = std::move(fresh);
  unbound_.clear();
  ours_.clear();
  for (const auto& [uid, object] : objects_)
    index(uid, object);
  return changed;
}

PodIndex::Object PodIndex::find(const std::string& uid) const {
  const auto found = objects_.find(uid);
  return found == objects_.end() ? nullptr : found->second;
}

}  // namespace runner::node
