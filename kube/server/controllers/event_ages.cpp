#include "kube/server/controllers/event_ages.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"

namespace kube::server::controllers {

using storage::Key;

void EventAges::note(const Key& event, base::WallTime written) {
  forget(event);
  written_[event] = written;
  oldest_first_.emplace(written, event);
  Order& siblings = by_namespace_[event.ns];
  siblings.emplace(written, event);
  if (siblings.size() > limits_.per_namespace + limits_.per_namespace / 10)
    crowded_.insert(event.ns);
}

void EventAges::forget(const Key& event) {
  const auto found = written_.find(event);
  if (found == written_.end()) return;
  oldest_first_.erase({found->second, event});
  const auto siblings = by_namespace_.find(event.ns);
  siblings->second.erase({found->second, event});
  if (siblings->second.size() <= limits_.per_namespace) crowded_.erase(event.ns);
  if (siblings->second.empty()) by_namespace_.erase(siblings);
  written_.erase(found);
}

std::vector<Key> EventAges::due(base::WallTime now, size_t most) const {
  std::vector<Key> keys;
  for (const auto& [written, key] : oldest_first_) {
    if (keys.size() >= most || now - written <= limits_.lifetime) break;
    keys.push_back(key);
  }
  for (auto at = oldest_first_.rbegin(); at != oldest_first_.rend(); ++at) {
    if (keys.size() >= most || at->first - now <= limits_.lifetime) break;
    keys.push_back(at->second);
  }
  for (const auto& [ns, siblings] : by_namespace_) {
    size_t excess = siblings.size() - std::min(siblings.size(), limits_.per_namespace);
    for (auto at = siblings.begin(); excess > 0 && keys.size() < most; ++at, --excess) {
      if (std::find(keys.begin(), keys.end(), at->second) == keys.end()) keys.push_back(at->second);
    }
  }
  return keys;
}

base::WallTime last_write(const nlohmann::json& event) {
  base::WallTime latest{};
  const auto consider = [&](const std::string& text) {
    if (const auto time = base::parse_rfc3339(text)) {
      latest = std::max(latest, std::chrono::floor<std::chrono::milliseconds>(*time));
    }
  };
  consider(base::string_at(event, {"metadata", "creationTimestamp"}));
  const nlohmann::json* managed = base::find(event, {"metadata", "managedFields"});
  if (managed != nullptr && managed->is_array()) {
    for (const auto& entry : *managed)
      consider(base::string_at(entry, {"time"}));
  }
  return latest;
}

}  // namespace kube::server::controllers
