#pragma once

// DelayQueue: keys that become due later. Each key waits for one moment only: a new one replaces
// the old. Schedules wait for a wall-clock time, retries for a steady one, so that a jump of the
// wall clock neither holds a retry back nor makes a schedule late: while it sleeps, the queue looks
// at the wall clock again at least every 30 s.
//
// Threads: any. `due` is called on the queue's own thread, without a lock held.

#include <functional>
#include <map>
#include <set>
#include <thread>
#include <utility>
#include <variant>
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
  void clear(const ObjectKey& key);
  [[nodiscard]] size_t size() const;

 private:
  using Moment = std::variant<base::WallTime, base::SteadyTime>;

  void put(const ObjectKey& key, Moment at);
  void take_out(const ObjectKey& key) REQUIRES(mutex_);
  std::vector<ObjectKey> take_due() REQUIRES(mutex_);
  [[nodiscard]] base::SteadyTime next_look() const REQUIRES(mutex_);
  void run();

  base::Clock& clock_;
  const Due due_;
  mutable base::Mutex mutex_;
  base::CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::map<ObjectKey, Moment> moments_ GUARDED_BY(mutex_);
  std::set<std::pair<base::WallTime, ObjectKey>> by_wall_ GUARDED_BY(mutex_);
  std::set<std::pair<base::SteadyTime, ObjectKey>> by_steady_ GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace kube
