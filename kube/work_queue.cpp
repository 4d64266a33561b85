#include "kube/work_queue.h"

#include <algorithm>

#include "base/check.h"

namespace kube {

void WorkQueue::add(const ObjectKey& key) {
  base::MutexLock lock(mutex_);
  if (shut_down_ || dirty_.contains(key)) return;
  if (processing_.contains(key)) {  // done() puts it in order
    dirty_.insert(key);
    return;
  }
  order_.push_back(key);
  try {
    dirty_.insert(key);
  } catch (...) {
    order_.pop_back();  // twice in order would be twice with a worker
    throw;
  }
  changed_.notify_one();
}

std::optional<ObjectKey> WorkQueue::take() {
  base::MutexLock lock(mutex_);
  while (order_.empty() && !shut_down_)
    changed_.wait(lock);
  if (shut_down_) return std::nullopt;
  // What may fail for want of memory comes first: no key is lost.
  ObjectKey key = order_.front();
  processing_.insert(key);
  order_.pop_front();
  dirty_.erase(key);
  if (order_.empty()) drained_.notify_all();
  return key;
}

void WorkQueue::done(const ObjectKey& key) {
  base::MutexLock lock(mutex_);
  const bool again = !shut_down_ && dirty_.contains(key);
  if (again) order_.push_back(key);
  CHECK(processing_.erase(key) == 1);
  if (again) changed_.notify_one();
}

void WorkQueue::shut_down() {
  base::MutexLock lock(mutex_);
  shut_down_ = true;
  order_.clear();
  dirty_.clear();
  changed_.notify_all();
  drained_.notify_all();
}

void WorkQueue::await_drained(base::Clock& clock, std::chrono::milliseconds most) const {
  const base::SteadyTime until = clock.steady_now() + most;
  base::MutexLock lock(mutex_);
  while (!order_.empty() && clock.wait_until(lock, drained_, until)) {
  }
}

size_t WorkQueue::depth() const {
  base::MutexLock lock(mutex_);
  return order_.size();
}

size_t WorkQueue::depth(const std::string& ns) const {
  if (ns.empty()) return depth();
  base::MutexLock lock(mutex_);
  const auto count = std::count_if(order_.begin(), order_.end(),
                                   [&](const ObjectKey& key) { return key.ns == ns; });
  return static_cast<size_t>(count);
}

}  // namespace kube
