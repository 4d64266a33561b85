#include "tests/support/fake_clock.h"

#include <algorithm>

namespace tests {

base::WallTime FakeClock::now() const {
  base::MutexLock lock(mutex_);
  return wall_;
}

base::SteadyTime FakeClock::steady_now() const {
  base::MutexLock lock(mutex_);
  return steady_;
}

bool FakeClock::wait_until(base::MutexLock& lock, base::CondVar& condition,
                           base::SteadyTime until) {
  {
    base::MutexLock own(mutex_);
    if (steady_ >= until) return false;
    waiters_.push_back(&condition);
    changed_.notify_all();
  }
  // advance() may notify between the push above and this wait: it does so without the caller's
  // lock. The bounded real wait makes that harmless; callers loop on their own condition anyway.
  condition.wait_until(lock, std::chrono::steady_clock::now() + std::chrono::milliseconds(20));
  base::MutexLock own(mutex_);
  waiters_.erase(std::find(waiters_.begin(), waiters_.end(), &condition));
  return steady_ < until;
}

void FakeClock::advance(std::chrono::milliseconds by) {
  base::MutexLock lock(mutex_);
  wall_ += by;
  steady_ += by;
  for (base::CondVar* waiter : waiters_)
    waiter->notify_all();
}

void FakeClock::set_wall(base::WallTime to) {
  base::MutexLock lock(mutex_);
  wall_ = to;
  for (base::CondVar* waiter : waiters_)
    waiter->notify_all();
}

void FakeClock::await_waiters(size_t count) {
  base::MutexLock lock(mutex_);
  while (waiters_.size() < count)
    changed_.wait(lock);
}

}  // namespace tests
