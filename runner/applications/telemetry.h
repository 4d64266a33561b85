#pragma once

// ApplicationTelemetry: tells runner::Telemetry about applications and their executors, each change
// once. A look at an older object (a cache that lags) or the same round done twice tells nothing
// new.
//
// Across a restart the status is the memory: what it already says was counted by whoever wrote it.
//
// Threads: any; never twice at once for one key.

#include <map>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/mutex.h"
#include "kube/reconciler.h"
#include "runner/application.h"
#include "runner/telemetry.h"

namespace runner::applications {

class ApplicationTelemetry {
 public:
  // `to` may be null: then nothing is told or remembered. Otherwise it must outlive this.
  explicit ApplicationTelemetry(Telemetry* to);

  // `status` now stands in the API; app.status is what stood there before.
  void written(const Application& app, const nlohmann::json& object,
               const ApplicationStatus& status, const kube::Cache& cache);
  // A round changed nothing: executors may have, and an application may be new to this process.
  void seen(const Application& app, const nlohmann::json& object, const kube::Cache& cache);
  void gone(const kube::ObjectKey& key);

 private:
  struct Known {
    std::string uid;
    std::string state;
    std::map<std::string, std::string> executors;  // the phase by the pod's UID
  };

  Known known(const kube::ObjectKey& key) const EXCLUDES(mutex_);
  void report_executors(Known& known, const Application& app, const kube::Cache& cache);

  Telemetry* const to_;
  mutable base::Mutex mutex_;
  std::map<kube::ObjectKey, Known> known_ GUARDED_BY(mutex_);
};

}  // namespace runner::applications
