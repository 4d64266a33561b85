#pragma once

// ApplicationReconciler: the shell around decide() for SparkApplications. Load, observe, decide,
// perform in order, record, write the status if it changed.
//
// Threads: reconcile() from several workers, never twice at once for one key.

#include <functional>
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "kube/api.h"
#include "kube/event_recorder.h"
#include "kube/reconciler.h"
#include "runner/applications/decide.h"
#include "runner/applications/telemetry.h"
#include "runner/run_recorder.h"

namespace runner::applications {

struct ApplicationOptions {
  std::string master_url = "https://kubernetes.default.svc";  // becomes spark.master
  std::string spark_user = "root";
  std::map<std::string, std::string> default_conf;
  // Standalone: executors run as threads of the driver, spark.kubernetes.driver.master=local[N]
  // with N at most this, unless the application asks for pods (annotation) or `executors_as_pods`
  // is set.
  std::optional<int> local_cores;
  bool executors_as_pods = false;
  Telemetry* telemetry = nullptr;  // told what happens, if there
};

class ApplicationReconciler final : public kube::Reconciler {
 public:
  ApplicationReconciler(kube::Api& api, const kube::Cache& cache, kube::EventRecorder& events,
                        RunRecorder& recorder, base::Clock& clock, ApplicationOptions options);

  base::Result<kube::Reconciled> reconcile(const kube::ObjectKey& key) override;

 private:
  base::Result<ObservedPods> observe(const Application& app, const nlohmann::json& object) const;
  base::Result<std::optional<nlohmann::json>> read_live(const kube::ResourceType& type,
                                                        const kube::ObjectKey& key) const;
  // What a round carries from one action to the next.
  struct Outcome {
    ApplicationStatus status;
    std::string version;  // of the object as our last write left it
  };
  // Performs one action; Submit replaces the status.
  base::Status perform(const ApplicationAction& action, const Application& app,
                       const nlohmann::json& object, Outcome& outcome);
  base::Status submit(const Application& app, const nlohmann::json& object, const Attempt& attempt,
                      ApplicationStatus& status);
  base::Status create_owned(const Application& app, const Attempt& attempt, nlohmann::json object);
  base::Status clean_up(const Application& app);
  base::Status set_finalizer(const Application& app, const nlohmann::json& object,
                             kube::Finalizer wanted, std::string& version);
  base::Status write(const Application& app, const nlohmann::json& object, const Outcome& outcome);

  kube::Api& api_;
  const kube::Cache& cache_;
  kube::EventRecorder& events_;
  RunRecorder& recorder_;
  base::Clock& clock_;
  ApplicationOptions options_;
  ApplicationTelemetry telemetry_;
};

// spec.driver.podName, else sparkConf's spark.kubernetes.driver.pod.name, else "<name>-driver".
std::string driver_pod_name(const nlohmann::json& application);

// A hash of UID and attempt (design §8).
std::string submission_id_of(const std::string& uid, const Attempt& attempt);

}  // namespace runner::applications
