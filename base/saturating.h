#pragma once

// Arithmetic on numbers that people and files give us: it stops at the ends of its range instead of
// wrapping, so that "for ever" written as 9223372036854775807 means for ever and not at once.
//
// Durations stop at 100 years: far more than anybody waits for, and small enough to be converted to
// nanoseconds and to be added to any date. Instants stay within the years 1 to 9999, which every
// date format can write. Threads: pure functions.

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

#include "base/clock.h"

namespace base {

inline constexpr std::chrono::seconds kLongestDuration{int64_t{36'525} * 86'400};
inline constexpr WallTime kFirstInstant{
    std::chrono::sys_days{std::chrono::year{1} / std::chrono::January / 1}};
inline constexpr WallTime kLastInstant{
    std::chrono::sys_days{std::chrono::year{9999} / std::chrono::December / 31} +
    std::chrono::days{1} - std::chrono::milliseconds{1}};

constexpr int64_t saturating_add(int64_t a, int64_t b) {
  int64_t sum = 0;
  if (!__builtin_add_overflow(a, b, &sum)) return sum;
  return b > 0 ? std::numeric_limits<int64_t>::max() : std::numeric_limits<int64_t>::min();
}

constexpr int64_t saturating_multiply(int64_t a, int64_t b) {
  int64_t product = 0;
  if (!__builtin_mul_overflow(a, b, &product)) return product;
  return (a < 0) == (b < 0) ? std::numeric_limits<int64_t>::max()
                            : std::numeric_limits<int64_t>::min();
}

// A count of seconds as somebody wrote it, at most ±kLongestDuration.
constexpr std::chrono::seconds saturating_seconds(int64_t seconds) {
  return std::chrono::seconds{
      std::clamp<int64_t>(seconds, -kLongestDuration.count(), kLongestDuration.count())};
}

// `time` + `wait` (which may be negative), between kFirstInstant and kLastInstant.
constexpr WallTime saturating_add(WallTime time, std::chrono::milliseconds wait) {
  const int64_t sum = saturating_add(time.time_since_epoch().count(), wait.count());
  return std::clamp(WallTime{std::chrono::milliseconds{sum}}, kFirstInstant, kLastInstant);
}

// `time` + `wait`, as far as the steady clock reaches.
constexpr SteadyTime saturating_add(SteadyTime time, std::chrono::milliseconds wait) {
  return SteadyTime{
      std::chrono::milliseconds{saturating_add(time.time_since_epoch().count(), wait.count())}};
}

}  // namespace base
