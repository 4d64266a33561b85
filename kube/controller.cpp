#include "kube/controller.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/guard.h"
#include "base/json.h"
#include "base/log.h"

namespace kube {

namespace {

// Real time: what waits here is out of memory, not out of work.
void pause(const std::stop_token& stop) {
  constexpr std::chrono::milliseconds kPause{100};
  base::Mutex mutex;
  base::CondVar changed;
  const std::stop_callback wake(stop, [&] {
    base::MutexLock lock(mutex);
    changed.notify_all();
  });
  base::MutexLock lock(mutex);
  if (!stop.stop_requested())
    base::real_clock().wait_until(lock, changed, base::real_clock().steady_now() + kPause);
}

}  // namespace

KeyMapper own_key() {
  return [](const Json& object) { return std::vector<ObjectKey>{key_of(object)}; };
}

KeyMapper owner_key(const ResourceType& owner) {
  return [owner](const Json& object) {
    std::vector<ObjectKey> keys;
    for (const OwnerReference& one : owners_of(object)) {
      if (one.kind == owner.kind && one.api_version == owner.api_version())
        keys.push_back({owner.namespaced ? key_of(object).ns : "", one.name});
    }
    return keys;
  };
}

Controller::Controller(ControllerOptions options, Reconciler& reconciler, base::Clock& clock,
                       ControllerHooks hooks)
    : options_(std::move(options)),
      reconciler_(reconciler),
      clock_(clock),
      hooks_(std::move(hooks)),
      failures_(clock),
      delayed_(clock, [this](const ObjectKey& key) { add(key); }) {}

Controller::~Controller() {
  stop();
}

void Controller::watch(Informer& informer, KeyMapper map) {
  CHECK(workers_.empty());
  watched_.push_back({&informer, map});
  informer.add_handler([this, map = std::move(map)](const StoreDelta& delta) {
    if (!started_) return;
    // Both sides: an object that changed hands concerns its old owner too. The queue dedups.
    for (const PackedObject* side : {&delta.before, &delta.after}) {
      if (!*side) continue;
      for (const ObjectKey& key : map(*side->object()))
        add(key);
    }
  });
}

void Controller::add(const ObjectKey& key) {
  queue_.add(key);
  tell_depth();
}

// Both of these are told one after the other: what is told last is how it stands.
void Controller::tell_depth() {
  if (!hooks_.on_depth) return;
  const base::MutexLock lock(telling_mutex_);
  hooks_.on_depth(queue_.depth());
}

void Controller::start() {
  CHECK(workers_.empty());
  // In this order: a store shows a change before its handlers are called, so each is either seen
  // here or told there.
  started_ = true;
  for (const Watched& watched : watched_)
    watched.informer->store().for_each("", [&](const Store::Object& object) {
      for (const ObjectKey& key : watched.map(*object))
        add(key);
    });
  for (size_t i = 0; i < options_.workers; ++i)
    workers_.push_back(base::start_thread(options_.name, [this] { work(stop_.get_token()); }));
}

void Controller::stop() {
  queue_.shut_down();
  stop_.request_stop();
  for (std::thread& worker : workers_)
    worker.join();
  workers_.clear();
  tell_depth();
}

bool Controller::ready() const {
  return std::all_of(watched_.begin(), watched_.end(),
                     [](const Watched& watched) { return watched.informer->has_synced(); });
}

void Controller::work(const std::stop_token& stop) {
  for (const Watched& watched : watched_) {
    if (!watched.informer->await_synced(stop)) return;
  }
  while (const std::optional<ObjectKey> key = queue_.take()) {
    await_preferred();
    // Without memory not even the retry can be noted: the key stays in hand until it is.
    while (!base::guarded("reconcile", [&] { process(*key); }) && !stop.stop_requested())
      pause(stop);
    queue_.done(*key);
  }
}

void Controller::await_preferred() const {
  for (const Controller* preferred : options_.yields_to)
    preferred->await_drained(options_.patience);
}

void Controller::process(const ObjectKey& key) {
  tell_depth();
  const base::SteadyTime begin = clock_.steady_now();
  const base::WallTime wall = clock_.now();
  const auto result = base::guarded("reconcile", [&] { return reconciler_.reconcile(key); });
  if (result) {
    settle(key, *result);
    // The clock was set back meanwhile: what was decided may have been decided by a wrong time.
    if (result->wake_at && clock_.now() < wall) add(key);
  } else {
    retry(key, result.error());
  }
  if (hooks_.on_reconciled)
    hooks_.on_reconciled(result ? nullptr : &result.error(), clock_.steady_now() - begin);
}

void Controller::settle(const ObjectKey& key, const Reconciled& reconciled) {
  delayed_.clear(key);  // a retry too: it is done
  if (reconciled.wake_at) delayed_.set(key, *reconciled.wake_at);
  if (reconciled.again) add(key);  // this worker still has it: it goes to the end
  const std::optional<Failure> ended = failures_.succeeded(key);
  if (!ended) return;
  tell_failing();
  (void)base::guarded("failing", [&] { reconciler_.failing(key, ended->error, 0); });
}

void Controller::retry(const ObjectKey& key, const base::Error& error) {
  const int failures = failures_.failed(key, error);
  const auto wait = back_off(options_.retry, failures, random_spread(), error.retry_after);
  delayed_.set(key, clock_.steady_now() + wait);
  // Conflicts are everyday: somebody wrote first, the next look sees it.
  const auto level = error.code == base::Code::Conflict && failures == 1 ? base::LogLevel::Debug
                                                                         : base::LogLevel::Warning;
  base::log(level, "kube", "Reconcile failed",
            {{"controller", options_.name},
             {"key", key.to_string()},
             {"error", error.message},
             {"failures", std::to_string(failures)},
             {"retry_in_ms", std::to_string(wait.count())}});
  if (failures == 1) tell_failing();
  (void)base::guarded("failing", [&] { reconciler_.failing(key, error, failures); });
}

void Controller::tell_failing() {
  if (!hooks_.on_failing) return;
  const base::MutexLock lock(telling_mutex_);
  hooks_.on_failing(failures_.size());
}

}  // namespace kube
