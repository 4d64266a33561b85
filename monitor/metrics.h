#pragma once

// Metrics: the numbers that Prometheus scrapes. The names of the Kubeflow operator for applications
// and executors, sparkcron_schedule_* per schedule.
//
// Nothing is counted twice by a restart: per-schedule counters are those of the ledger, and without
// metric labels the totals of applications begin where the ledger is. Series of a deleted schedule
// vanish. The number of schedules and of label combinations that get series of their own is
// bounded; what is beyond is shown under "Other" or left out, and counted in
// sparkcron_metrics_dropped_total.
//
// A scrape asks nobody who may wait for a disk: what it shows is in memory, and under the mutex it
// is only copied. Nothing that is told waits for a scrape to be rendered, nor a scrape for a
// recorder. Threads: any.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/http/server.h"
#include "base/mutex.h"
#include "runner/telemetry.h"

namespace monitor {

class Exposition;

// One number of the process, read at each scrape.
struct Reading {
  enum class Kind { Counter, Gauge };
  std::string name;
  std::string help;
  Kind kind = Kind::Gauge;
  double value = 0;
};

struct MetricsOptions {
  // Keys of labels of applications and executors that become metric labels; "namespace" falls back
  // to the object's namespace, anything else that is absent to "Unknown". '-' and '.' become '_'.
  std::vector<std::string> labels;
  size_t max_label_sets = 1'000;
  size_t max_schedules = 10'000;
  // What the ledger has counted of a schedule, by reason: where its skips begin. Asked on the
  // thread of schedule_decided() when a schedule is new, without locks held; nullopt: asked again
  // at its next decision. May be empty: then skips are counted since the start of the process.
  std::function<std::optional<std::map<std::string, uint64_t>>(const std::string& uid)> skip_counts;
  // Asked at each scrape, without locks held; must not wait. Each name once.
  std::vector<std::function<std::vector<Reading>()>> readings;
  // What the ledger has counted before this process: where the totals begin.
  runner::RunCounts totals;
  std::string version;  // sparkcron_build_info
};

class Metrics final : public runner::Telemetry {
 public:
  explicit Metrics(MetricsOptions options);
  ~Metrics() override;

  void application_changed(const runner::ApplicationReport& facts,
                           std::string_view before) override;
  void application_gone(const std::string& uid) override;
  void executor_changed(const runner::ExecutorReport& facts, std::string_view before) override;
  void executor_gone(const std::string& pod_uid) override;
  void schedule_decided(const runner::ScheduleReport& facts) override;
  void schedule_gone(const kube::ObjectKey& key) override;
  void schedule_ready(const kube::ObjectKey& schedule, std::string_view reason) override;
  void slot_started(const kube::ObjectKey& schedule, std::chrono::milliseconds lateness) override;
  void slots_skipped(const kube::ObjectKey& schedule, std::string_view reason,
                     uint64_t count) override;

  void reconcile_failed(std::string_view controller, std::string_view reason) override;
  void queue_length(std::string_view controller, uint64_t length) override;
  void api_called(std::string_view verb, std::string_view outcome,
                  std::chrono::milliseconds duration) override;
  void objects_failing(std::string_view controller, uint64_t count) override;
  void object_unreadable(std::string_view resource) override;
  void admission_answered(std::string_view resource, std::string_view answer,
                          std::chrono::milliseconds took) override;

  // The text format 0.0.4; of the named families alone, unless none is named.
  [[nodiscard]] std::string text(const std::set<std::string_view>& names = {}) const;
  // The same without series of single schedules; of all of them together only how late their runs
  // were. Short, however many there are.
  [[nodiscard]] std::string text_without_schedules() const;
  // For GET /metrics; `?name[]=family`, given once or more, asks for those only.
  [[nodiscard]] base::http::Handler handler() const;

 private:
  struct ApplicationSeries;  // of one combination of labels
  struct ScheduleSeries;
  struct AdmissionSeries;  // of one resource
  struct ApiCalls;         // durations, of one verb and outcome
  struct Snapshot;         // all numbers of one moment
  using LabelValues = std::vector<std::string>;

  ApplicationSeries& series_of(const std::string& ns,
                               const std::map<std::string, std::string>& labels) REQUIRES(mutex_);
  // nullptr when there are too many.
  ScheduleSeries* schedule_of(const kube::ObjectKey& key) REQUIRES(mutex_);
  void count_application(ApplicationSeries& series, const runner::ApplicationReport& facts,
                         std::string_view before) REQUIRES(mutex_);
  void collect_controllers(Exposition& out) const;
  void collect_admission(Exposition& out) const;
  void begin_skips(const runner::ScheduleReport& facts);
  [[nodiscard]] Snapshot snapshot() const;
  void collect_applications(const Snapshot& snapshot, Exposition& out) const;
  static void collect_schedules(const Snapshot& snapshot, Exposition& out);
  static void collect_ready(const Snapshot& snapshot, Exposition& out);
  static void collect_lateness(const Snapshot& snapshot, Exposition& out);
  void collect_process(const Snapshot& snapshot, Exposition& out) const;

  const MetricsOptions options_;
  mutable base::Mutex mutex_;
  std::map<LabelValues, std::unique_ptr<ApplicationSeries>> applications_ GUARDED_BY(mutex_);
  // By UID, what is told gone or not running goes.
  std::map<std::string, ApplicationSeries*> running_applications_ GUARDED_BY(mutex_);
  std::map<std::string, ApplicationSeries*> running_executors_ GUARDED_BY(mutex_);
  std::map<kube::ObjectKey, std::unique_ptr<ScheduleSeries>> schedules_ GUARDED_BY(mutex_);
  std::map<std::pair<std::string, std::string>, uint64_t> reconcile_errors_ GUARDED_BY(mutex_);
  std::map<std::string, AdmissionSeries> admission_ GUARDED_BY(mutex_);  // by resource
  std::map<std::string, uint64_t> queued_ GUARDED_BY(mutex_);            // by controller
  // By verb and outcome, of which there are few.
  std::map<std::pair<std::string, std::string>, std::unique_ptr<ApiCalls>> api_calls_
      GUARDED_BY(mutex_);
  std::map<std::string, uint64_t> failing_ GUARDED_BY(mutex_);     // by controller
  std::map<std::string, uint64_t> unreadable_ GUARDED_BY(mutex_);  // by resource
  uint64_t dropped_ GUARDED_BY(mutex_) = 0;
};

}  // namespace monitor
