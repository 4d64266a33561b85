#pragma once

// ObjectStore: the state of the API. Reads come from memory and never wait for the disk; writes go
// through one thread that commits all that is waiting in one transaction (group commit), so that
// the cost of making a write durable is shared by everybody who waits for it.
//
// A write is visible to readers and watchers only after it is durable, and all see the same order.
// The last history_revisions changes are kept for watches that resume and for lists that go on
// page by page; what is older is Gone. The file and the memory stay bounded however many writes
// come.
//
// Errors of a write: AlreadyExists, NotFound, Conflict (another revision than the expected one),
// TooLarge (limits.h), Unavailable and Corrupt (the disk refused). Nothing changed then, with one
// exception that its text names: after a failed sync it is unknown what the file holds. From then
// on every write is refused until the file has been opened anew, which the next one tries; what
// was found to be there all the same is then told to everybody like any other change. health() says
// so while it lasts.
//
// All objects together are bounded by quota_bytes: what is over it is refused (Unavailable, "the
// objects have … bytes, the limit is …"), updates of what is there a tenth later than new objects,
// deletions never.
//
// Threads: every method from any thread; listeners are called on the writer's thread.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/mutex.h"
#include "base/result.h"
#include "base/sqlite/sqlite.h"
#include "kube/server/storage/limits.h"
#include "kube/server/storage/object.h"

namespace kube::server::storage {

struct ObjectStoreOptions {
  std::string path;  // of the SQLite file; ":memory:" for tests
  // Full, not Normal: an acknowledged create is how a schedule knows that a slot has run. Lost with
  // the machine's power, the slot would run twice. Group commit makes the fsync affordable.
  base::sqlite::Durability durability = base::sqlite::Durability::Full;
  size_t history_revisions = 10'000;
  size_t history_bytes = size_t{8} << 20;
  // Of the text of all objects. As etcd's default: the state is in memory, at twice to three times
  // this size.
  size_t quota_bytes = size_t{2} << 30;
  size_t object_bytes = kMaxObjectBytes;  // of one object (limits.h)
  // Called for every object that is loaded; writes bring theirs along.
  std::function<IndexedFields(const Key&, const nlohmann::json&)> indexed;
  // The keys to a member that `indexed` never asks for: it is passed over.
  std::span<const std::string_view> unindexed;
};

struct WriteRequest {
  Change change = Change::Created;
  Key key;
  int64_t expected = 0;  // Updated, Deleted: the revision that it replaces
  // The new state; metadata.resourceVersion is filled in by the store. Ignored for Deleted.
  std::shared_ptr<nlohmann::json> object;
  IndexedFields indexed;
};

struct Listing {
  std::vector<ObjectPtr> items;  // by namespace, then name
  int64_t revision = 0;
};

class ObjectStore {
 public:
  static base::Result<std::unique_ptr<ObjectStore>> open(ObjectStoreOptions options);
  ~ObjectStore();  // finishes what is queued

  // Null when not there.
  [[nodiscard]] ObjectPtr get(const Key& key) const;
  [[nodiscard]] ObjectPtr find_uid(const std::string& uid) const;
  // Objects with an owner reference to this UID.
  [[nodiscard]] std::vector<ObjectPtr> dependents(const std::string& uid) const;
  [[nodiscard]] Listing list(const std::string& resource, const std::string& ns) const;
  // As it was at `revision`. Gone when that was compacted.
  [[nodiscard]] base::Result<Listing> list_at(const std::string& resource, const std::string& ns,
                                              int64_t revision) const;
  [[nodiscard]] std::vector<std::string> resources() const;  // that hold at least one object
  // Everything that happened after `revision`, oldest first. Gone when that was compacted.
  [[nodiscard]] base::Result<std::vector<EventPtr>> events_after(int64_t revision) const;
  [[nodiscard]] int64_t revision() const;
  [[nodiscard]] int64_t compacted() const;

  [[nodiscard]] size_t object_bytes() const { return options_.object_bytes; }
  [[nodiscard]] size_t bytes() const;  // of the text of all objects
  // What keeps the store from writing, until it is over: a full disk (until a write or try_write()
  // finds room), a sync that failed, a damaged file. Of damage found while tidying up: what will
  // keep it from opening the file again.
  [[nodiscard]] base::Status health() const;
  // After a write that the disk refused: the writer tries a small one that changes nothing, or to
  // open the file anew, so that health() recovers with the disk though nobody writes. Returns at
  // once; does nothing while all is well.
  void try_write();

  // What write() would say of the object's size and of the quota; the object's bytes if it is well.
  [[nodiscard]] base::Result<size_t> check_room(const WriteRequest& request) const;
  // Blocks until durable. For Deleted: the last state, with the revision of the deletion.
  base::Result<ObjectPtr> write(WriteRequest request);
  // Independent of each other, in one go.
  std::vector<base::Result<ObjectPtr>> write_all(std::vector<WriteRequest> requests);

  // Told of every commit, in order, before its writers are. Only before the first write.
  using Listener = std::function<void(const std::vector<EventPtr>&)>;
  void add_listener(Listener listener);

 private:
  struct Pending;
  struct Draft;
  struct Core;  // the SQLite side, touched by the writer alone
  using Shelf = std::map<std::pair<std::string, std::string>, ObjectPtr>;

  explicit ObjectStore(ObjectStoreOptions options);
  base::Status load();
  base::Status read_rows(int64_t first, const std::function<base::Status(const EventPtr&)>& visit);
  void run();
  std::vector<Pending*> next_batch();
  void commit(std::span<Pending* const> batch);
  std::vector<base::Result<ObjectPtr>> write_batch(std::span<Pending* const> batch);
  void draft(WriteRequest& request, Draft& draft) const;
  base::Status append(const Draft& draft);
  base::Status publish(const std::vector<EventPtr>& events);
  base::Status reopen();
  void note_health(base::Status health);
  void note_last_write(base::Status written);
  void note_damage(const base::Error& error);
  base::Error note_failed_write(base::Error error);
  void try_small_write();
  void compact_if_needed();
  void tidy();
  void apply(const EventPtr& event) REQUIRES(mutex_);
  [[nodiscard]] ObjectPtr locked_get(const Key& key) const REQUIRES(mutex_);
  [[nodiscard]] Shelf overlay(const std::string& resource, int64_t revision) const REQUIRES(mutex_);

  const ObjectStoreOptions options_;
  std::unique_ptr<Core> core_;
  std::vector<Listener> listeners_;

  mutable base::Mutex mutex_;
  std::map<std::string, Shelf> shelves_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, ObjectPtr> by_uid_ GUARDED_BY(mutex_);
  std::unordered_map<std::string, std::unordered_set<std::string>> dependents_ GUARDED_BY(mutex_);
  std::deque<EventPtr> history_ GUARDED_BY(mutex_);
  size_t history_bytes_ GUARDED_BY(mutex_) = 0;
  int64_t revision_ GUARDED_BY(mutex_) = 0;
  int64_t compacted_ GUARDED_BY(mutex_) = 0;
  size_t bytes_ GUARDED_BY(mutex_) = 0;  // of all living objects' text
  base::Status health_ GUARDED_BY(mutex_);
  base::Status last_write_ GUARDED_BY(mutex_);  // what the disk said to it

  bool must_reopen_ = false;  // of the writer's thread, like the next
  bool untidy_ = true;        // there may be free pages to give back

  base::Mutex queue_mutex_;
  base::CondVar queued_;
  base::CondVar finished_;
  std::deque<Pending*> queue_ GUARDED_BY(queue_mutex_);
  bool try_write_ GUARDED_BY(queue_mutex_) = false;
  bool stopping_ GUARDED_BY(queue_mutex_) = false;
  std::thread writer_;
};

}  // namespace kube::server::storage
