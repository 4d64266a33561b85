#include "kube/back_off.h"

#include <algorithm>
#include <random>

namespace kube {

std::chrono::milliseconds back_off(const BackOffPolicy& policy, int failures, double spread) {
  using std::chrono::milliseconds;
  auto wait = static_cast<double>(policy.first.count());
  const auto most = static_cast<double>(policy.most.count());
  for (int i = 1; i < failures && wait < most; ++i)
    wait *= 2;
  wait = std::min(wait, most);
  return milliseconds{static_cast<milliseconds::rep>(wait - wait / 2 * spread)};
}

double random_spread() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

std::chrono::milliseconds RateLimiter::failed(const ObjectKey& key) {
  base::MutexLock lock(mutex_);
  return back_off(policy_, ++failures_[key], random_spread());
}

void RateLimiter::succeeded(const ObjectKey& key) {
  base::MutexLock lock(mutex_);
  failures_.erase(key);
}

int RateLimiter::failures(const ObjectKey& key) const {
  base::MutexLock lock(mutex_);
  const auto found = failures_.find(key);
  return found == failures_.end() ? 0 : found->second;
}

}  // namespace kube
