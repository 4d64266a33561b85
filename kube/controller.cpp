#include "kube/controller.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <nlohmann/json.hpp>
#include <pthread.h>

#include "base/check.h"
#include "base/json.h"
#include "base/log.h"

namespace kube {

KeyMapper own_key() {
  return [](const Json& object) { return std::vector<ObjectKey>{key_of(object)}; };
}

KeyMapper controller_key(const ResourceType& owner) {
  return [owner](const Json& object) {
    std::vector<ObjectKey> keys;
    const Json* references = base::find(object, {"metadata", "ownerReferences"});
    if (references == nullptr || !references->is_array()) return keys;
    for (const Json& reference : *references) {
      if (base::bool_at(reference, {"controller"}).value_or(false) &&
          base::string_at(reference, {"kind"}) == owner.kind &&
          base::string_at(reference, {"apiVersion"}) == owner.api_version()) {
        keys.push_back(
            {owner.namespaced ? key_of(object).ns : "", base::string_at(reference, {"name"})});
      }
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
      limiter_(options_.retry),
      delayed_(clock, [this](const ObjectKey& key) { add(key); }) {}

Controller::~Controller() {
  stop();
}

void Controller::watch(Informer& informer, KeyMapper map) {
  CHECK(workers_.empty());
  informers_.push_back(&informer);
  informer.add_handler([this, map = std::move(map)](const StoreDelta& delta) {
    // Both sides: an object that changed hands concerns its old owner too. The queue dedups.
    for (const auto* object : {delta.before.get(), delta.after.get()}) {
      if (object == nullptr) continue;
      for (const ObjectKey& key : map(*object))
        add(key);
    }
  });
}

void Controller::add(const ObjectKey& key) {
  queue_.add(key);
  if (hooks_.on_depth) hooks_.on_depth(queue_.depth());
}

void Controller::start() {
  CHECK(workers_.empty());
  for (size_t i = 0; i < options_.workers; ++i) {
    workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
    pthread_setname_np(workers_.back().native_handle(), options_.name.substr(0, 15).c_str());
  }
}

void Controller::stop() {
  queue_.shut_down();
  for (std::jthread& worker : workers_)
    worker.request_stop();
  workers_.clear();
}

bool Controller::ready() const {
  return std::all_of(informers_.begin(), informers_.end(),
                     [](const Informer* informer) { return informer->has_synced(); });
}

void Controller::work(const std::stop_token& stop) {
  for (const Informer* informer : informers_) {
    if (!informer->await_synced(stop)) return;
  }
  while (const std::optional<ObjectKey> key = queue_.take()) {
    let_pass();
    process(*key);
    queue_.done(*key);
  }
}

void Controller::let_pass() const {
  if (options_.yields_to != nullptr)
    options_.yields_to->queue_.await_drained(clock_, options_.patience);
}

void Controller::process(const ObjectKey& key) {
  if (hooks_.on_depth) hooks_.on_depth(queue_.depth());
  const base::SteadyTime begin = clock_.steady_now();
  const auto result = reconcile(key);
  auto outcome = ControllerHooks::Outcome::Success;
  if (result) {
    settle(key, *result);
  } else {
    outcome = retry(key, result.error());
  }
  if (hooks_.on_reconciled) hooks_.on_reconciled(outcome, clock_.steady_now() - begin);
}

base::Result<Reconciled> Controller::reconcile(const ObjectKey& key) {
  // One object that nobody thought of must not take the others down.
  try {
    return reconciler_.reconcile(key);
  } catch (const std::exception& exception) {
    return base::failure(base::Code::Internal, exception.what());
  }
}

void Controller::settle(const ObjectKey& key, const Reconciled& reconciled) {
  limiter_.succeeded(key);
  if (reconciled.wake_at) {
    delayed_.set(key, *reconciled.wake_at);
  } else {
    delayed_.clear(key);
  }
}

ControllerHooks::Outcome Controller::retry(const ObjectKey& key, const base::Error& error) {
  if (error.code == base::Code::InvalidArgument) {
    base::log_error(
        "kube", "Reconcile failed for good",
        {{"controller", options_.name}, {"key", key.to_string()}, {"error", error.message}});
    limiter_.succeeded(key);
    delayed_.clear(key);
    return ControllerHooks::Outcome::Dropped;
  }
  const auto wait = std::max(limiter_.failed(key), error.retry_after);
  // Conflicts are everyday: somebody wrote first, the next look sees it.
  const auto level =
      error.code == base::Code::Conflict ? base::LogLevel::Debug : base::LogLevel::Warning;
  base::log(level, "kube", "Reconcile failed",
            {{"controller", options_.name},
             {"key", key.to_string()},
             {"error", error.message},
             {"retry_in_ms", std::to_string(wait.count())}});
  delayed_.set(key, clock_.steady_now() + wait);
  return ControllerHooks::Outcome::Error;
}

}  // namespace kube
