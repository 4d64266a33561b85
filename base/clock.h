#pragma once

// Clock: the only door through which time comes in. Two time lines are kept apart: the wall clock
// (schedules, time stamps; may jump both ways) and the steady clock (time-outs, back-off). Waiting
// goes through the clock as well, so that tests drive blocked threads instead of sleeping.
// (After Envoy's TimeSystem.)
//
// Threads: all methods may be called from any thread.

#include <chrono>

#include "base/mutex.h"

namespace base {

using WallTime = std::chrono::sys_time<std::chrono::milliseconds>;
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::milliseconds>;

class Clock {
 public:
  virtual ~Clock() = default;
  // UTC, to the millisecond.
  [[nodiscard]] virtual WallTime now() const = 0;
  [[nodiscard]] virtual SteadyTime steady_now() const = 0;
  // Waits on `condition` until notified or `until`. False if the time was reached first. May wake
  // spuriously.
  virtual bool wait_until(MutexLock& lock, CondVar& condition, SteadyTime until) = 0;
};

// The machine's clocks. One object for the whole process; never destroyed before its users.
Clock& real_clock();

}  // namespace base
