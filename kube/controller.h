#pragma once

// Controller: runs a Reconciler. Informers' changes become keys, keys go through a WorkQueue to N
// workers; what a reconcile asks for later waits in a DelayQueue; errors are retried with growing
// back-off, InvalidArgument is not.
//
// Watched informers must be stopped before it is destroyed. Threads: watch() before start(); the
// rest from any thread.

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "kube/back_off.h"
#include "kube/delay_queue.h"
#include "kube/informer.h"
#include "kube/reconciler.h"
#include "kube/work_queue.h"

namespace kube {

class Controller;

struct ControllerOptions {
  std::string name;  // in logs and metrics
  size_t workers = 4;
  // Short at first: most errors are conflicts with our own last write.
  BackOffPolicy retry{.first = std::chrono::milliseconds{20},
                      .most = std::chrono::milliseconds{60'000}};
  // While that one has work waiting, each of our keys waits too, but never longer than `patience`:
  // what is more urgent gets the machine first. Outlives this one.
  const Controller* yields_to = nullptr;
  std::chrono::milliseconds patience{1'000};
};

// What a controller tells the metrics; every member may be empty. Called on the workers.
struct ControllerHooks {
  enum class Outcome { Success, Error, Dropped };  // Dropped: an error that is not retried
  std::function<void(size_t depth)> on_depth;
  std::function<void(Outcome outcome, std::chrono::milliseconds duration)> on_reconciled;
};

// The keys to reconcile because of one object.
using KeyMapper = std::function<std::vector<ObjectKey>(const Json&)>;
// Its own.
KeyMapper own_key();
// That of its controller (ownerReferences[].controller), if it is of this type.
KeyMapper controller_key(const ResourceType& owner);

class Controller {
 public:
  Controller(ControllerOptions options, Reconciler& reconciler, base::Clock& clock,
             ControllerHooks hooks = {});
  ~Controller();  // as stop()
  Controller(const Controller&) = delete;
  Controller& operator=(const Controller&) = delete;

  // Reconciles what `map` says for each change, before and after it.
  void watch(Informer& informer, KeyMapper map);
  void add(const ObjectKey& key);
  // Workers begin once every watched informer has synced: a half-filled cache would lie.
  void start();
  // Finishes the reconciles under way and joins. What waits is dropped.
  void stop();
  // All watched informers have synced.
  [[nodiscard]] bool ready() const;

 private:
  void work(const std::stop_token& stop);
  void let_pass() const;
  void process(const ObjectKey& key);
  base::Result<Reconciled> reconcile(const ObjectKey& key);
  void settle(const ObjectKey& key, const Reconciled& reconciled);
  ControllerHooks::Outcome retry(const ObjectKey& key, const base::Error& error);

  const ControllerOptions options_;
  Reconciler& reconciler_;
  base::Clock& clock_;
  const ControllerHooks hooks_;
  RateLimiter limiter_;
  WorkQueue queue_;
  DelayQueue delayed_;
  std::vector<const Informer*> informers_;
  std::vector<std::jthread> workers_;
};

}  // namespace kube
