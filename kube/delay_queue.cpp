#include "kube/delay_queue.h"

#include <algorithm>

#include "base/guard.h"

namespace kube {
namespace {

// The wall clock may be set (NTP, suspend, migration) while we sleep by the steady one.
constexpr std::chrono::seconds kLongestSleep{30};
constexpr std::chrono::seconds kAgain{1};  // after a failure to tell that a key is due
// Going back by less is the everyday work of NTP.
constexpr std::chrono::seconds kWentBack{1};

}  // namespace

DelayQueue::DelayQueue(base::Clock& clock, Due due)
    : clock_(clock),
      due_(std::move(due)),
      thread_(base::start_thread("delay-queue", [this] { run(); })) {}

DelayQueue::~DelayQueue() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void DelayQueue::set(const ObjectKey& key, base::WallTime at) {
  base::MutexLock lock(mutex_);
  take_wall(key);
  // Noted here as well: the clock may be right again before this queue looks at it.
  const std::chrono::milliseconds ahead = lead();
  lead_ = by_wall_.empty() ? ahead : std::max(lead_, ahead);
  moments_[key].wall = at;
  by_wall_.emplace(at, key);
  changed_.notify_all();
}

void DelayQueue::set(const ObjectKey& key, base::SteadyTime at) {
  base::MutexLock lock(mutex_);
  take_steady(key);
  moments_[key].steady = at;
  by_steady_.emplace(at, key);
  changed_.notify_all();
}

void DelayQueue::clear(const ObjectKey& key) {
  base::MutexLock lock(mutex_);
  take_wall(key);
  take_steady(key);
  forget_if_idle(key);
}

size_t DelayQueue::size() const {
  base::MutexLock lock(mutex_);
  return moments_.size();
}

void DelayQueue::take_wall(const ObjectKey& key) {
  const auto found = moments_.find(key);
  if (found == moments_.end() || !found->second.wall) return;
  by_wall_.erase({*found->second.wall, key});
  found->second.wall.reset();
}

void DelayQueue::take_steady(const ObjectKey& key) {
  const auto found = moments_.find(key);
  if (found == moments_.end() || !found->second.steady) return;
  by_steady_.erase({*found->second.steady, key});
  found->second.steady.reset();
}

void DelayQueue::forget_if_idle(const ObjectKey& key) {
  const auto found = moments_.find(key);
  if (found != moments_.end() && !found->second.wall && !found->second.steady)
    moments_.erase(found);
}

// Constant but for jumps of the wall clock.
std::chrono::milliseconds DelayQueue::lead() const {
  return clock_.now().time_since_epoch() - clock_.steady_now().time_since_epoch();
}

std::vector<ObjectKey> DelayQueue::take_due() {
  const base::WallTime wall = clock_.now();
  const base::SteadyTime steady = clock_.steady_now();
  const std::chrono::milliseconds ahead = lead();
  const bool went_back = ahead < lead_ - kWentBack;
  std::vector<ObjectKey> due;
  for (auto next = by_wall_.begin(); next != by_wall_.end() && (went_back || next->first <= wall);
       ++next)
    due.push_back(next->second);
  const size_t by_wall = due.size();
  for (auto next = by_steady_.begin(); next != by_steady_.end() && next->first <= steady; ++next)
    due.push_back(next->second);
  // Only now, when no allocation can fail any more: what is taken out is told.
  lead_ = went_back ? ahead : std::max(lead_, ahead);
  for (size_t i = 0; i < due.size(); ++i) {
    if (i < by_wall) {
      take_wall(due[i]);
    } else {
      take_steady(due[i]);
    }
    forget_if_idle(due[i]);
  }
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
    for (const ObjectKey& key : due) {
      if (!base::guarded("due", [&] { due_(key); })) set(key, clock_.steady_now() + kAgain);
    }
  }
}

}  // namespace kube
