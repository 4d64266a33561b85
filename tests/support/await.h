#pragma once

// await: conditions that another thread or process makes true.
//
// Threads: any.

#include <chrono>
#include <thread>

namespace tests {

// Waits until `holds`, at most a minute; whether it does.
template <class Condition>
bool await(Condition holds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

}  // namespace tests
