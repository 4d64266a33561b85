#include "tests/simulation/replica_process.h"

#include <utility>

#include "config/names.h"
#include "runner/schedules/stray.h"

namespace simulation {
namespace {

runner::applications::ApplicationOptions options(Without without) {
  runner::applications::ApplicationOptions options;
  if (without != Without::StrayCheck) options.is_stray = runner::schedules::is_stray;
  return options;
}

size_t index_of(Controller controller) {
  return static_cast<size_t>(controller);
}

}  // namespace

ReplicaProcess::ReplicaProcess(std::string name, Network& network, ReplicaBooks& books,
                               tests::MemoryRecorder& ledger, kube::EventRecorder& events,
                               Without without)
    : name_(std::move(name)),
      network_(network),
      without_(without),
      cache(network.api),
      lease_wire_(network, {.is_cut = [this] { return is_cut(); }, .pause = [] {}, .writes = {}}),
      candidate_(lease_wire_, network.clock,
                 {.lease = kControllerLease, .identity = name_, .times = {}}),
      wire_(
          network,
          {.is_cut = [this] { return is_cut(); },
           .pause = [this] { pause(); },
           .writes = [this, &books](const std::string& what) { books.write_begins(name_, what); }}),
      fenced_(wire_, [this] { return without_ == Without::Fence || candidate_.leading(); }),
      api_(
          fenced_, [this] { come_to_a_call(); }, without),
      versions_(api_, cache, network.clock, config::scheduled_spark_applications(),
                kube::FreshVersions::Scope::Namespace, {.few = 0}),
      schedules_(api_, cache, events, ledger, network.clock, {.versions = &versions_}),
      applications_(api_, cache, events, ledger, network.clock, options(without)) {
  cache.sync();
}

bool ReplicaProcess::elect() {
  if (network_.clock.now() < next_attempt_) return true;
  next_attempt_ = network_.clock.now() + candidate_.options().times.retry;
  const bool held = candidate_.attempt();
  if (held) acts = true;
  return held || !acts || candidate_.leading();
}

void ReplicaProcess::work(Controller controller, const kube::ObjectKey& key) {
  auto& fiber = fibers_[index_of(controller)];
  if (fiber != nullptr && fiber->ended()) fiber.reset();
  if (fiber == nullptr) {
    fiber = std::make_unique<Fiber>([this, controller, key](Fiber&) {
      kube::Reconciler& reconciler = controller == Controller::Schedules
                                         ? static_cast<kube::Reconciler&>(schedules_)
                                         : applications_;
      (void)reconciler.reconcile(key);
    });
  }
  running_ = fiber.get();
  fiber->resume();
  running_ = nullptr;
}

bool ReplicaProcess::is_busy(Controller controller) const {
  const auto& fiber = fibers_[index_of(controller)];
  return fiber != nullptr && !fiber->ended();
}

void ReplicaProcess::come_to_a_call() {
  if (!network_.calm && network_.random.one_in(3)) pause();
}

void ReplicaProcess::pause() {
  if (!network_.calm && running_ != nullptr) running_->pause();
}

}  // namespace simulation
