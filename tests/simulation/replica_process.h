#pragma once

// ReplicaProcess: one process of the service, in the product's order of things: election, fence,
// caches, controllers. Each of the two controllers is a fiber that may be stopped at any call.
//
// Threads: one at a time (fiber.h).

#include <array>
#include <memory>
#include <string>

#include "kube/candidate.h"
#include "kube/fenced_api.h"
#include "kube/reconciler.h"
#include "runner/applications/reconciler.h"
#include "runner/schedules/reconciler.h"
#include "tests/simulation/fiber.h"
#include "tests/simulation/network.h"
#include "tests/simulation/replica_books.h"
#include "tests/simulation/replicas.h"
#include "tests/simulation/weakened_api.h"

namespace simulation {

enum class Controller { Schedules, Applications };

class ReplicaProcess {
 public:
  ReplicaProcess(std::string name, Network& network, ReplicaBooks& books,
                 tests::MemoryRecorder& ledger, kube::EventRecorder& events, Without without);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] bool is_stopped() const { return network_.clock.now() < stopped_until; }
  [[nodiscard]] bool is_cut() const { return network_.clock.now() < cut_until; }
  [[nodiscard]] bool leads() const { return candidate_.leading(); }

  // False: it has lost its lease, and ends.
  bool elect();
  // Goes on with what a controller does, or begins something.
  void work(Controller controller, const kube::ObjectKey& key);
  [[nodiscard]] bool is_busy(Controller controller) const;

  bool acts = false;  // it was elected once
  base::WallTime stopped_until{};
  base::WallTime cut_until{};

 private:
  void come_to_a_call();
  void pause();

  const std::string name_;
  Network& network_;
  const Without without_;

 public:
  tests::FakeCache cache;

 private:
  Wire lease_wire_;
  kube::Candidate candidate_;
  Wire wire_;
  kube::FencedApi fenced_;
  WeakenedApi api_;
  kube::FreshVersions versions_;
  runner::schedules::ScheduleReconciler schedules_;
  runner::applications::ApplicationReconciler applications_;
  base::WallTime next_attempt_{};
  Fiber* running_ = nullptr;
  // Last: they end before what they use.
  std::array<std::unique_ptr<Fiber>, 2> fibers_;
};

}  // namespace simulation
