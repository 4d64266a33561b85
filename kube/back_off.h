#pragma once

// How long to wait before trying again: growing, bounded, and spread, so that many clients of one
// server do not come back together.
//
// Threads: any.

#include <chrono>

namespace kube {

struct BackOffPolicy {
  std::chrono::milliseconds first{800};
  std::chrono::milliseconds most{30'000};
};

// The wait after `failures` failures in a row (1 = the first): doubled each time up to the most, of
// which `spread` in [0, 1) takes away up to half.
std::chrono::milliseconds back_off(const BackOffPolicy& policy, int failures, double spread);

// The same for an answer that said how long to wait at least (Retry-After; 0 = nothing): never less
// than that, and spread above it, for it was said to everybody.
std::chrono::milliseconds back_off(const BackOffPolicy& policy, int failures, double spread,
                                   std::chrono::milliseconds at_least);

// A number in [0, 1) for `spread`. Thread-safe.
double random_spread();

}  // namespace kube
