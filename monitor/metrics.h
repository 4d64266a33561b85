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
// Threads: any.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/http/server.h"
#include "base/mutex.h"
#include "runner/telemetry.h"

namespace prometheus {
struct MetricFamily;
}

namespace monitor {

struct MetricsOptions {
  // Keys of labels of applications and executors that become metric labels; "namespace" falls back
  // to the object's namespace, anything else that is absent to "Unknown". '-' and '.' become '_'.
  std::vector<std::string> labels;
  size_t max_label_sets = 1'000;
  size_t max_schedules = 10'000;
  // Asked at every scrape, so that counters are the ledger's: by schedule UID, then reason. May be
  // empty: then skips are counted since the start of the process.
  std::function<std::map<std::string, std::map<std::string, uint64_t>>()> skip_counts;
  // What the ledger has counted before this process: where the totals begin.
  runner::RunCounts totals;
  std::string version;  // sparkcron_build_info
};

class Metrics final : public runner::Telemetry {
 public:
  explicit Metrics(MetricsOptions options);
  ~Metrics() override;

  void application_changed(const runner::ApplicationFacts& facts, std::string_view before) override;
  void application_gone(const std::string& uid) override;
  void executor_changed(const runner::ExecutorFacts& facts, std::string_view before) override;
  void executor_gone(const std::string& pod_uid) override;
  void schedule_decided(const runner::ScheduleFacts& facts) override;
  void schedule_gone(const kube::ObjectKey& key) override;
  void slot_started(const kube::ObjectKey& schedule, std::chrono::milliseconds lateness) override;
  void slots_skipped(const kube::ObjectKey& schedule, std::string_view reason,
                     uint64_t count) override;

  // The text format 0.0.4.
  [[nodiscard]] std::string text() const;
  // For GET /metrics.
  [[nodiscard]] base::http::Handler handler() const;

 private:
  struct Group;     // the series of one combination of labels
  struct Schedule;  // the series of one schedule
  using LabelValues = std::vector<std::string>;

  Group& group_of(const std::string& ns, const std::map<std::string, std::string>& labels)
      REQUIRES(mutex_);
  // nullptr when there are too many.
  Schedule* schedule_of(const kube::ObjectKey& key) REQUIRES(mutex_);
  void count_application(Group& group, const runner::ApplicationFacts& facts,
                         std::string_view before) REQUIRES(mutex_);
  void collect_groups(std::vector<prometheus::MetricFamily>& families) const REQUIRES(mutex_);
  void collect_schedules(std::vector<prometheus::MetricFamily>& families) const REQUIRES(mutex_);

  const MetricsOptions options_;
  mutable base::Mutex mutex_;
  std::map<LabelValues, std::unique_ptr<Group>> groups_ GUARDED_BY(mutex_);
  std::map<std::string, Group*> running_applications_ GUARDED_BY(mutex_);  // by UID
  std::map<std::string, Group*> running_executors_ GUARDED_BY(mutex_);
  std::map<kube::ObjectKey, std::unique_ptr<Schedule>> schedules_ GUARDED_BY(mutex_);
  uint64_t dropped_ GUARDED_BY(mutex_) = 0;
};

}  // namespace monitor
