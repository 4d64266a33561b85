#pragma once

// LogCollector: keeps the logs of drivers on a cluster before their pods go. A driver that has
// ended, or that is being deleted and still prints, is read through the API (pods/log), packed and
// put into a LogStore. Each replica keeps its own; what a store has already is not read again.
//
// Whoever deletes a pod, or what owns one, waits for its log a little (await): until it is kept,
// until kPatience after the driver's end, and not at all while the store fails. With a second store
// the log waits there meanwhile. What could not be kept is counted, logged and said in an event at
// the pod; it never holds up a run.
//
// Threads: any; reconcile() from several workers, never twice at once for one key.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "base/clock.h"
#include "base/http/client.h"
#include "base/mutex.h"
#include "base/result.h"
#include "kube/event_recorder.h"
#include "kube/log_source.h"
#include "kube/reconciler.h"
#include "monitor/log_store.h"

namespace monitor {

struct LogCollectorNumbers {
  uint64_t kept = 0;
  uint64_t lost = 0;      // their pods went first
  uint64_t failures = 0;  // of the store
  size_t waiting = 0;
  base::Status store;  // how the last put ended
};

class LogCollector final : public kube::Reconciler {
 public:
  static constexpr std::chrono::milliseconds kPatience{20'000};
  static constexpr size_t kMaxLog = size_t{16} << 20;

  // HttpApi::logs.
  using Fetch = std::function<base::Result<std::unique_ptr<base::http::BodyStream>>(
      const kube::ObjectKey& pod, const kube::LogOptions& options)>;

  // The cache follows pods. `meanwhile` may be null. All outlive it.
  LogCollector(const kube::Cache& cache, LogStore& store, LogStore* meanwhile, Fetch fetch,
               kube::EventRecorder& events, base::Clock& clock)
      : cache_(cache),
        store_(store),
        meanwhile_(meanwhile),
        fetch_(std::move(fetch)),
        events_(events),
        clock_(clock) {}

  // Of a pod, each time it changes, as it was and as it is. Call it when the cache shows the
  // change, before anybody acts on it.
  void seen(const kube::Json& pod);
  base::Result<kube::Reconciled> reconcile(const kube::ObjectKey& pod) override;
  void failing(const kube::ObjectKey& pod, const base::Error& error, int failures) override;
  // Before this pod, or this run with its pods, is deleted.
  void await_pod(const kube::ObjectKey& pod);
  void await_run(const kube::ObjectKey& run);
  // Nobody waits from now on, and what is read is given up.
  void stop();
  [[nodiscard]] LogCollectorNumbers numbers() const;

 private:
  struct Pending {
    KeptLog log;
    base::SteadyTime since;
  };
  void await(const std::function<bool(const Pending&)>& concerns);
  base::Result<std::optional<std::string>> read(const KeptLog& log, bool follow);
  base::Status put(const KeptLog& log, const std::string& packed);
  bool begin_follow();
  void end_follow();
  void settle(const KeptLog& log);
  void lose_others(const kube::ObjectKey& pod, const std::string& uid);

  const kube::Cache& cache_;
  LogStore& store_;
  LogStore* const meanwhile_;
  const Fetch fetch_;
  kube::EventRecorder& events_;
  base::Clock& clock_;
  mutable base::Mutex mutex_;
  base::CondVar changed_;
  bool stopped_ GUARDED_BY(mutex_) = false;
  // By pod UID; of pods that the cache has.
  std::map<std::string, Pending> pending_ GUARDED_BY(mutex_);
  std::set<std::string> done_ GUARDED_BY(mutex_);
  std::set<base::http::BodyStream*> reading_ GUARDED_BY(mutex_);
  int follows_ GUARDED_BY(mutex_) = 0;
  LogCollectorNumbers numbers_ GUARDED_BY(mutex_);
};

}  // namespace monitor
