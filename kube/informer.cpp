#include "kube/informer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/guard.h"
#include "base/json.h"
#include "base/log.h"

namespace kube {
namespace {

constexpr int kTries = 50;  // for want of memory: five seconds

}  // namespace

Informer::Informer(Api& api, base::Clock& clock, ResourceType type, ListOptions scope,
                   BackOffPolicy policy, std::string indexed_label)
    : api_(api),
      clock_(clock),
      type_(std::move(type)),
      scope_(std::move(scope)),
      policy_(policy),
      store_(std::move(indexed_label)) {}

Informer::~Informer() {
  stop();
}

void Informer::start() {
  CHECK(!thread_.joinable());
  thread_ = base::start_thread("inf-" + type_.plural, [this] { run(); });
}

void Informer::stop() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    if (watch_) watch_->cancel();
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

bool Informer::stopping() const {
  base::MutexLock lock(mutex_);
  return stopping_;
}

bool Informer::has_synced() const {
  base::MutexLock lock(mutex_);
  return synced_;
}

bool Informer::await_synced(const std::stop_token& stop) const {
  const std::stop_callback wake(stop, [this] {
    base::MutexLock lock(mutex_);
    changed_.notify_all();
  });
  base::MutexLock lock(mutex_);
  while (!synced_ && !stopping_ && !stop.stop_requested())
    changed_.wait(lock);
  return synced_;
}

void Informer::run() {
  WatcherState state;
  state.streams = streams_;
  WatcherAsk next = first_ask(state);
  while (!stopping()) {
    // Without memory for an answer, it is asked for again.
    auto asked = base::guarded("read the answer", [&] { return ask(next, state); });
    WatcherInput input =
        asked ? std::move(*asked) : WatcherInput(StepFailed{std::move(asked).error()});
    if (stopping()) break;
    if (const auto* failure = std::get_if<StepFailed>(&input)) {
      // Many servers do not stream lists; that is told once and is no trouble.
      const bool ordinary =
          failure->error.code == base::Code::Gone || refuses_to_stream(state, failure->error);
      const auto level = ordinary ? base::LogLevel::Info : base::LogLevel::Warning;
      base::log(level, "kube", next == WatcherAsk::List ? "List failed" : "Watch failed",
                {{"resource", type_.plural}, {"error", failure->error.message}});
    }
    WatcherStep step = watcher_step(std::move(state), std::move(input));
    carry_out(std::move(step.change));
    if (step.back_off) wait(step);
    next = step.ask;
    state = std::move(step.state);
  }
}

WatcherInput Informer::ask(WatcherAsk what, const WatcherState& state) {
  if (what == WatcherAsk::List) {
    auto list = api_.list(type_, scope_);
    if (!list) return StepFailed{std::move(list.error())};
    for (Json& item : list->items)
      slim(item);
    return ListArrived{std::move(*list)};
  }
  if (what == WatcherAsk::OpenWatch) {
    ListOptions options = scope_;
    options.resource_version = state.resource_version;
    auto watch = api_.watch(type_, options);
    if (!watch) return StepFailed{std::move(watch.error())};
    base::MutexLock lock(mutex_);
    watch_ = std::move(*watch);
    opened_ = clock_.steady_now();
    if (stopping_) watch_->cancel();  // stop() came while it was being opened
    return WatchOpened{};
  }
  Watch* watch = nullptr;
  {
    base::MutexLock lock(mutex_);
    watch = watch_.get();
  }
  auto event = watch->next();  // only this thread replaces watch_
  if (event && *event) {
    const auto type = (*event)->type;
    if (type == WatchEvent::Type::Added || type == WatchEvent::Type::Modified)
      (*event)->object = slimmed(std::move((*event)->object));
    return EventArrived{std::move(**event)};
  }
  base::MutexLock lock(mutex_);
  watch_.reset();
  if (!event) return StepFailed{std::move(event.error())};
  return WatchEnded{.lasted = clock_.steady_now() - opened_};
}

void Informer::slim(Json& object) const {
  if (const auto metadata = object.find("metadata");
      metadata != object.end() && metadata->is_object())
    metadata->erase("managedFields");
  if (!trim_) return;
  if (auto less = trim_(object)) object = *std::move(less);
}

// It may be others' as well.
PackedObject Informer::slimmed(PackedObject object) const {
  if (!trim_) return object;
  auto tree = object.object();
  if (auto less = trim_(*tree)) return PackedObject(std::make_shared<const Json>(*std::move(less)));
  object.unpack(std::move(tree));  // handlers and the index by label read it, too
  return object;
}

void Informer::carry_out(StoreChange change) {
  if (auto* all = std::get_if<ReplaceAll>(&change)) {
    const std::vector<StoreDelta> deltas = store_.replace(std::move(all->items));
    for (const StoreDelta& delta : deltas)
      tell(delta);
    for (const Unreadable& lost : all->unreadable)
      report(lost);
    bool first = false;
    {
      base::MutexLock lock(mutex_);
      first = !std::exchange(synced_, true);
      changed_.notify_all();
    }
    if (first && synced_handler_) (void)base::guarded("synced", synced_handler_);
  } else if (auto* one = std::get_if<ApplyOne>(&change)) {
    tell(store_.apply(std::move(one->object)));
  } else if (const auto* gone = std::get_if<RemoveOne>(&change)) {
    StoreDelta delta = store_.remove(gone->key);
    if (delta.before) tell(delta);
  } else if (const auto* one_lost = std::get_if<LoseOne>(&change)) {
    // As the next list would have it: a copy of what it was would be believed.
    StoreDelta delta = store_.remove(one_lost->lost.key);
    if (delta.before) tell(delta);
    report(one_lost->lost);
  }
}

void Informer::tell(const StoreDelta& delta) {
  for (const Handler& handler : handlers_) {
    for (int tries = 1;; ++tries) {
      const base::Status told = base::guarded("tell of a change", [&] { handler(delta); });
      if (told) break;
      const bool again = told.error().code == base::Code::ResourceExhausted && tries < kTries;
      (void)base::guarded("log", [&] {
        base::log_error("kube", again ? "A change waits for memory" : "A change was lost",
                        {{"resource", type_.plural},
                         {"key", delta.last().key().to_string()},
                         {"error", told.error().message}});
      });
      if (!again) break;
      pause();
    }
  }
}

void Informer::report(const Unreadable& lost) {
  ++unreadable_;
  base::log_error("kube", "An object cannot be read and is left out",
                  {{"resource", type_.plural},
                   {"key", lost.key.name.empty() ? "(unknown)" : lost.key.to_string()},
                   {"error", lost.reason}});
  if (unreadable_handler_) (void)base::guarded("report", [&] { unreadable_handler_(type_, lost); });
}

void Informer::pause() {
  constexpr std::chrono::milliseconds kPause{100};
  base::MutexLock lock(mutex_);
  if (!stopping_) clock_.wait_until(lock, changed_, clock_.steady_now() + kPause);
}

void Informer::wait(const WatcherStep& step) {
  const auto time = back_off(policy_, step.state.failures, random_spread(), step.at_least);
  const base::SteadyTime until = clock_.steady_now() + time;
  base::MutexLock lock(mutex_);
  while (!stopping_ && clock_.steady_now() < until)
    clock_.wait_until(lock, changed_, until);
}

void InformerCache::expect(const ResourceType& type) {
  base::MutexLock lock(mutex_);
  if (std::find(expected_.begin(), expected_.end(), type) == expected_.end())
    expected_.push_back(type);
}

void InformerCache::add(const Informer& informer) {
  add(std::shared_ptr<const Informer>(std::shared_ptr<const Informer>(), &informer));
}

void InformerCache::add(std::shared_ptr<const Informer> informer) {
  expect(informer->type());
  base::MutexLock lock(mutex_);
  if (std::find(informers_.begin(), informers_.end(), informer) == informers_.end())
    informers_.push_back(std::move(informer));
}

void InformerCache::remove(const Informer& informer) {
  base::MutexLock lock(mutex_);
  std::erase_if(informers_, [&](const auto& one) { return one.get() == &informer; });
}

std::vector<std::shared_ptr<const Informer>> InformerCache::following(const ResourceType& type,
                                                                      const std::string& ns) const {
  std::vector<std::shared_ptr<const Informer>> found;
  base::MutexLock lock(mutex_);
  CHECK(std::find(expected_.begin(), expected_.end(), type) != expected_.end());
  for (const auto& informer : informers_) {
    const bool fits = ns.empty() || informer->ns().empty() || informer->ns() == ns;
    if (fits && informer->type() == type) found.push_back(informer);
  }
  return found;
}

std::shared_ptr<const Json> InformerCache::get(const ResourceType& type,
                                               const ObjectKey& key) const {
  for (const auto& informer : following(type, key.ns)) {
    if (auto object = informer->store().get(key)) return object;
  }
  return nullptr;
}

std::vector<std::shared_ptr<const Json>> InformerCache::owned_by(const ResourceType& type,
                                                                 const std::string& uid) const {
  std::vector<std::shared_ptr<const Json>> all;
  for (const auto& informer : following(type, "")) {
    auto part = informer->store().owned_by(uid);
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

std::vector<std::shared_ptr<const Json>> InformerCache::labelled(const ResourceType& type,
                                                                 const std::string& ns,
                                                                 std::string_view label,
                                                                 std::string_view value) const {
  std::vector<std::shared_ptr<const Json>> all;
  for (const auto& informer : following(type, ns)) {
    auto part = informer->store().labelled(ns, label, value);
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

std::vector<std::shared_ptr<const Json>> InformerCache::list(const ResourceType& type,
                                                             const std::string& ns) const {
  std::vector<std::shared_ptr<const Json>> all;
  for (const auto& informer : following(type, ns)) {
    auto part = informer->store().list(ns);
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

void InformerCache::for_each(const ResourceType& type, const std::string& ns,
                             const std::function<void(const Json&)>& visit) const {
  for (const auto& informer : following(type, ns))
    informer->store().for_each(ns, [&](const Store::Object& object) { visit(*object); });
}

std::vector<ObjectKey> InformerCache::keys(const ResourceType& type, const std::string& ns) const {
  std::vector<ObjectKey> all;
  for (const auto& informer : following(type, ns)) {
    auto part = informer->store().keys(ns);
    all.insert(all.end(), std::make_move_iterator(part.begin()),
               std::make_move_iterator(part.end()));
  }
  return all;
}

}  // namespace kube
