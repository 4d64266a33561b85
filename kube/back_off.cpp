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

}  // namespace kube
