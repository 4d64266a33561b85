#pragma once

// Informer: keeps a Store equal to what the API holds, and tells its handlers what changed. One
// thread lists, watches and lists again, as kube/watcher.h says, for ever: whatever goes wrong is
// logged, waited for and tried again. An object that cannot be read is not in the store; it is
// logged, counted and reported, and the others go on. A handler that throws loses that one change,
// which is logged; for want of memory it is called again first.
//
// Threads: add_handler(), trim_with(), stream_lists() and the on_…() before start() only; the rest
// from any thread. Handlers run on the informer's thread, after the store shows the change, and
// must not block.

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
  // What is kept of an object, if that is less than all but managedFields; its metadata must stay.
  using Trim = std::function<std::optional<Json>(const Json&)>;
  void trim_with(Trim trim) { trim_ = std::move(trim); }
  // The Api's watches without a resourceVersion begin with what there is (HttpApi::watch): no lists
  // where the server offers that.
  void stream_lists() { streams_ = true; }
  // Called once, on the informer's thread, when has_synced() has become true.
  void on_synced(std::function<void()> handler) { synced_handler_ = std::move(handler); }
  void start();
  // Ends the watch and joins. A request under way is waited for; HttpApiOptions::stop ends it.
  void stop();

  [[nodiscard]] const ResourceType& type() const { return type_; }
  // "" = all.
  [[nodiscard]] const std::string& ns() const { return scope_.ns; }
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
  void slim(Json& object) const;
  [[nodiscard]] PackedObject slimmed(PackedObject object) const;
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
  std::function<void()> synced_handler_;
  bool streams_ = false;
  Trim trim_;
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

// The stores of several informers as one kube::Cache. Several of one type (one per namespace) are
// seen as one. Asking for a type that is not expected is a programming error.
//
// Threads: any.
class InformerCache final : public Cache {
 public:
  // Asked for, also while no informer follows it. add() says so, too.
  void expect(const ResourceType& type);
  // The informer must outlive this, or have an owner.
  void add(const Informer& informer);
  void add(std::shared_ptr<const Informer> informer);
  void remove(const Informer& informer);
  [[nodiscard]] std::shared_ptr<const Json> get(const ResourceType& type,
                                                const ObjectKey& key) const override;
  [[nodiscard]] std::vector<std::shared_ptr<const Json>> owned_by(
      const ResourceType& type, const std::string& uid) const override;
  [[nodiscard]] std::vector<std::shared_ptr<const Json>> labelled(
      const ResourceType& type, const std::string& ns, std::string_view label,
      std::string_view value) const override;
  [[nodiscard]] std::vector<std::shared_ptr<const Json>> list(const ResourceType& type,
                                                              const std::string& ns) const override;
  void for_each(const ResourceType& type, const std::string& ns,
                const std::function<void(const Json&)>& visit) const override;
  [[nodiscard]] std::vector<ObjectKey> keys(const ResourceType& type,
                                            const std::string& ns) const override;

 private:
  // Those of one namespace, "" = all.
  [[nodiscard]] std::vector<std::shared_ptr<const Informer>> following(const ResourceType& type,
                                                                       const std::string& ns) const;
  mutable base::Mutex mutex_;
  std::vector<std::shared_ptr<const Informer>> informers_ GUARDED_BY(mutex_);
  std::vector<ResourceType> expected_ GUARDED_BY(mutex_);
};

}  // namespace kube
