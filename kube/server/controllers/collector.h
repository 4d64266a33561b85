#pragma once

// Collector: what a cluster's garbage collector and namespace controller do, on one thread of the
// server: removes objects whose owners are gone, carries foreground and orphan deletion through,
// empties namespaces and custom resources that are being deleted, then lets those go, and gives
// every namespace its service account `default`.
//
// Level-triggered: it looks at what is there, never at what has happened, so a crash between any
// two of its steps loses nothing: the next start looks at everything once. What fails (a full disk)
// is tried again after kRetry. It keeps keys of objects that exist, and what was committed while it
// worked; when that is more than `max_queued_bytes`, it looks at everything instead. Threads: one
// of its own; stop() from any.

#include <chrono>
#include <cstddef>
#include <set>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "kube/server/objects/objects.h"
#include "kube/server/storage/object_store.h"

namespace kube::server::controllers {

class Collector {
 public:
  static constexpr std::chrono::seconds kRetry{1};

  // Before the first write to the store: it listens to it.
  Collector(objects::Objects& objects, size_t max_queued_bytes);
  ~Collector();
  void start();
  void stop();

 private:
  struct Work {
    std::vector<storage::EventPtr> events;
    size_t bytes = 0;
    bool overrun = false;  // there were too many: they are left out
  };

  void run();
  void queue(const std::vector<storage::EventPtr>& events) REQUIRES(mutex_);
  bool wait_for_work(Work& work);
  void note(const storage::Event& event);
  void note_everything();
  bool examine(const storage::Key& key);
  bool examine_owners(const storage::ObjectPtr& object);
  bool examine_namespace(const storage::ObjectPtr& ns);
  bool provide_account(const storage::ObjectPtr& ns);
  bool examine_definition(const storage::ObjectPtr& definition);
  bool orphan_dependents(const storage::ObjectPtr& object);
  bool delete_dependents(const storage::ObjectPtr& object);
  bool drop_finalizer(const storage::ObjectPtr& object, const std::string& finalizer);
  bool drop_owners(const storage::ObjectPtr& object, const std::set<std::string>& uids);
  bool remove(const storage::ObjectPtr& object, kube::Propagation propagation);

  objects::Objects& objects_;
  storage::ObjectStore& store_;
  const size_t max_queued_bytes_;
  std::set<storage::Key> due_;    // of its own thread
  std::set<storage::Key> retry_;  // of its own thread

  base::Mutex mutex_;
  base::CondVar changed_;
  Work work_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace kube::server::controllers
