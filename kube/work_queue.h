#pragma once

// WorkQueue: which objects to look at. Four promises (client-go's):
//   fair      - keys come out in the order in which they were added;
//   stingy    - a key is never with two workers at once, and added ten times before it is taken, it
//               comes out once;
//   both ways - any number of producers and consumers; a key added while a worker has it comes out
//               again once that worker is done;
//   an end    - after shut_down() everybody is told. What is left is dropped: level-triggered work
//               is found again.
//
// Threads: any.

#include <chrono>
#include <deque>
#include <optional>
#include <set>

#include "base/clock.h"
#include "base/mutex.h"
#include "kube/resource_type.h"

namespace kube {

class WorkQueue {
 public:
  void add(const ObjectKey& key);
  // Blocks. nullopt after shut_down(). The taker must call done().
  std::optional<ObjectKey> take();
  void done(const ObjectKey& key);
  void shut_down();
  // Blocks while keys wait, without taking any, but not longer than `most`.
  void await_drained(base::Clock& clock, std::chrono::milliseconds most) const;
  // Keys that wait, without those being worked on.
  [[nodiscard]] size_t depth() const;
  // Those of one namespace; "" = all.
  [[nodiscard]] size_t depth(const std::string& ns) const;

 private:
  mutable base::Mutex mutex_;
  base::CondVar changed_;
  mutable base::CondVar drained_;
  std::deque<ObjectKey> order_ GUARDED_BY(mutex_);
  std::set<ObjectKey> dirty_ GUARDED_BY(mutex_);       // need work
  std::set<ObjectKey> processing_ GUARDED_BY(mutex_);  // with a worker
  bool shut_down_ GUARDED_BY(mutex_) = false;
};

}  // namespace kube
