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

std::chrono::milliseconds back_off(const BackOffPolicy& policy, int failures, double spread,
                                   std::chrono::milliseconds at_least) {
  using std::chrono::milliseconds;
  const auto told = static_cast<double>(at_least.count());
  return std::max(back_off(policy, failures, spread),
                  milliseconds{static_cast<milliseconds::rep>(told + told / 2 * (1 - spread))});
}

double random_spread() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

}  // namespace kube
