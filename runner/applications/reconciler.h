#pragma once

// ApplicationReconciler: the shell around decide() for SparkApplications. Load, observe, decide,
// perform in order, record, write the status if it changed.
//
// Threads: reconcile() from several workers, never twice at once for one key.

#include <map>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/mutex.h"
#include "kube/api.h"
#include "kube/event_recorder.h"
#include "kube/reconciler.h"
#include "runner/applications/decide.h"
#include "runner/applications/options.h"
#include "runner/applications/submitter.h"
#include "runner/applications/telemetry.h"
#include "runner/run_recorder.h"

namespace runner::applications {

class ApplicationReconciler final : public kube::Reconciler {
 public:
  ApplicationReconciler(kube::Api& api, const kube::Cache& cache, kube::EventRecorder& events,
                        RunRecorder& recorder, base::Clock& clock, ApplicationOptions options);

  base::Result<kube::Reconciled> reconcile(const kube::ObjectKey& key) override;
  void failing(const kube::ObjectKey& key, const base::Error& error, int failures) override;

 private:
  // What one look at an application carries from one action to the next.
  struct Round {
    const Application& app;
    const nlohmann::json& object;
    const ObservedPods& observed;
    ApplicationStatus status;
    std::string version;  // of the object as our last write left it
    std::optional<base::WallTime> wake_at;
  };
  base::Result<ObservedPods> observe(const Application& app, const nlohmann::json& object) const;
  base::Result<std::optional<nlohmann::json>> find_driver(const Application& app,
                                                          const nlohmann::json& object) const;
  // Performs one action; Submit replaces the status.
  base::Status perform(const ApplicationAction& action, Round& round);
  base::Status clean_up(const Round& round);
  base::Status remove(const kube::ResourceType& type, const std::string& name,
                      const std::string& ns, const std::string& uid);
  // True: it was one, and goes.
  base::Result<bool> drop_stray(const Application& app, const nlohmann::json& object);
  base::Status set_finalizer(Round& round, kube::Finalizer wanted);
  base::Status write(const Round& round);
  std::string unwritten_driver(const Application& app) const EXCLUDES(mutex_);
  void forget_unwritten(const kube::ObjectKey& key) EXCLUDES(mutex_);

  kube::Api& api_;
  const kube::Cache& cache_;
  kube::EventRecorder& events_;
  RunRecorder& recorder_;
  base::Clock& clock_;
  const ApplicationOptions options_;
  Submitter submitter_;
  ApplicationTelemetry telemetry_;

  struct UnwrittenDriver {
    std::string uid;  // of the application
    std::string pod;
  };
  mutable base::Mutex mutex_;
  // Drivers that may exist though no status names them; at most one for each application there is.
  std::map<kube::ObjectKey, UnwrittenDriver> unwritten_ GUARDED_BY(mutex_);
};

// spec.driver.podName, else sparkConf's spark.kubernetes.driver.pod.name, else "<name>-driver".
std::string driver_pod_name(const nlohmann::json& application);

}  // namespace runner::applications
