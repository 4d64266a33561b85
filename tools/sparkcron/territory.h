#pragma once

// Territory: the namespaces that the controllers look after, with the informers of each, and the
// cache over all of them. They are named, or found by a label selector; then they come and go while
// the service runs: what was in a namespace before its label is looked at when the label comes, and
// when the label goes nothing there is touched any more, and nothing deleted.
//
// A namespace counts once all of its informers have synced: a half-filled cache would lie. One that
// cannot be read keeps no other from being looked after.
//
// Threads: any; one of its own, which the hooks are called on as well as on the informers'.

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "kube/api.h"
#include "kube/informer.h"
#include "kube/store.h"

namespace sparkcron {

struct TerritoryOptions {
  std::vector<std::string> namespaces;
  std::string selector;  // of more namespaces, by their labels; neither of both: all there are
};

class Territory {
 public:
  struct Followed {
    kube::ResourceType type;
    std::string label_selector;
    std::string indexed_label;
    kube::Informer::Trim trim;  // may be empty
  };
  struct Hooks {
    // Something about this object has changed, or it is new to us, or not ours any more.
    std::function<void(const kube::ResourceType& type, const kube::PackedObject& object)> on_change;
    kube::Informer::UnreadableHandler on_unreadable;
  };

  // The Api and the clock must outlive it.
  Territory(kube::Api& api, base::Clock& clock, TerritoryOptions options,
            std::vector<Followed> followed, Hooks hooks);
  ~Territory();  // as stop()
  Territory(const Territory&) = delete;
  Territory& operator=(const Territory&) = delete;

  void start();
  void stop();
  // All that there was at the start has been read. Stays so.
  [[nodiscard]] bool ready() const;
  // Calls on_change for everything.
  void tell_all() const;
  [[nodiscard]] const kube::Cache& cache() const { return cache_; }
  // Those that count now; "" stands for all.
  [[nodiscard]] std::vector<std::string> namespaces() const;

 private:
  struct Scope {
    std::vector<std::shared_ptr<kube::Informer>> informers;
    std::atomic<bool> open = false;
    bool told = false;  // what it held when it opened; of the territory's thread
  };
  std::shared_ptr<Scope> make(const std::string& ns);
  void run();
  void notify();
  void match();
  void open();
  void add(const std::string& ns);
  void close(const std::string& ns);
  void tell(const Scope& scope) const;
  [[nodiscard]] std::map<std::string, std::shared_ptr<Scope>> scopes() const;

  kube::Api& api_;
  base::Clock& clock_;
  const TerritoryOptions options_;
  const std::vector<Followed> followed_;
  const Hooks hooks_;
  kube::InformerCache cache_;
  std::unique_ptr<kube::Informer> labelled_;  // namespaces; null without a selector

  mutable base::Mutex mutex_;
  base::CondVar changed_;
  bool look_ GUARDED_BY(mutex_) = true;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::map<std::string, std::shared_ptr<Scope>> scopes_ GUARDED_BY(mutex_);
  std::atomic<bool> matched_ = false;
  std::atomic<bool> ready_ = false;
  std::thread thread_;
};

}  // namespace sparkcron
