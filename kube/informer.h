#pragma once

// Informer: keeps a Store equal to what the API holds, and tells its handlers what changed. One
// thread lists, watches and lists again, as kube/watcher.h says, for ever: whatever goes wrong is
// logged, waited for and tried again. An object that cannot be read is not in the store; it is
// logged, counted and reported, and the others go on. A handler that throws loses that one change,
// which is logged; for want of memory it is called again first.
//
// Threads: add_handler() and on_unreadable() before start() only; the rest from any thread.
// Handlers run on the informer's thread, after the store shows the change, and must not block.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "kube/api.h"
#include "kube/back_off.h"
#include "kube/reconciler.h"
#include "kube/store.h"
#include "kube/watcher.h"

namespace kube {

class Informer {
 public:
  using Handler = std::function<void(const StoreDelta&)>;

  // `scope`: namespace and selectors. The Api and the clock must outlive it.
  // `indexed_label`: what Cache::labelled() will ask for.
  Informer(Api& api, base::Clock& clock, ResourceType type, ListOptions scope = {},
           BackOffPolicy policy = {}, std::string indexed_label = {});
  ~Informer();  // as stop()
  Informer(const Informer&) = delete;
  Informer& operator=(const Informer&) = delete;

  void add_handler(Handler handler) { handlers_.push_back(std::move(handler)); }
  // Called for each such object, again after each list that has it.
  using UnreadableHandler = std::function<void(const ResourceType&, const Unreadable&)>;
  void on_unreadable(UnreadableHandler handler) { unreadable_handler_ = std::move(handler); }
  void start();
  // Ends the watch and joins. A request under way is waited for; HttpApiOptions::stop ends it.
  void stop();

  [[nodiscard]] const ResourceType& type() const { return type_; }
  [[nodiscard]] const Store& store() const { return store_; }
  // The store has shown a whole list once.
  [[nodiscard]] bool has_synced() const;
  // Blocks until then. False when stopped first.
  bool await_synced(const std::stop_token& stop) const;
  // Objects that could not be read, since the start.
  [[nodiscard]] uint64_t unreadable() const { return unreadable_; }

 private:
  void run();
  WatcherInput ask(WatcherAsk what, const WatcherState& state);
  void carry_out(StoreChange change);
  void tell(const StoreDelta& delta);
  void report(const Unreadable& lost);
  void pause();
  void wait(const WatcherStep& step);
  [[nodiscard]] bool stopping() const;

  Api& api_;
  base::Clock& clock_;
  const ResourceType type_;
  const ListOptions scope_;
  const BackOffPolicy policy_;
  std::vector<Handler> handlers_;
  UnreadableHandler unreadable_handler_;
  std::atomic<uint64_t> unreadable_ = 0;
  Store store_;
  mutable base::Mutex mutex_;
  mutable base::CondVar changed_;
  bool synced_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::unique_ptr<Watch> watch_ GUARDED_BY(mutex_);
  base::SteadyTime opened_{};  // the thread's own: the watch
  std::thread thread_;
};

// The stores of several informers as one kube::Cache. Asking for a type that none follows is a
// programming error.
class InformerCache final : public Cache {
 public:
  // Before any reader. Several informers of one type (one per namespace) are seen as one.
  void add(const Informer& informer) { informers_.push_back(&informer); }
  [[nodiscard]] std::shared_ptr<const Json> get(const ResourceType& type,
                                                const ObjectKey& key) const override;
  [[nodiscard]] std::vector<std::shared_ptr<const Json>> owned_by(
      const ResourceType& type, const std::string& uid) const override;
  [[nodiscard]] std::vector<std::shared_ptr<const Json>> labelled(
      const ResourceType& type, const std::string& ns, std::string_view label,
      std::string_view value) const override;
  [[nodiscard]] std::vector<std::shared_ptr<const Json>> list(const ResourceType& type,
                                                              const std::string& ns) const override;

 private:
  [[nodiscard]] std::vector<const Store*> stores(const ResourceType& type) const;
  std::vector<const Informer*> informers_;
};

}  // namespace kube
