#include "tools/sparkcron/territory.h"

#include <algorithm>
#include <set>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/guard.h"
#include "base/log.h"
#include "kube/object.h"

namespace sparkcron {
namespace {

constexpr std::chrono::seconds kPauseAfterFailure{5};

}  // namespace

Territory::Territory(kube::Api& api, base::Clock& clock, TerritoryOptions options,
                     std::vector<Followed> followed, Hooks hooks)
    : api_(api),
      clock_(clock),
      options_(std::move(options)),
      followed_(std::move(followed)),
      hooks_(std::move(hooks)) {
  for (const Followed& one : followed_)
    cache_.expect(one.type);
  if (!options_.selector.empty()) {
    labelled_ = std::make_unique<kube::Informer>(
        api_, clock_, kube::namespaces(), kube::ListOptions{.label_selector = options_.selector});
    labelled_->stream_lists();
    labelled_->add_handler([this](const kube::StoreDelta&) { notify(); });
    labelled_->on_synced([this] { notify(); });
  }
}

Territory::~Territory() {
  stop();
}

void Territory::start() {
  CHECK(!thread_.joinable());
  for (const std::string& ns : options_.namespaces)
    add(ns);
  if (options_.namespaces.empty() && labelled_ == nullptr) add("");
  if (labelled_ != nullptr) labelled_->start();
  thread_ = base::start_thread("namespaces", [this] { run(); });
}

void Territory::stop() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  if (labelled_ != nullptr) labelled_->stop();
  for (const auto& [ns, scope] : scopes())
    for (const auto& informer : scope->informers)
      informer->stop();
}

bool Territory::ready() const {
  return ready_;
}

std::map<std::string, std::shared_ptr<Territory::Scope>> Territory::scopes() const {
  base::MutexLock lock(mutex_);
  return scopes_;
}

std::vector<std::string> Territory::namespaces() const {
  std::vector<std::string> open;
  for (const auto& [ns, scope] : scopes())
    if (scope->open) open.push_back(ns);
  return open;
}

void Territory::notify() {
  base::MutexLock lock(mutex_);
  look_ = true;
  changed_.notify_all();
}

void Territory::run() {
  while (true) {
    {
      base::MutexLock lock(mutex_);
      while (!look_ && !stopping_)
        changed_.wait(lock);
      if (stopping_) return;
      look_ = false;
    }
    const auto looked = base::guarded("look at the namespaces", [this] {
      match();
      open();
    });
    if (looked) continue;
    base::log_error("sparkcron", "Looking at the namespaces failed",
                    {{"error", looked.error().message}});
    base::MutexLock lock(mutex_);
    look_ = true;
    const base::SteadyTime again = clock_.steady_now() + kPauseAfterFailure;
    while (!stopping_ && clock_.steady_now() < again)
      clock_.wait_until(lock, changed_, again);
  }
}

// What the labels say against what there is.
void Territory::match() {
  if (labelled_ == nullptr) {
    matched_ = true;
    return;
  }
  if (!labelled_->has_synced()) return;
  std::set<std::string> wanted(options_.namespaces.begin(), options_.namespaces.end());
  for (const kube::ObjectKey& key : labelled_->store().keys(""))
    wanted.insert(key.name);
  const auto known = scopes();
  for (const auto& [ns, scope] : known)
    if (!wanted.contains(ns)) close(ns);
  for (const std::string& ns : wanted)
    if (!known.contains(ns)) add(ns);
  matched_ = true;
}

void Territory::open() {
  bool all = true;
  for (const auto& [ns, scope] : scopes()) {
    if (scope->told) continue;
    const bool synced = std::all_of(scope->informers.begin(), scope->informers.end(),
                                    [](const auto& informer) { return informer->has_synced(); });
    if (!synced) {
      all = false;
      continue;
    }
    for (const auto& informer : scope->informers)
      cache_.add(informer);
    // In this order: a store shows a change before its handlers are called, so each is either told
    // by them or seen here.
    scope->open = true;
    // If this fails half way, all of it is told again by the next look.
    tell(*scope);
    scope->told = true;
    if (!options_.selector.empty())
      base::log_info("sparkcron", "Looks after a namespace", {{"namespace", ns}});
  }
  if (all && matched_) ready_ = true;
}

std::shared_ptr<Territory::Scope> Territory::make(const std::string& ns) {
  auto scope = std::make_shared<Scope>();
  for (const Followed& one : followed_) {
    auto informer = std::make_shared<kube::Informer>(
        api_, clock_, one.type, kube::ListOptions{.ns = ns, .label_selector = one.label_selector},
        kube::BackOffPolicy{}, one.indexed_label);
    informer->stream_lists();
    // The scope outlives its informers' threads: they are stopped before it goes.
    informer->add_handler(
        [this, raw = scope.get(), type = one.type](const kube::StoreDelta& delta) {
          if (!raw->open) return;
          // Both sides: an object that changed hands concerns its old owner too.
          for (const kube::PackedObject* side : {&delta.before, &delta.after})
            if (*side) hooks_.on_change(type, *side);
        });
    informer->on_synced([this] { notify(); });
    if (one.trim) informer->trim_with(one.trim);
    if (hooks_.on_unreadable) informer->on_unreadable(hooks_.on_unreadable);
    scope->informers.push_back(std::move(informer));
  }
  return scope;
}

void Territory::add(const std::string& ns) {
  const std::shared_ptr<Scope> scope = make(ns);
  {
    base::MutexLock lock(mutex_);
    scopes_.emplace(ns, scope);
  }
  for (const auto& informer : scope->informers)
    informer->start();
}

void Territory::close(const std::string& ns) {
  std::shared_ptr<Scope> scope;
  {
    base::MutexLock lock(mutex_);
    scope = std::exchange(scopes_[ns], nullptr);
    scopes_.erase(ns);
  }
  scope->open = false;
  for (const auto& informer : scope->informers) {
    informer->stop();
    cache_.remove(*informer);
  }
  base::log_info("sparkcron", "No longer looks after a namespace", {{"namespace", ns}});
  // Whoever remembers something of what was there forgets it: the cache has it no more.
  tell(*scope);
}

void Territory::tell(const Scope& scope) const {
  for (const auto& informer : scope.informers)
    for (const kube::PackedObject& object : informer->store().packed(""))
      hooks_.on_change(informer->type(), object);
}

void Territory::tell_all() const {
  for (const auto& [ns, scope] : scopes())
    if (scope->open) tell(*scope);
}

}  // namespace sparkcron
