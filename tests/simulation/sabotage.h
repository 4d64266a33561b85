#pragma once

// Sabotage: takes one guard away from the schedule controller, from outside, by lying to it or by
// changing what it says. A simulation that stays content with a sabotaged controller has no teeth.

#include <memory>

#include "kube/forwarding_api.h"
#include "kube/reconciler.h"
#include "runner/run_recorder.h"

namespace simulation {

enum class Sabotage {
  None,
  RandomNames,           // the name is no lock: each creation finds a free one
  OwnByLabel,            // whatever carries the label is ours
  ForgetHeld,            // slots that are held are forgotten
  IgnoreOldDrivers,      // runs that are being stopped, and their drivers, are not seen
  CountAgain,            // a run that was counted is counted again
  TrustTheCache,         // the API is not asked before something is believed
  TrustCachedSchedules,  // … but for the runs and drivers
  TrustCachedRuns,       // … but for the schedule
  NoOptimisticLock,      // the status is written over whatever is there
  ForgetRecords,         // nobody looks whether a run was recorded
  ForgetAccounted,       // what was accounted for is not written down
  ForgetAhead,           // what a wrong clock has started is not written down
  BelieveAnyClock,       // what was accounted for never comes back
  GiveUpDrivers,         // a driver that is refused is a failed run
  ForgetCounts,          // a status that was taken away is made from nothing
  ForgetTriggers,        // … but for the wish that was handled
  ForgetUnfinished,      // … but for the runs that go on
  IgnoreHeldRuns,        // a run whose driver is not made yet holds no slot
};

// Decorators around what the controllers are given.
class SabotagedApi final : public kube::ForwardingApi {
 public:
  SabotagedApi(kube::Api& api, const kube::Cache& cache, Sabotage sabotage)
      : ForwardingApi(api), cache_(cache), sabotage_(sabotage) {}

  base::Result<kube::Json> get(const kube::ResourceType& type, const kube::ObjectKey& key) override;
  base::Result<kube::ObjectList> list(const kube::ResourceType& type,
                                      const kube::ListOptions& options) override;
  base::Result<kube::Json> create(const kube::ResourceType& type,
                                  const kube::Json& object) override;
  base::Result<kube::Json> update(const kube::ResourceType& type, const kube::Json& object,
                                  std::string_view subresource = "") override;

 private:
  kube::Json adopt(kube::Json run);

  const kube::Cache& cache_;
  Sabotage sabotage_;
  uint64_t creations_ = 0;
};

class SabotagedCache final : public kube::Cache {
 public:
  SabotagedCache(const kube::Cache& cache, Sabotage sabotage)
      : cache_(cache), sabotage_(sabotage) {}

  std::shared_ptr<const kube::Json> get(const kube::ResourceType& type,
                                        const kube::ObjectKey& key) const override;
  std::vector<std::shared_ptr<const kube::Json>> owned_by(const kube::ResourceType& type,
                                                          const std::string& uid) const override;
  std::vector<std::shared_ptr<const kube::Json>> list(const kube::ResourceType& type,
                                                      const std::string& ns) const override;

 private:
  const kube::Cache& cache_;
  Sabotage sabotage_;
};

class SabotagedRecorder final : public runner::RunRecorder {
 public:
  SabotagedRecorder(runner::RunRecorder& recorder, Sabotage sabotage)
      : recorder_(recorder), sabotage_(sabotage) {}

  base::Status record_run(const runner::RunRecord& run) override;
  base::Result<std::vector<runner::RunRecord>> runs_after(const std::string& schedule_uid,
                                                          base::WallTime slot) override;
  base::Result<std::optional<runner::RunRecord>> find_run(const std::string& schedule_uid,
                                                          const std::string& name) override;
  base::Status record_skip(const runner::SkipRecord& skip) override;
  base::Result<runner::RunCounts> counts(const kube::ObjectKey& schedule,
                                         const std::string& schedule_uid,
                                         const runner::RunCounts& floor,
                                         const std::string& trigger) override;
  base::Status handled(const std::string& schedule_uid, const std::string& trigger) override {
    return recorder_.handled(schedule_uid, trigger);
  }
  base::Result<std::optional<runner::Remembered>> remembered(
      const std::string& schedule_uid, std::chrono::sys_seconds until) override;

 private:
  runner::RunRecorder& recorder_;
  Sabotage sabotage_;
};

}  // namespace simulation
