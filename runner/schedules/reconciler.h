#pragma once

// ScheduleReconciler: the shell around scheduler::decide_slots() for ScheduledSparkApplications.
// Load, observe, decide, perform in order (stopping at the first error), write the status if it
// changed, record what was skipped.
//
// The cache is believed about what exists, never about what does not: before a run is taken for
// gone, and before a slot passes without a run, the API itself is asked; before a run is started as
// much as its policy needs (README.md). A round that has created runs writes no status: what waits
// is looked at first, and the next round finds them.
//
// An error of any step is tried again by whoever runs it, and shown by failing(): a condition and
// an event. Only a spec that our own parser refuses, or a template that can never be submitted,
// waits for an edit.
//
// Whoever runs it feeds it the keys of schedules, of the schedules that own a changed
// SparkApplication, and of the schedules named by the scheduled-app-name label of a driver pod that
// ended. Threads: reconcile() from several workers, never twice at once for one key.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "config/schedule_spec.h"
#include "kube/api.h"
#include "kube/event_recorder.h"
#include "kube/fresh_versions.h"
#include "kube/reconciler.h"
#include "runner/run_recorder.h"
#include "runner/schedules/leftovers.h"
#include "runner/schedules/memory.h"
#include "runner/schedules/run.h"
#include "runner/schedules/state.h"
#include "runner/schedules/status.h"
#include "runner/telemetry.h"

namespace runner::schedules {

// What submitting an application of this template would be refused for, by the path in the schedule
// ("spec.template.driver.memory …"); nullopt: nothing. Pure; called when a spec is new.
using TemplateCheck = std::function<std::optional<base::Error>(const nlohmann::json& application)>;

struct ScheduleOptions {
  std::string default_time_zone = "UTC";  // for an empty or "Local" spec.timeZone
  Telemetry* telemetry = nullptr;         // told what happens, if there
  TemplateCheck check_template;           // may be empty: every template is believed
  // Of schedules, shared by those that are due at once; if absent each is asked for. Must outlive.
  kube::FreshVersions* versions = nullptr;
};

class ScheduleReconciler final : public kube::Reconciler {
 public:
  ScheduleReconciler(kube::Api& api, const kube::Cache& cache, kube::EventRecorder& events,
                     RunRecorder& recorder, base::Clock& clock, ScheduleOptions options);

  base::Result<kube::Reconciled> reconcile(const kube::ObjectKey& key) override;
  void failing(const kube::ObjectKey& key, const base::Error& error, int failures) override;
  // Schedules that something is remembered of: those that exist.
  [[nodiscard]] size_t remembers() const { return memory_.size(); }

 private:
  // Confirmed: the schedule is the API's, its runs are the cache's.
  enum class View { Cached, Confirmed, Live };
  // One round over one version of the schedule: what was read, and what has been done.
  struct Round {
    const nlohmann::json& schedule;
    View view;
    config::ScheduleSpec parsed;
    std::optional<ScheduleState> before;
    std::optional<Remembered> remembered;  // of a schedule whose status was lost
    bool skips_are_old = false;            // those in the status are from before this process
    scheduler::Observed observed;
    std::vector<ScheduleRun> runs;  // with more detail, in the order of observed.runs
    std::vector<Leftover> leftovers;
    scheduler::Decision decision;
    size_t created = 0;           // runs that were not there before
    std::string trigger_refusal;  // why the trigger annotation stays
    Trouble trouble;
    bool template_is_believed = false;  // it is still to be checked

    void see(ScheduleRun run);
  };
  base::Result<kube::Reconciled> run_round(const nlohmann::json& schedule, View view);
  base::Result<kube::Reconciled> ask_the_api(const kube::ObjectKey& key, View view);
  // The cached schedule is as the API had it when the slots came that are to start.
  bool was_so_at_its_slot(const Round& round);
  base::Result<kube::Reconciled> finish(Round& round);
  base::Result<kube::Reconciled> report_invalid(const nlohmann::json& schedule,
                                                const base::Error& problem);

  void check_template(Round& round);
  base::Status observe(Round& round);
  void see_created(Round& round);
  base::Status observe_clock(Round& round);
  base::Status recall(Round& round);
  base::Status record_existing(const Round& round);
  base::Status find_ended(Round& round);
  base::Status find_pending(Round& round);
  base::Status name_wish(Round& round);
  base::Status find_uncounted(Round& round);
  base::Status see_recorded(Round& round, const RunRecord& record);
  base::Status stop_all(Round& round);
  base::Status start_all(Round& round);
  // False: the world is not as the decision took it; decide again.
  base::Result<bool> start(Round& round, const scheduler::StartRun& run);
  base::Result<bool> adopt_existing(Round& round, const scheduler::StartRun& run);
  base::Status record_created(const kube::ObjectKey& key);
  base::Status prune_all(Round& round);
  base::Status stop(Round& round, const scheduler::StopRun& run);
  base::Status prune(Round& round, const scheduler::DeleteRun& run);
  base::Status collect_leftovers(const Round& round);

  base::Status write_status(const nlohmann::json& schedule, nlohmann::json status);
  // Whether the annotation is gone; else the round goes on, and it stays.
  base::Result<bool> take_trigger(Round& round);
  int64_t taken_lately(const kube::ObjectKey& key, const std::string& trigger);
  void let_trigger_stay(Round& round, std::string reason);
  base::Status promise_wish(const Round& round, const scheduler::StartRun& run);
  base::Status remember_wish(const Round& round);
  base::Status record_skips(const nlohmann::json& schedule, const ScheduleState& state);
  void report(const Round& round, const nlohmann::json& status);
  void report_not_ready(const nlohmann::json& schedule, const std::string& reason);
  std::optional<base::WallTime> next_look(const Round& round);

  kube::Api& api_;
  const kube::Cache& cache_;
  kube::EventRecorder& events_;
  RunRecorder& recorder_;
  base::Clock& clock_;
  ScheduleOptions options_;
  ScheduleMemory memory_;
};

}  // namespace runner::schedules
