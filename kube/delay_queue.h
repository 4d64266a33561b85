#pragma once

// DelayQueue: keys that become due later. Each key waits for at most one wall-clock moment and one
// steady one: a new moment replaces the old one of its sort and leaves the other, so that a retry
// does not forget what the schedule waits for. A jump of the wall clock neither holds a retry back
// nor makes a schedule late: while it sleeps, the queue looks at the wall clock again at least
// every 30 s. A clock that went back may have been wrong when keys were told until when to wait:
// all that wait for wall times are due then, once, whatever they wait for.
//
// Threads: any. `due` is called on the queue's own thread, without a lock held; if it throws, the
// key is due again a second later.

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "kube/resource_type.h"

namespace kube {

class DelayQueue {
 public:
  using Due = std::function<void(const ObjectKey&)>;

  DelayQueue(base::Clock& clock, Due due);
  ~DelayQueue();  // what still waits is dropped
  DelayQueue(const DelayQueue&) = delete;
  DelayQueue& operator=(const DelayQueue&) = delete;

  void set(const ObjectKey& key, base::WallTime at);
  void set(const ObjectKey& key, base::SteadyTime at);
  void clear(const ObjectKey& key);  // both moments
  // Keys that wait.
  [[nodiscard]] size_t size() const;

 private:
  struct Moments {
    std::optional<base::WallTime> wall;
    std::optional<base::SteadyTime> steady;
  };

  void take_wall(const ObjectKey& key) REQUIRES(mutex_);
  void take_steady(const ObjectKey& key) REQUIRES(mutex_);
  void forget_if_idle(const ObjectKey& key) REQUIRES(mutex_);
  [[nodiscard]] std::chrono::milliseconds lead() const;
  std::vector<ObjectKey> take_due() REQUIRES(mutex_);
  [[nodiscard]] base::SteadyTime next_look() const REQUIRES(mutex_);
  void run();

  base::Clock& clock_;
  const Due due_;
  mutable base::Mutex mutex_;
  base::CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::map<ObjectKey, Moments> moments_ GUARDED_BY(mutex_);
  std::set<std::pair<base::WallTime, ObjectKey>> by_wall_ GUARDED_BY(mutex_);
  std::set<std::pair<base::SteadyTime, ObjectKey>> by_steady_ GUARDED_BY(mutex_);
  // The furthest that the wall clock was seen ahead of the steady one since by_wall_ was empty.
  std::chrono::milliseconds lead_ GUARDED_BY(mutex_){0};
  std::thread thread_;
};

}  // namespace kube
