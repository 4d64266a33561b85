#pragma once

// EventAges: which events have to go: those whose last write is longer ago than an hour, as on a
// cluster, and the oldest of a namespace that has too many.
//
// A clock that was wrong once must not keep an event for years: one that was written further in the
// future than an event may live goes, too.
// Threads: a plain value.

#include <chrono>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "kube/server/storage/object.h"

namespace kube::server::controllers {

struct EventLimits {
  std::chrono::seconds lifetime{3600};
  size_t per_namespace = 10'000;
};

class EventAges {
 public:
  explicit EventAges(EventLimits limits) : limits_(limits) {}

  // The event was created, or written again, which lets it live from then on.
  void note(const storage::Key& event, base::WallTime written);
  void forget(const storage::Key& event);

  // Oldest first, at most so many; they stay until they are forgotten.
  [[nodiscard]] std::vector<storage::Key> due(base::WallTime now, size_t most) const;
  // Whether a namespace has a tenth more than it may.
  [[nodiscard]] bool crowded() const { return !crowded_.empty(); }
  [[nodiscard]] size_t size() const { return written_.size(); }

 private:
  using Order = std::set<std::pair<base::WallTime, storage::Key>>;

  const EventLimits limits_;
  std::map<storage::Key, base::WallTime> written_;
  Order oldest_first_;
  std::map<std::string, Order> by_namespace_;
  std::set<std::string> crowded_;
};

// When an event was last written, by its own record: created, or its managed fields changed.
base::WallTime last_write(const nlohmann::json& event);

}  // namespace kube::server::controllers
