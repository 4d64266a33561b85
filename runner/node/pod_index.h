#pragma once

// PodIndex: what the API says of pods, by UID: names may be used again, UIDs are not. Kept up to
// date change by change, so that a pod that ended long ago costs nothing when another one changes;
// replace() compares it with the whole truth now and then.
//
// Threads: one.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace runner::node {

class PodIndex {
 public:
  using Object = std::shared_ptr<const nlohmann::json>;
  using Uids = std::set<std::string>;

  // `scheduler`: the schedulerName of the pods that are this node's business; "" = all.
  explicit PodIndex(std::string node, std::string scheduler = {})
      : node_(std::move(node)), scheduler_(std::move(scheduler)) {}

  // Null: the API has it no more.
  void put(const std::string& uid, Object object);
  // Everything that there is. Returns the UIDs that were not known as they are now.
  std::vector<std::string> replace(const std::vector<Object>& objects);

  [[nodiscard]] Object find(const std::string& uid) const;
  // Bound to no node, not ended, not being deleted.
  [[nodiscard]] const Uids& unbound() const { return unbound_; }
  // Bound to this node and not ended.
  [[nodiscard]] const Uids& ours() const { return ours_; }
  // Whether its schedulerName is ours. Another's pod is left alone even when it is bound here, as a
  // DaemonSet's is.
  [[nodiscard]] bool serves(const nlohmann::json& pod) const;
  [[nodiscard]] size_t size() const { return objects_.size(); }

 private:
  void index(const std::string& uid, const Object& object);

  const std::string node_;
  const std::string scheduler_;
  std::map<std::string, Object> objects_;
  Uids unbound_;
  Uids ours_;
};

// The node that a pod is bound to; "" = none yet.
std::string node_of(const nlohmann::json& pod);

}  // namespace runner::node
