#pragma once

// await: conditions that another thread or process makes true.
//
// Threads: any.

#include <chrono>
#include <thread>

namespace tests {

// How long a test waits for what should come: long enough for a machine on which everything else is
// busy. It is no measure of anything.
inline constexpr std::chrono::minutes kPatience{5};

// Waits until `holds`, while there is patience; whether it does.
template <class Condition>
bool await(Condition holds) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace tests
