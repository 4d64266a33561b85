#pragma once

// ModelKubelet: the nodes of a cluster in small. A driver pod starts when the ConfigMaps are there
// that its volumes name, with the keys that they name; until then it waits, as a kubelet has it
// wait. Drivers end by themselves or linger when they are asked to go.
//
// Threads: one at a time (fiber.h).

#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "tests/simulation/random.h"
#include "tests/support/fake_api.h"
#include "tests/support/fake_clock.h"

namespace simulation {

class ModelKubelet {
 public:
  ModelKubelet(tests::FakeApi& api, const tests::FakeClock& clock, Random& random)
      : api_(api), clock_(clock), random_(random) {}

  // What is to happen to a pod happens in one of so many steps.
  void act(uint32_t one_in);

  // A driver starts while so many of other runs are alive.
  std::function<void(const std::string& run_uid, size_t others)> started;
  std::function<void(const std::string&)> tell;

 private:
  struct Driver {
    std::string pod_uid;
    std::string run_uid;
    bool alive = false;
  };

  void act_on(const nlohmann::json& pod, uint32_t one_in);
  [[nodiscard]] bool can_mount(const nlohmann::json& pod) const;
  void start(const nlohmann::json& pod);
  void end(Driver& driver, const kube::ObjectKey& pod);

  tests::FakeApi& api_;
  const tests::FakeClock& clock_;
  Random& random_;
  std::vector<Driver> drivers_;
};

}  // namespace simulation
