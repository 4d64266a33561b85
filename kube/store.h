#pragma once

// Store: the local copy of one resource type, as the watch told it. Objects are immutable and
// shared. The last few that came as trees or were asked for are kept as trees, all others as their
// text, from which a tree is made for who asks: ten thousand schedules are not read by anybody for
// hours.
// Indexed by owner, by namespace and, if asked for, by one label.
//
// Threads: any. Readers get snapshots and never block a writer for long.

#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "kube/api.h"
#include "kube/packed_object.h"

namespace kube {

// One object's change: before is none when it is new, after when it is gone.
struct StoreDelta {
  PackedObject before;
  PackedObject after;
  // As it is, or was.
  [[nodiscard]] const PackedObject& last() const { return after ? after : before; }
};

class Store {
 public:
  using Object = std::shared_ptr<const Json>;
  using Objects = std::map<ObjectKey, PackedObject>;

  static constexpr size_t kTrees = 64;

  explicit Store(std::string indexed_label = {}, size_t trees = kTrees)
      : indexed_label_(std::move(indexed_label)), most_trees_(trees) {}

  // Everything at once; what is not among the items is gone. Returns what differs. Without memory
  // for all of it nothing has changed, so that nobody misses what was put in half way.
  std::vector<StoreDelta> replace(Objects items);
  StoreDelta apply(PackedObject object);
  // before is none when it was not there.
  StoreDelta remove(const ObjectKey& key);

  [[nodiscard]] Object get(const ObjectKey& key) const;
  [[nodiscard]] std::vector<Object> owned_by(const std::string& uid) const;
  // Without a search if it is the indexed label.
  [[nodiscard]] std::vector<Object> labelled(const std::string& ns, std::string_view label,
                                             std::string_view value) const;
  // All of a namespace, "" = all; one after the other, so that only one of them is a tree.
  void for_each(const std::string& ns, const std::function<void(const Object&)>& visit) const;
  [[nodiscard]] std::vector<Object> list(const std::string& ns) const;
  [[nodiscard]] std::vector<PackedObject> packed(const std::string& ns) const;
  [[nodiscard]] std::vector<ObjectKey> keys(const std::string& ns) const;
  [[nodiscard]] size_t size() const;
  [[nodiscard]] size_t trees() const;

 private:
  using Recent = std::list<ObjectKey>;
  struct Kept {
    PackedObject object;
    std::string label;                       // the value of the indexed one
    std::optional<Recent::iterator> recent;  // while it is a tree
  };
  struct Contents {
    std::map<ObjectKey, Kept> objects;  // by namespace first
    std::map<std::string, std::set<ObjectKey>> by_owner;
    std::map<std::string, std::set<ObjectKey>> by_label;  // by the label's value
    Recent recent;                                        // trees, the last asked for first
  };
  StoreDelta take(const ObjectKey& key) REQUIRES(mutex_);
  // Those of a namespace, "" = all.
  template <class Visit>
  void walk(const std::string& ns, const Visit& visit) const REQUIRES(mutex_);
  [[nodiscard]] Kept keep(PackedObject object) const;
  static void index(const Kept& kept, const ObjectKey& key, Contents& contents);
  void unindex(const Kept& kept, const ObjectKey& key) REQUIRES(mutex_);
  // `dropped`: trees that made room, to be freed without the lock.
  void touch(const ObjectKey& key, Kept& kept, std::vector<Object>& dropped) const REQUIRES(mutex_);
  using Found = std::pair<ObjectKey, PackedObject>;
  // Its tree, which is kept: it was asked for.
  [[nodiscard]] Object unpack(const Found& found) const;
  [[nodiscard]] std::vector<Object> unpack(const std::vector<Found>& found) const;

  const std::string indexed_label_;
  const size_t most_trees_;
  mutable base::Mutex mutex_;
  mutable Contents contents_ GUARDED_BY(mutex_);  // reading decides what is a tree
};

}  // namespace kube
