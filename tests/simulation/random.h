#pragma once

// Random: the one source of chance in a simulation. The same seed gives the same life on every
// machine: only the engine's own numbers are used, never the library's distributions.

#include <cstdint>
#include <random>

namespace simulation {

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(engine_() % n); }
  bool one_in(uint32_t n) { return below(n) == 0; }
  template <class T, size_t n>
  const T& any_of(const T (&choices)[n]) {
    return choices[below(static_cast<uint32_t>(n))];
  }

 private:
  std::mt19937 engine_;
};

}  // namespace simulation
