#pragma once

// Controllers: informers and both controllers over one API, as standalone and `sparkcron
// controller` run them.
//
// A replica that waits for its lease follows: its caches are filled and kept, so that it takes over
// without reading anything first.
//
// Threads: all from any, at the same time too: the elector starts them on a thread of its own while
// the main thread may already be stopping. Once stopped they never start.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "kube/api.h"
#include "kube/event_recorder.h"
#include "kube/reconciler.h"
#include "monitor/ledger.h"
#include "monitor/log_collector.h"
#include "runner/applications/reconciler.h"
#include "runner/run_recorder.h"
#include "runner/telemetry.h"

namespace sparkcron {

struct ControllersOptions {
  std::string default_time_zone = "UTC";
  // Those named and those that the selector of labels finds; neither: all.
  std::vector<std::string> namespaces;
  std::string namespace_selector;
  int workers = 4;
  runner::applications::ApplicationOptions application;
  runner::Telemetry* telemetry = nullptr;  // may be null
  // On a cluster: each replica, from follow() on, writes what the API shows into its own ledger and
  // keeps the logs of drivers.
  struct Keeping {
    monitor::Ledger& ledger;
    monitor::LogStore& logs;
    monitor::LogStore* meanwhile = nullptr;  // while that one fails; may be null
    monitor::LogCollector::Fetch fetch;
  };
  std::optional<Keeping> keeping;
  // Called when something about a schedule has changed, and the cache shows it; must not block.
  // May be empty.
  std::function<void(const kube::PackedObject& schedule)> on_schedule;
};

class Controllers {
 public:
  // Everything passed in must outlive it.
  Controllers(kube::Api& api, kube::EventRecorder& events, runner::RunRecorder& recorder,
              base::Clock& clock, const ControllersOptions& options);
  ~Controllers();  // as stop()

  // Informers begin; nothing is decided yet.
  void follow();
  // Decisions begin; follows first, if nobody did.
  void start();
  // Waits until nothing runs; nothing will, also if start() comes later.
  void stop();
  // Every informer has listed once: the caches show what the API has.
  [[nodiscard]] bool ready() const;
  // Blocks while schedules wait to be looked at: their starts come first. Not longer than `most`.
  void await_starts(std::chrono::milliseconds most) const;
  // Looks at every schedule and application once more: what exists is recorded again. Any thread,
  // also a worker of theirs.
  void look_again();
  // Fails with "2 objects have been failing for over a minute". A warning of the health checks, not
  // a failure: out of rotation, the service would be gone just when somebody must mend the object
  // or the webhook; each object's condition and event, the log and sparkcron_failing_objects name
  // it.
  [[nodiscard]] base::Status objects_work() const;
  // Of an object in the cache, "" if there is none or it has none.
  [[nodiscard]] std::string annotation(const kube::ResourceType& type, const kube::ObjectKey& key,
                                       const char* name) const;
  // What is followed: schedules, applications and their pods.
  [[nodiscard]] const kube::Cache& cache() const;
  // All zero without Keeping.
  [[nodiscard]] monitor::LogCollectorNumbers logs() const;

 private:
  struct Parts;
  enum class State { New, Following, Running, Stopped };
  kube::EventRecorder& events_;
  const std::unique_ptr<Parts> parts_;
  void follow_locked() REQUIRES(mutex_);

  base::Mutex mutex_;
  State state_ GUARDED_BY(mutex_) = State::New;
};

}  // namespace sparkcron
