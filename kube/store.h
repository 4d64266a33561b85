#pragma once

// Store: the local copy of one resource type, as the watch told it. Objects are immutable and
// shared; managedFields are dropped, which halves them, and what `trim` takes away that nobody asks
// for. Indexed by owner, by namespace and, if
// asked for, by one label.
//
// Threads: any. Readers get snapshots and never block a writer for long.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "kube/api.h"

namespace kube {

// One object's change: before is null when it is new, after when it is gone.
struct StoreDelta {
  std::shared_ptr<const Json> before;
  std::shared_ptr<const Json> after;
};

class Store {
 public:
  using Object = std::shared_ptr<const Json>;

  explicit Store(std::string indexed_label = {}) : indexed_label_(std::move(indexed_label)) {}

  // Takes from each object what is not to be kept; its metadata must stay. Before the first object.
  using Trim = std::function<void(Json&)>;
  void trim_with(Trim trim) { trim_ = std::move(trim); }

  // Everything at once; what is not among the items is gone. Returns what differs. Without memory
  // for all of it nothing has changed, so that nobody misses what was put in half way.
  std::vector<StoreDelta> replace(std::vector<Json> items);
  StoreDelta apply(Object object);
  // before is null when it was not there.
  StoreDelta remove(const ObjectKey& key);

  [[nodiscard]] Object get(const ObjectKey& key) const;
  [[nodiscard]] std::vector<Object> owned_by(const std::string& uid) const;
  // Without a search if it is the indexed label.
  [[nodiscard]] std::vector<Object> labelled(const std::string& ns, std::string_view label,
                                             std::string_view value) const;
  [[nodiscard]] std::vector<Object> list(const std::string& ns) const;  // "" = all
  [[nodiscard]] size_t size() const;

 private:
  struct Contents {
    std::map<ObjectKey, Object> objects;  // by namespace first
    std::map<std::string, std::set<ObjectKey>> by_owner;
    std::map<std::string, std::set<ObjectKey>> by_label;  // by the label's value
  };
  StoreDelta put(Object object) REQUIRES(mutex_);
  StoreDelta take(const ObjectKey& key) REQUIRES(mutex_);
  void index(const Json& object, const ObjectKey& key, Contents& contents) const;
  void unindex(const Json& object, const ObjectKey& key) REQUIRES(mutex_);

  void slim(Json& object) const;

  const std::string indexed_label_;
  Trim trim_;
  mutable base::Mutex mutex_;
  Contents contents_ GUARDED_BY(mutex_);
};

}  // namespace kube
