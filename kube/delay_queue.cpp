#include "kube/delay_queue.h"

#include <algorithm>

#include <pthread.h>

namespace kube {
namespace {

// The wall clock may be set (NTP, suspend, migration) while we sleep by the steady one.
constexpr std::chrono::seconds kLongestSleep{30};

}  // namespace

DelayQueue::DelayQueue(base::Clock& clock, Due due) : clock_(clock), due_(std::move(due)) {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), "delay-queue");
}

DelayQueue::~DelayQueue() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void DelayQueue::set(const ObjectKey& key, base::WallTime at) {
  put(key, at);
}

void DelayQueue::set(const ObjectKey& key, base::SteadyTime at) {
  put(key, at);
}

void DelayQueue::put(const ObjectKey& key, Moment at) {
  base::MutexLock lock(mutex_);
  take_out(key);
  moments_.emplace(key, at);
  if (const auto* wall = std::get_if<base::WallTime>(&at)) {
    by_wall_.emplace(*wall, key);
  } else {
    by_steady_.emplace(std::get<base::SteadyTime>(at), key);
  }
  changed_.notify_all();
}

void DelayQueue::clear(const ObjectKey& key) {
  base::MutexLock lock(mutex_);
  take_out(key);
}

size_t DelayQueue::size() const {
  base::MutexLock lock(mutex_);
  return moments_.size();
}

void DelayQueue::take_out(const ObjectKey& key) {
  const auto found = moments_.find(key);
  if (found == moments_.end()) return;
  if (const auto* wall = std::get_if<base::WallTime>(&found->second)) {
    by_wall_.erase({*wall, key});
  } else {
    by_steady_.erase({std::get<base::SteadyTime>(found->second), key});
  }
  moments_.erase(found);
}

std::vector<ObjectKey> DelayQueue::take_due() {
  std::vector<ObjectKey> due;
  const base::WallTime wall = clock_.now();
  for (auto next = by_wall_.begin(); next != by_wall_.end() && next->first <= wall; ++next)
    due.push_back(next->second);
  const base::SteadyTime steady = clock_.steady_now();
  for (auto next = by_steady_.begin(); next != by_steady_.end() && next->first <= steady; ++next)
    due.push_back(next->second);
  for (const ObjectKey& key : due)
    take_out(key);
  return due;
}

base::SteadyTime DelayQueue::next_look() const {
  const base::SteadyTime now = clock_.steady_now();
  base::SteadyTime look = now + kLongestSleep;
  if (!by_wall_.empty()) {
    const base::WallTime wall = clock_.now();
    // Compared before they are subtracted: a moment may be thousands of years away.
    if (by_wall_.begin()->first < wall + kLongestSleep) {
      look = now + std::max(by_wall_.begin()->first - wall, std::chrono::milliseconds{0});
    }
  }
  if (!by_steady_.empty()) look = std::min(look, by_steady_.begin()->first);
  return look;
}

void DelayQueue::run() {
  while (true) {
    std::vector<ObjectKey> due;
    {
      base::MutexLock lock(mutex_);
      while (!stopping_) {
        due = take_due();
        if (!due.empty()) break;
        if (moments_.empty()) {
          changed_.wait(lock);  // nothing can become due: no need to wake up at all
        } else {
          clock_.wait_until(lock, changed_, next_look());
        }
      }
      if (stopping_) return;
    }
    for (const ObjectKey& key : due)
      due_(key);
  }
}

}  // namespace kube
