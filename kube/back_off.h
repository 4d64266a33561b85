#pragma once

// How long to wait before trying again: growing, bounded, and spread, so that many clients of one
// server do not come back together.
//
// Threads: back_off() is pure; RateLimiter may be called from any thread.

#include <chrono>
#include <map>

#include "base/mutex.h"
#include "kube/resource_type.h"

namespace kube {

struct BackOffPolicy {
  std::chrono::milliseconds first{800};
  std::chrono::milliseconds most{30'000};
};

// The wait after `failures` failures in a row (1 = the first): doubled each time up to the most, of
// which `spread` in [0, 1) takes away up to half.
std::chrono::milliseconds back_off(const BackOffPolicy& policy, int failures, double spread);

// A number in [0, 1) for `spread`. Thread-safe.
double random_spread();

// Counts failures per key.
class RateLimiter {
 public:
  explicit RateLimiter(BackOffPolicy policy) : policy_(policy) {}
  // Notes one more failure; how long to wait.
  std::chrono::milliseconds failed(const ObjectKey& key);
  void succeeded(const ObjectKey& key);
  // Failures in a row.
  [[nodiscard]] int failures(const ObjectKey& key) const;

 private:
  const BackOffPolicy policy_;
  mutable base::Mutex mutex_;
  std::map<ObjectKey, int> failures_ GUARDED_BY(mutex_);
};

}  // namespace kube
