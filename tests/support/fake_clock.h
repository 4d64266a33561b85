#pragma once

// FakeClock: time that only a test moves. Both time lines stand still until advance(); the wall
// clock may be set alone, backwards too.
//
// Threads: any; blocked waiters are woken by advance().

#include <vector>

#include "base/clock.h"

namespace tests {

class FakeClock final : public base::Clock {
 public:
  explicit FakeClock(base::WallTime start = base::WallTime{std::chrono::sys_days{
                         std::chrono::year{2026} / 11 / 21}})
      : wall_(start) {}

  base::WallTime now() const override;
  base::SteadyTime steady_now() const override;
  bool wait_until(base::MutexLock& lock, base::CondVar& condition, base::SteadyTime until) override;

  // Moves both time lines forward and wakes every waiter whose time has come.
  void advance(std::chrono::milliseconds by);
  void set_wall(base::WallTime to);
  // Blocks until this many threads wait on the clock: the sign that they have nothing left to do.
  void await_waiters(size_t count);

 private:
  mutable base::Mutex mutex_;
  base::CondVar changed_;
  base::WallTime wall_ GUARDED_BY(mutex_);
  base::SteadyTime steady_ GUARDED_BY(mutex_){};
  std::vector<base::CondVar*> waiters_ GUARDED_BY(mutex_);
};

}  // namespace tests
