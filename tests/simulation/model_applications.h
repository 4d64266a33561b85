#pragma once

// ModelApplications: the SparkApplication controller in small: one driver per run, outcomes
// recorded before they are told, the finalizer held until then. Fast, so that many lives can be
// simulated; simulation_test.cpp runs the product's own controller in its place as well.
//
// Threads: one.

#include "base/clock.h"
#include "kube/reconciler.h"
#include "runner/run_recorder.h"

namespace simulation {

class ModelApplications final : public kube::Reconciler {
 public:
  ModelApplications(kube::Api& api, const kube::Cache& cache, runner::RunRecorder& recorder,
                    base::Clock& clock)
      : api_(api), cache_(cache), recorder_(recorder), clock_(clock) {}

  base::Result<kube::Reconciled> reconcile(const kube::ObjectKey& key) override;

 private:
  base::Status submit(const kube::Json& run);
  base::Status set_state(const kube::Json& run, const std::string& state);
  base::Status finish(const kube::Json& run, const std::string& state);
  base::Status let_go(const kube::Json& run);

  kube::Api& api_;
  const kube::Cache& cache_;
  runner::RunRecorder& recorder_;
  base::Clock& clock_;
};

}  // namespace simulation
