#include "monitor/metrics.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include <prometheus/text_serializer.h>

#include "monitor/metric_families.h"

namespace monitor {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;
using runner::ApplicationFacts;
using runner::ExecutorFacts;
using runner::ScheduleFacts;

constexpr const char* kUnknown = "Unknown";
constexpr const char* kOther = "Other";

// A label name of Prometheus from a label key of Kubernetes.
std::string label_name(std::string key) {
  for (char& c : key)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))) c = '_';
  if (key.empty() || (key[0] >= '0' && key[0] <= '9')) key.insert(0, "_");
  return key;
}

std::vector<double> submit_bounds() {
  return {0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256};
}
std::vector<double> start_bounds() {
  return {30, 60, 90, 120, 150, 180, 210, 240, 270, 300};
}
std::vector<double> lateness_bounds() {
  return {0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600};
}

double seconds_of(base::WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

}  // namespace

struct Metrics::Group {
  uint64_t applications = 0;
  uint64_t submitted = 0;
  uint64_t failed_submissions = 0;
  uint64_t running = 0;
  uint64_t succeeded = 0;
  uint64_t failed = 0;
  Sum success_time;
  Sum failure_time;
  Buckets submit_latency{submit_bounds()};
  Buckets start_latency{start_bounds()};
  uint64_t executors_running = 0;
  uint64_t executors_succeeded = 0;
  uint64_t executors_failed = 0;
};

struct Metrics::Schedule {
  ScheduleFacts facts;
  Buckets lateness{lateness_bounds()};
  std::map<std::string, uint64_t> skipped;  // since the process started
};

Metrics::Metrics(MetricsOptions options) : options_(std::move(options)) {
  if (!options_.labels.empty()) return;
  // One group without labels: its series are there from the start, with what the ledger knows.
  base::MutexLock lock(mutex_);
  Group& group = group_of("", {});
  group.applications = options_.totals.started;
  group.succeeded = options_.totals.succeeded;
  group.failed = options_.totals.failed;
}

Metrics::~Metrics() = default;

Metrics::Group& Metrics::group_of(const std::string& ns,
                                  const std::map<std::string, std::string>& labels) {
  LabelValues values;
  for (const std::string& key : options_.labels) {
    const auto found = labels.find(key);
    values.push_back(found != labels.end() ? found->second : key == "namespace" ? ns : kUnknown);
  }
  if (!groups_.contains(values) && groups_.size() >= options_.max_label_sets) {
    ++dropped_;
    values.assign(options_.labels.size(), kOther);
  }
  auto& group = groups_[values];
  if (!group) group = std::make_unique<Group>();
  return *group;
}

void Metrics::application_changed(const ApplicationFacts& facts, std::string_view before) {
  base::MutexLock lock(mutex_);
  Group& group = group_of(facts.key.ns, facts.labels);
  const auto running = running_applications_.find(facts.uid);
  if (facts.state == "RUNNING" && running == running_applications_.end()) {
    running_applications_.emplace(facts.uid, &group);
    ++group.running;
  } else if (facts.state != "RUNNING" && running != running_applications_.end()) {
    --running->second->running;
    running_applications_.erase(running);
  }
  if (facts.state != before) count_application(group, facts, before);
}

void Metrics::count_application(Group& group, const ApplicationFacts& facts,
                                std::string_view before) {
  const bool first_attempt = facts.execution_attempts <= 1;
  const auto since_created = [&facts](base::WallTime time) {
    return std::max(time - facts.created, std::chrono::milliseconds{0});
  };
  if (before.empty()) ++group.applications;
  if (facts.state == "SUBMITTED") {
    ++group.submitted;
    if (first_attempt && facts.submitted)
      group.submit_latency.observe(since_created(*facts.submitted));
  } else if (facts.state == "SUBMISSION_FAILED") {
    ++group.failed_submissions;
  } else if (facts.state == "RUNNING") {
    if (first_attempt && facts.running_since)
      group.start_latency.observe(since_created(*facts.running_since));
  } else if (facts.state == "COMPLETED" || facts.state == "FAILED") {
    const bool success = facts.state == "COMPLETED";
    ++(success ? group.succeeded : group.failed);
    if (facts.submitted && facts.ended)
      (success ? group.success_time : group.failure_time)
          .observe(std::max(*facts.ended - *facts.submitted, std::chrono::milliseconds{0}));
  }
}

void Metrics::application_gone(const std::string& uid) {
  base::MutexLock lock(mutex_);
  const auto running = running_applications_.find(uid);
  if (running == running_applications_.end()) return;
  --running->second->running;
  running_applications_.erase(running);
}

void Metrics::executor_changed(const ExecutorFacts& facts, std::string_view before) {
  base::MutexLock lock(mutex_);
  Group& group = group_of(facts.pod.ns, facts.labels);
  const auto running = running_executors_.find(facts.pod_uid);
  if (facts.phase == "Running" && running == running_executors_.end()) {
    running_executors_.emplace(facts.pod_uid, &group);
    ++group.executors_running;
  } else if (facts.phase != "Running" && running != running_executors_.end()) {
    --running->second->executors_running;
    running_executors_.erase(running);
  }
  if (facts.phase == before) return;
  if (facts.phase == "Succeeded") ++group.executors_succeeded;
  if (facts.phase == "Failed") ++group.executors_failed;
}

void Metrics::executor_gone(const std::string& pod_uid) {
  base::MutexLock lock(mutex_);
  const auto running = running_executors_.find(pod_uid);
  if (running == running_executors_.end()) return;
  --running->second->executors_running;
  running_executors_.erase(running);
}

Metrics::Schedule* Metrics::schedule_of(const kube::ObjectKey& key) {
  const auto found = schedules_.find(key);
  if (found != schedules_.end()) return found->second.get();
  if (schedules_.size() >= options_.max_schedules) {
    ++dropped_;
    return nullptr;
  }
  return schedules_.emplace(key, std::make_unique<Schedule>()).first->second.get();
}

void Metrics::schedule_decided(const ScheduleFacts& facts) {
  base::MutexLock lock(mutex_);
  Schedule* schedule = schedule_of(facts.key);
  if (schedule == nullptr) return;
  // Deleted and made again under the same name: another schedule.
  if (!schedule->facts.uid.empty() && schedule->facts.uid != facts.uid) *schedule = Schedule{};
  schedule->facts = facts;
}

void Metrics::schedule_gone(const kube::ObjectKey& key) {
  base::MutexLock lock(mutex_);
  schedules_.erase(key);
}

void Metrics::slot_started(const kube::ObjectKey& schedule, std::chrono::milliseconds lateness) {
  base::MutexLock lock(mutex_);
  // Runs are told before the decision that made them, the first one of a schedule too.
  if (Schedule* found = schedule_of(schedule)) found->lateness.observe(lateness);
}

void Metrics::slots_skipped(const kube::ObjectKey& schedule, std::string_view reason,
                            uint64_t count) {
  base::MutexLock lock(mutex_);
  if (Schedule* found = schedule_of(schedule)) found->skipped[std::string(reason)] += count;
}

void Metrics::collect_groups(std::vector<MetricFamily>& families) const {
  std::vector<std::string> names;
  for (const std::string& key : options_.labels)
    names.push_back(label_name(key));
  const auto collect = [&families, &names, groups = &groups_](const char* name, const char* help,
                                                              MetricType type, auto member) {
    Family family(name, help, type);
    for (const auto& [values, group] : *groups) {
      Labels labels;
      for (size_t i = 0; i < names.size(); ++i)
        labels.push_back({.name = names[i], .value = values[i]});
      if constexpr (std::is_convertible_v<decltype(member(*group)), uint64_t>)
        family.add(labels, static_cast<double>(member(*group)));
      else
        family.add(labels, member(*group));
    }
    std::move(family).append_to(families);
  };
  using enum MetricType;
  collect("spark_application_count", "SparkApplications seen", Counter,
          [](const Group& g) { return g.applications; });
  collect("spark_application_submit_count", "Submissions", Counter,
          [](const Group& g) { return g.submitted; });
  collect("spark_application_failed_submission_count", "Submissions that failed", Counter,
          [](const Group& g) { return g.failed_submissions; });
  collect("spark_application_running_count", "SparkApplications that run now", Gauge,
          [](const Group& g) { return g.running; });
  collect("spark_application_success_count", "SparkApplications that completed", Counter,
          [](const Group& g) { return g.succeeded; });
  collect("spark_application_failure_count", "SparkApplications that failed", Counter,
          [](const Group& g) { return g.failed; });
  collect("spark_application_success_execution_time_seconds",
          "From the last submission to the end, of those that completed", Summary,
          [](const Group& g) -> const Sum& { return g.success_time; });
  collect("spark_application_failure_execution_time_seconds",
          "From the last submission to the end, of those that failed", Summary,
          [](const Group& g) -> const Sum& { return g.failure_time; });
  collect("spark_application_submit_latency_seconds", "From creation to the first submission",
          Summary, [](const Group& g) -> const Sum& { return g.submit_latency.all; });
  collect("spark_application_submit_latency_seconds_histogram",
          "From creation to the first submission", Histogram,
          [](const Group& g) -> const Buckets& { return g.submit_latency; });
  collect("spark_application_start_latency_seconds", "From creation to running, first attempts",
          Summary, [](const Group& g) -> const Sum& { return g.start_latency.all; });
  collect("spark_application_start_latency_seconds_histogram",
          "From creation to running, first attempts", Histogram,
          [](const Group& g) -> const Buckets& { return g.start_latency; });
  collect("spark_executor_running_count", "Executors that run now", Gauge,
          [](const Group& g) { return g.executors_running; });
  collect("spark_executor_success_count", "Executors that completed", Counter,
          [](const Group& g) { return g.executors_succeeded; });
  collect("spark_executor_failure_count", "Executors that failed", Counter,
          [](const Group& g) { return g.executors_failed; });
}

void Metrics::collect_schedules(std::vector<MetricFamily>& families) const {
  using enum MetricType;
  Family last_success("sparkcron_schedule_last_success_timestamp_seconds",
                      "When a run of the schedule last completed", Gauge);
  Family next_run("sparkcron_schedule_next_run_timestamp_seconds",
                  "The next slot; absent while suspended", Gauge);
  Family active("sparkcron_schedule_active_runs", "Runs that have not ended", Gauge);
  Family suspended("sparkcron_schedule_suspended", "1 while the schedule is suspended", Gauge);
  Family started("sparkcron_schedule_runs_started_total", "Runs started", Counter);
  Family succeeded("sparkcron_schedule_runs_succeeded_total", "Runs that completed", Counter);
  Family failed("sparkcron_schedule_runs_failed_total", "Runs that failed", Counter);
  Family skipped("sparkcron_schedule_skipped_total", "Slots skipped, by reason", Counter);
  Family lateness("sparkcron_schedule_lateness_seconds", "From the slot to the run's creation",
                  Histogram);
  const auto from_ledger = options_.skip_counts
                               ? options_.skip_counts()
                               : std::map<std::string, std::map<std::string, uint64_t>>{};
  for (const auto& [key, schedule] : schedules_) {
    if (schedule->facts.uid.empty()) continue;  // its first round has not ended
    const Labels labels{{"namespace", key.ns}, {"schedule", key.name}};
    const ScheduleFacts& facts = schedule->facts;
    if (facts.last_success) last_success.add(labels, seconds_of(*facts.last_success));
    if (facts.next_run) next_run.add(labels, seconds_of(*facts.next_run));
    active.add(labels, static_cast<double>(facts.active_runs));
    suspended.add(labels, facts.suspended ? 1.0 : 0.0);
    started.add(labels, static_cast<double>(facts.counts.started));
    succeeded.add(labels, static_cast<double>(facts.counts.succeeded));
    failed.add(labels, static_cast<double>(facts.counts.failed));
    lateness.add(labels, schedule->lateness);
    const auto recorded = from_ledger.find(facts.uid);
    const auto& by_reason = options_.skip_counts && recorded != from_ledger.end()
                                ? recorded->second
                                : schedule->skipped;
    for (const auto& [reason, count] : by_reason) {
      Labels with_reason = labels;
      with_reason.push_back({.name = "reason", .value = reason});
      skipped.add(with_reason, static_cast<double>(count));
    }
  }
  for (Family* family : {&last_success, &next_run, &active, &suspended, &started, &succeeded,
                         &failed, &skipped, &lateness})
    std::move(*family).append_to(families);
}

std::string Metrics::text() const {
  std::vector<MetricFamily> families;
  {
    base::MutexLock lock(mutex_);
    Family build("sparkcron_build_info", "1, with the version of this program", MetricType::Gauge);
    build.add({{"version", options_.version}}, 1.0);
    std::move(build).append_to(families);
    collect_groups(families);
    collect_schedules(families);
    Family dropped("sparkcron_metrics_dropped_total",
                   "Observations without series of their own: too many schedules or label values",
                   MetricType::Counter);
    dropped.add({}, static_cast<double>(dropped_));
    std::move(dropped).append_to(families);
  }
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, families);
  return out.str();
}

base::http::Handler Metrics::handler() const {
  return
      [this](const base::http::Request& request, std::shared_ptr<base::http::Responder> responder) {
        if (request.method != "GET" && request.method != "HEAD")
          return responder->send({.status = 405, .headers = {{"Allow", "GET, HEAD"}}, .body = ""});
        responder->send({.status = 200,
                         .headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
                         .body = text()});
      };
}

}  // namespace monitor
