#pragma once

// Controller: runs a Reconciler. Informers' changes become keys, keys go through a WorkQueue to N
// workers; what a reconcile asks for later waits in a DelayQueue. Every error, an exception too, is
// that key's own: it is retried with growing back-off for ever, told to the reconciler, the log and
// the hooks, and never stops another key or forgets a wake-up.
//
// Before start() changes only fill the informers' stores; start() looks at everything that is in
// them, so that a replica which waits for its lease keeps warm caches and piles up nothing.
//
// Watched informers must be stopped before it is destroyed. Threads: watch() before start(); the
// rest from any thread.

#include <atomic>
#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "kube/back_off.h"
#include "kube/delay_queue.h"
#include "kube/failures.h"
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
  // While one of those has work waiting, each of our keys waits too, but never longer than
  // `patience` for each of them: what is more urgent gets the machine first. They outlive this one.
  std::vector<const Controller*> yields_to = {};
  std::chrono::milliseconds patience{1'000};
};

// What a controller tells the metrics; every member may be empty. Called on the workers; of
// on_depth and on_failing never two at once, so that the last number told is the true one.
struct ControllerHooks {
  std::function<void(size_t depth)> on_depth;
  // `error` is nullptr after a success.
  std::function<void(const base::Error* error, std::chrono::milliseconds duration)> on_reconciled;
  // Keys that fail now; told when the number changed.
  std::function<void(size_t keys)> on_failing;
};

// The keys to reconcile because of one object.
using KeyMapper = std::function<std::vector<ObjectKey>(const Json&)>;
// Its own.
KeyMapper own_key();
// Those of its owners (ownerReferences) of this type.
KeyMapper owner_key(const ResourceType& owner);

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
  // Looks at all that the watched informers have, and from now on at each change. Workers begin
  // once every one of them has synced: a half-filled cache would lie.
  void start();
  // Finishes the reconciles under way and joins. What waits is dropped.
  void stop();
  // All watched informers have synced.
  [[nodiscard]] bool ready() const;
  // Blocks while keys wait for a worker, but not longer than `most`, and not once it has stopped.
  void await_drained(std::chrono::milliseconds most) const { queue_.await_drained(clock_, most); }
  // Keys of a namespace that wait for a worker; "" = of all.
  [[nodiscard]] size_t waiting(const std::string& ns) const { return queue_.depth(ns); }
  // What fails now, for health checks.
  [[nodiscard]] const Failures& failures() const { return failures_; }

 private:
  void work(const std::stop_token& stop);
  void await_preferred() const;
  void process(const ObjectKey& key);
  void settle(const ObjectKey& key, const Reconciled& reconciled);
  void retry(const ObjectKey& key, const base::Error& error);
  void tell_failing();
  void tell_depth();

  const ControllerOptions options_;
  Reconciler& reconciler_;
  base::Clock& clock_;
  const ControllerHooks hooks_;
  Failures failures_;
  WorkQueue queue_;
  base::Mutex telling_mutex_;  // held while on_depth or on_failing is called
  DelayQueue delayed_;
  struct Watched {
    const Informer* informer;
    KeyMapper map;
  };
  std::vector<Watched> watched_;
  std::atomic<bool> started_ = false;
  std::stop_source stop_;
  std::vector<std::thread> workers_;
};

}  // namespace kube
