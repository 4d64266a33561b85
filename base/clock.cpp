#include "base/clock.h"

namespace base {
namespace {

class RealClock final : public Clock {
 public:
  WallTime now() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now());
  }
  SteadyTime steady_now() const override {
    return std::chrono::time_point_cast<std::chrono::milliseconds>(
        std::chrono::steady_clock::now());
  }
  bool wait_until(MutexLock& lock, CondVar& condition, SteadyTime until) override {
    return condition.wait_until(lock, until);
  }
};

}  // namespace

Clock& real_clock() {
  static RealClock clock;
  return clock;
}

}  // namespace base
