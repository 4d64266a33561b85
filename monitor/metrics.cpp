#include "monitor/metrics.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "monitor/metric_families.h"

namespace monitor {
namespace {

using prometheus::MetricType;
using runner::ApplicationReport;
using runner::ExecutorReport;
using runner::ScheduleReport;

constexpr const char* kUnknown = "Unknown";
constexpr const char* kOther = "Other";

// A label name of Prometheus from a label key of Kubernetes.
std::string label_name(std::string key) {
  for (char& c : key)
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))) c = '_';
  if (key.empty() || (key[0] >= '0' && key[0] <= '9')) key.insert(0, "_");
  return key;
}

constexpr double kSubmitBounds[] = {0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256};
constexpr double kStartBounds[] = {30, 60, 90, 120, 150, 180, 210, 240, 270, 300};
constexpr double kLatenessBounds[] = {0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300, 3600};

// Of nightly jobs as of those of a minute.
constexpr double kExecutionBounds[] = {10,    30,    60,    120,    300,    600,   1'200,
                                       1'800, 3'600, 7'200, 14'400, 28'800, 86'400};

constexpr double kAdmissionBounds[] = {0.001, 0.005, 0.01, 0.025, 0.05, 0.1,
                                       0.25,  0.5,   1,    2.5,   5,    10};

constexpr double kCallBounds[] = {0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1,
                                  0.25,  0.5,   1,     2.5,  5,     10,   30};

Labels with_reason(Labels labels, const std::string& reason) {
  labels.push_back({.name = "reason", .value = reason});
  return labels;
}

double seconds_of(base::WallTime time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

}  // namespace

struct Metrics::ApplicationSeries {
  uint64_t applications = 0;
  uint64_t submitted = 0;
  uint64_t failed_submissions = 0;
  uint64_t running = 0;
  uint64_t succeeded = 0;
  uint64_t failed = 0;
  Buckets success_time{kExecutionBounds};
  Buckets failure_time{kExecutionBounds};
  Buckets submit_latency{kSubmitBounds};
  Buckets start_latency{kStartBounds};
  Buckets driver_lateness{kLatenessBounds};
  uint64_t executors_running = 0;
  uint64_t executors_succeeded = 0;
  uint64_t executors_failed = 0;
};

struct Metrics::ScheduleSeries {
  ScheduleReport facts;
  Buckets lateness{kLatenessBounds};
  std::map<std::string, uint64_t> skipped;
  bool skips_begun = false;              // what the ledger had before this process is in `skipped`
  std::optional<std::string> not_ready;  // why; "" = it is ready; nullopt: not told yet
};

struct Metrics::AdmissionSeries {
  std::map<std::string, uint64_t> answers;
  Buckets duration{kAdmissionBounds};
};

struct Metrics::ApiCalls {
  Buckets durations{kCallBounds};
};

struct Metrics::Snapshot {
  std::vector<std::pair<LabelValues, ApplicationSeries>> applications;
  std::vector<std::pair<kube::ObjectKey, ScheduleSeries>> schedules;
  uint64_t dropped = 0;
};

Metrics::Metrics(MetricsOptions options) : options_(std::move(options)) {
  if (!options_.labels.empty()) return;
  // One combination without labels: its series are there from the start, with what the ledger
  // knows.
  base::MutexLock lock(mutex_);
  ApplicationSeries& series = series_of("", {});
  series.applications = options_.totals.started;
  series.succeeded = options_.totals.succeeded;
  series.failed = options_.totals.failed;
}

Metrics::~Metrics() = default;

Metrics::ApplicationSeries& Metrics::series_of(const std::string& ns,
                                               const std::map<std::string, std::string>& labels) {
  LabelValues values;
  for (const std::string& key : options_.labels) {
    const auto found = labels.find(key);
    values.push_back(found != labels.end() ? found->second : key == "namespace" ? ns : kUnknown);
  }
  if (!applications_.contains(values) && applications_.size() >= options_.max_label_sets) {
    ++dropped_;
    values.assign(options_.labels.size(), kOther);
  }
  auto& series = applications_[values];
  if (!series) series = std::make_unique<ApplicationSeries>();
  return *series;
}

void Metrics::application_changed(const ApplicationReport& facts, std::string_view before) {
  base::MutexLock lock(mutex_);
  ApplicationSeries& series = series_of(facts.key.ns, facts.labels);
  const auto running = running_applications_.find(facts.uid);
  if (facts.state == "RUNNING" && running == running_applications_.end()) {
    running_applications_.emplace(facts.uid, &series);
    ++series.running;
  } else if (facts.state != "RUNNING" && running != running_applications_.end()) {
    --running->second->running;
    running_applications_.erase(running);
  }
  if (facts.state != before) count_application(series, facts, before);
}

void Metrics::count_application(ApplicationSeries& series, const ApplicationReport& facts,
                                std::string_view before) {
  const bool first_attempt = facts.execution_attempts <= 1;
  const auto since_created = [&facts](base::WallTime time) {
    return std::max(time - facts.created, std::chrono::milliseconds{0});
  };
  if (before.empty()) ++series.applications;
  // A driver may have ended before anybody saw it run.
  if ((facts.state == "RUNNING" || before == "SUBMITTED") && first_attempt && facts.running_since) {
    series.start_latency.observe(since_created(*facts.running_since));
    if (facts.slot)
      series.driver_lateness.observe(
          std::max(*facts.running_since - *facts.slot, std::chrono::milliseconds{0}));
  }
  if (facts.state == "SUBMITTED") {
    ++series.submitted;
    if (first_attempt && facts.submitted)
      series.submit_latency.observe(since_created(*facts.submitted));
  } else if (facts.state == "SUBMISSION_FAILED") {
    ++series.failed_submissions;
  } else if (facts.state == "COMPLETED" || facts.state == "FAILED") {
    const bool success = facts.state == "COMPLETED";
    ++(success ? series.succeeded : series.failed);
    if (facts.submitted && facts.ended)
      (success ? series.success_time : series.failure_time)
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

void Metrics::executor_changed(const ExecutorReport& facts, std::string_view before) {
  base::MutexLock lock(mutex_);
  ApplicationSeries& series = series_of(facts.pod.ns, facts.labels);
  const auto running = running_executors_.find(facts.pod_uid);
  if (facts.phase == "Running" && running == running_executors_.end()) {
    running_executors_.emplace(facts.pod_uid, &series);
    ++series.executors_running;
  } else if (facts.phase != "Running" && running != running_executors_.end()) {
    --running->second->executors_running;
    running_executors_.erase(running);
  }
  if (facts.phase == before) return;
  if (facts.phase == "Succeeded") ++series.executors_succeeded;
  if (facts.phase == "Failed") ++series.executors_failed;
}

void Metrics::executor_gone(const std::string& pod_uid) {
  base::MutexLock lock(mutex_);
  const auto running = running_executors_.find(pod_uid);
  if (running == running_executors_.end()) return;
  --running->second->executors_running;
  running_executors_.erase(running);
}

Metrics::ScheduleSeries* Metrics::schedule_of(const kube::ObjectKey& key) {
  const auto found = schedules_.find(key);
  if (found != schedules_.end()) return found->second.get();
  if (schedules_.size() >= options_.max_schedules) {
    ++dropped_;
    return nullptr;
  }
  return schedules_.emplace(key, std::make_unique<ScheduleSeries>()).first->second.get();
}

void Metrics::schedule_decided(const ScheduleReport& facts) {
  bool begin = false;
  {
    base::MutexLock lock(mutex_);
    ScheduleSeries* schedule = schedule_of(facts.key);
    if (schedule == nullptr) return;
    // Deleted and made again under the same name: another schedule.
    if (!schedule->facts.uid.empty() && schedule->facts.uid != facts.uid)
      *schedule = ScheduleSeries{};
    schedule->facts = facts;
    begin = !schedule->skips_begun;
  }
  if (begin && options_.skip_counts) begin_skips(facts);
}

// What the ledger has counted contains what this process has told since: it is recorded first. A
// schedule's decisions come one after the other, so nothing is told in between.
void Metrics::begin_skips(const ScheduleReport& facts) {
  auto counted = options_.skip_counts(facts.uid);
  if (!counted) return;
  base::MutexLock lock(mutex_);
  const auto schedule = schedules_.find(facts.key);
  if (schedule == schedules_.end() || schedule->second->facts.uid != facts.uid) return;
  for (auto& [reason, count] : *counted) {
    uint64_t& skipped = schedule->second->skipped[reason];
    skipped = std::max(skipped, count);
  }
  schedule->second->skips_begun = true;
}

void Metrics::schedule_gone(const kube::ObjectKey& key) {
  base::MutexLock lock(mutex_);
  schedules_.erase(key);
}

void Metrics::schedule_ready(const kube::ObjectKey& schedule, std::string_view reason) {
  base::MutexLock lock(mutex_);
  if (ScheduleSeries* found = schedule_of(schedule)) found->not_ready = reason;
}

void Metrics::slot_started(const kube::ObjectKey& schedule, std::chrono::milliseconds lateness) {
  base::MutexLock lock(mutex_);
  // Runs are told before the decision that made them, the first one of a schedule too.
  if (ScheduleSeries* found = schedule_of(schedule)) found->lateness.observe(lateness);
}

void Metrics::slots_skipped(const kube::ObjectKey& schedule, std::string_view reason,
                            uint64_t count) {
  base::MutexLock lock(mutex_);
  if (ScheduleSeries* found = schedule_of(schedule)) found->skipped[std::string(reason)] += count;
}

Metrics::Snapshot Metrics::snapshot() const {
  Snapshot copy;
  base::MutexLock lock(mutex_);
  copy.applications.reserve(applications_.size());
  for (const auto& [values, series] : applications_)
    copy.applications.emplace_back(values, *series);
  copy.schedules.reserve(schedules_.size());
  for (const auto& [key, series] : schedules_)
    copy.schedules.emplace_back(key, *series);
  copy.dropped = dropped_;
  return copy;
}

void Metrics::collect_applications(const Snapshot& snapshot, Exposition& out) const {
  std::vector<std::string> names;
  for (const std::string& key : options_.labels)
    names.push_back(label_name(key));
  const auto collect = [&out, &names, &snapshot](const char* name, const char* help,
                                                 MetricType type, auto member) {
    if (!out.wants(name)) return;
    Family family(name, help, type);
    for (const auto& [values, series] : snapshot.applications) {
      Labels labels;
      for (size_t i = 0; i < names.size(); ++i)
        labels.push_back({.name = names[i], .value = values[i]});
      if constexpr (std::is_convertible_v<decltype(member(series)), uint64_t>)
        family.add(labels, static_cast<double>(member(series)));
      else
        family.add(labels, member(series));
    }
    out.add(std::move(family));
  };
  using enum MetricType;
  collect("spark_application_count", "SparkApplications seen", Counter,
          [](const ApplicationSeries& g) { return g.applications; });
  collect("spark_application_submit_count", "Submissions", Counter,
          [](const ApplicationSeries& g) { return g.submitted; });
  collect("spark_application_failed_submission_count", "Submissions that failed", Counter,
          [](const ApplicationSeries& g) { return g.failed_submissions; });
  collect("spark_application_running_count", "SparkApplications that run now", Gauge,
          [](const ApplicationSeries& g) { return g.running; });
  collect("spark_application_success_count", "SparkApplications that completed", Counter,
          [](const ApplicationSeries& g) { return g.succeeded; });
  collect("spark_application_failure_count", "SparkApplications that failed", Counter,
          [](const ApplicationSeries& g) { return g.failed; });
  collect("spark_application_success_execution_time_seconds",
          "From the last submission to the end, of those that completed", Summary,
          [](const ApplicationSeries& g) -> const Sum& { return g.success_time.all; });
  collect("spark_application_success_execution_time_seconds_histogram",
          "From the last submission to the end, of those that completed", Histogram,
          [](const ApplicationSeries& g) -> const Buckets& { return g.success_time; });
  collect("spark_application_failure_execution_time_seconds",
          "From the last submission to the end, of those that failed", Summary,
          [](const ApplicationSeries& g) -> const Sum& { return g.failure_time.all; });
  collect("spark_application_failure_execution_time_seconds_histogram",
          "From the last submission to the end, of those that failed", Histogram,
          [](const ApplicationSeries& g) -> const Buckets& { return g.failure_time; });
  collect("spark_application_submit_latency_seconds", "From creation to the first submission",
          Summary, [](const ApplicationSeries& g) -> const Sum& { return g.submit_latency.all; });
  collect("spark_application_submit_latency_seconds_histogram",
          "From creation to the first submission", Histogram,
          [](const ApplicationSeries& g) -> const Buckets& { return g.submit_latency; });
  collect("spark_application_start_latency_seconds", "From creation to running, first attempts",
          Summary, [](const ApplicationSeries& g) -> const Sum& { return g.start_latency.all; });
  collect("spark_application_start_latency_seconds_histogram",
          "From creation to running, first attempts", Histogram,
          [](const ApplicationSeries& g) -> const Buckets& { return g.start_latency; });
  collect("sparkcron_driver_lateness_seconds",
          "From the slot to the start of the run's driver, first attempts", Histogram,
          [](const ApplicationSeries& g) -> const Buckets& { return g.driver_lateness; });
  collect("spark_executor_running_count", "Executors that run now", Gauge,
          [](const ApplicationSeries& g) { return g.executors_running; });
  collect("spark_executor_success_count", "Executors that completed", Counter,
          [](const ApplicationSeries& g) { return g.executors_succeeded; });
  collect("spark_executor_failure_count", "Executors that failed", Counter,
          [](const ApplicationSeries& g) { return g.executors_failed; });
}

void Metrics::collect_schedules(const Snapshot& snapshot, Exposition& out) {
  const auto collect = [&](const char* name, const char* help, MetricType type, auto add) {
    if (!out.wants(name)) return;
    Family family(name, help, type);
    for (const auto& [key, schedule] : snapshot.schedules) {
      // Without a UID its first round has not ended: the spec may be wrong.
      if (!schedule.facts.uid.empty())
        add(family, Labels{{"namespace", key.ns}, {"schedule", key.name}}, schedule);
    }
    out.add(std::move(family));
  };
  // Of what may be unknown: only where it is known.
  const auto time = [&](const char* name, const char* help, auto member) {
    collect(name, help, MetricType::Gauge,
            [member](Family& family, const Labels& labels, const ScheduleSeries& one) {
              if (const auto& when = one.facts.*member) family.add(labels, seconds_of(*when));
            });
  };
  const auto number = [&](const char* name, const char* help, MetricType type, auto value) {
    collect(name, help, type,
            [value](Family& family, const Labels& labels, const ScheduleSeries& one) {
              family.add(labels, static_cast<double>(value(one.facts)));
            });
  };
  using enum MetricType;
  collect_ready(snapshot, out);
  time("sparkcron_schedule_last_run_timestamp_seconds",
       "When the latest run of the schedule was created", &ScheduleReport::last_run);
  time("sparkcron_schedule_last_success_timestamp_seconds",
       "When a run of the schedule last completed", &ScheduleReport::last_success);
  time("sparkcron_schedule_next_run_timestamp_seconds", "The next slot; absent while suspended",
       &ScheduleReport::next_run);
  number("sparkcron_schedule_active_runs", "Runs that have not ended", Gauge,
         [](const ScheduleReport& facts) { return facts.active_runs; });
  time("sparkcron_schedule_oldest_active_run_timestamp_seconds",
       "When the oldest run was created that has not ended", &ScheduleReport::oldest_active);
  collect("sparkcron_schedule_usual_duration_seconds",
          "The median of the recent runs that completed, from creation to end", Gauge,
          [](Family& family, const Labels& labels, const ScheduleSeries& one) {
            if (const auto& usual = one.facts.usual_duration)
              family.add(labels, static_cast<double>(usual->count()));
          });
  collect("sparkcron_schedule_held_slots",
          "Slots that are due and wait, by what they would be skipped as", Gauge,
          [](Family& family, const Labels& labels, const ScheduleSeries& one) {
            if (one.facts.held_slots > 0)
              family.add(with_reason(labels, one.facts.held_reason),
                         static_cast<double>(one.facts.held_slots));
          });
  number("sparkcron_schedule_suspended", "1 while the schedule is suspended", Gauge,
         [](const ScheduleReport& facts) { return facts.suspended ? 1 : 0; });
  number("sparkcron_schedule_runs_started_total", "Runs started", Counter,
         [](const ScheduleReport& facts) { return facts.counts.started; });
  number("sparkcron_schedule_runs_succeeded_total", "Runs that completed", Counter,
         [](const ScheduleReport& facts) { return facts.counts.succeeded; });
  number("sparkcron_schedule_runs_failed_total", "Runs that failed", Counter,
         [](const ScheduleReport& facts) { return facts.counts.failed; });
  number("sparkcron_schedule_consecutive_failures",
         "The last ended runs in a row that failed, ten at most", Gauge,
         [](const ScheduleReport& facts) { return facts.consecutive_failures; });
  collect("sparkcron_schedule_skipped_total", "Slots skipped, by reason", Counter,
          [](Family& family, const Labels& labels, const ScheduleSeries& one) {
            for (const auto& [reason, count] : one.skipped)
              family.add(with_reason(labels, reason), static_cast<double>(count));
          });
  collect("sparkcron_schedule_lateness_seconds", "From the slot to the run's creation", Histogram,
          [](Family& family, const Labels& labels, const ScheduleSeries& one) {
            family.add(labels, one.lateness);
          });
}

// Of those whose first round has not ended, too.
void Metrics::collect_ready(const Snapshot& snapshot, Exposition& out) {
  constexpr const char* kName = "sparkcron_schedule_ready";
  if (!out.wants(kName)) return;
  Family ready(
      kName, "1 if the schedule can do what its spec says, else 0 and the reason of its condition",
      MetricType::Gauge);
  for (const auto& [key, schedule] : snapshot.schedules)
    if (schedule.not_ready)
      ready.add(with_reason({{"namespace", key.ns}, {"schedule", key.name}}, *schedule.not_ready),
                schedule.not_ready->empty() ? 1.0 : 0.0);
  out.add(std::move(ready));
}

void Metrics::collect_process(const Snapshot& snapshot, Exposition& out) const {
  Family build("sparkcron_build_info", "1, with the version of this program", MetricType::Gauge);
  build.add({{"version", options_.version}}, 1.0);
  out.add(std::move(build));
  Family dropped("sparkcron_metrics_dropped_total",
                 "Observations without series of their own: too many schedules or label values",
                 MetricType::Counter);
  dropped.add({}, static_cast<double>(snapshot.dropped));
  out.add(std::move(dropped));
  for (const auto& read : options_.readings) {
    for (Reading& reading : read()) {
      Family family(
          std::move(reading.name), std::move(reading.help),
          reading.kind == Reading::Kind::Counter ? MetricType::Counter : MetricType::Gauge);
      family.add({}, reading.value);
      out.add(std::move(family));
    }
  }
}

void Metrics::reconcile_failed(std::string_view controller, std::string_view reason) {
  base::MutexLock lock(mutex_);
  ++reconcile_errors_[{std::string(controller), std::string(reason)}];
}

void Metrics::queue_length(std::string_view controller, uint64_t length) {
  base::MutexLock lock(mutex_);
  queued_[std::string(controller)] = length;
}

void Metrics::api_called(std::string_view verb, std::string_view outcome,
                         std::chrono::milliseconds duration) {
  base::MutexLock lock(mutex_);
  auto& calls = api_calls_[{std::string(verb), std::string(outcome)}];
  if (!calls) calls = std::make_unique<ApiCalls>();
  calls->durations.observe(duration);
}

void Metrics::objects_failing(std::string_view controller, uint64_t count) {
  base::MutexLock lock(mutex_);
  failing_[std::string(controller)] = count;
}

void Metrics::object_unreadable(std::string_view resource) {
  base::MutexLock lock(mutex_);
  ++unreadable_[std::string(resource)];
}

void Metrics::admission_answered(std::string_view resource, std::string_view answer,
                                 std::chrono::milliseconds took) {
  base::MutexLock lock(mutex_);
  AdmissionSeries& series = admission_[std::string(resource)];
  ++series.answers[std::string(answer)];
  series.duration.observe(took);
}

void Metrics::collect_admission(Exposition& out) const {
  Family requests("sparkcron_webhook_requests_total",
                  "Questions to the admission webhook, by resource and answer",
                  MetricType::Counter);
  Family duration("sparkcron_webhook_duration_seconds", "From a question to its answer",
                  MetricType::Histogram);
  {
    base::MutexLock lock(mutex_);
    for (const auto& [resource, series] : admission_) {
      for (const auto& [answer, count] : series.answers)
        requests.add({{"resource", resource}, {"answer", answer}}, static_cast<double>(count));
      duration.add({{"resource", resource}}, series.duration);
    }
  }
  for (Family* family : {&requests, &duration})
    out.add(std::move(*family));
}

void Metrics::collect_controllers(Exposition& out) const {
  Family errors("sparkcron_reconcile_errors_total",
                "Attempts that failed and are repeated, by controller and reason",
                MetricType::Counter);
  Family queued("sparkcron_queue_length", "Objects that wait to be looked at, by controller",
                MetricType::Gauge);
  Family calls(
      "sparkcron_api_call_duration_seconds",
      "Calls of the Kubernetes API by the controllers and their caches, by verb and outcome",
      MetricType::Histogram);
  Family failing("sparkcron_failing_objects", "Objects whose last reconcile failed",
                 MetricType::Gauge);
  Family unreadable("sparkcron_unreadable_objects_total",
                    "Objects of the API that could not be read and were left out, by resource",
                    MetricType::Counter);
  {
    base::MutexLock lock(mutex_);
    for (const auto& [who, count] : reconcile_errors_)
      errors.add({{"controller", who.first}, {"reason", who.second}}, static_cast<double>(count));
    for (const auto& [controller, length] : queued_)
      queued.add({{"controller", controller}}, static_cast<double>(length));
    for (const auto& [what, durations] : api_calls_)
      calls.add({{"verb", what.first}, {"outcome", what.second}}, durations->durations);
    for (const auto& [controller, count] : failing_)
      failing.add({{"controller", controller}}, static_cast<double>(count));
    for (const auto& [resource, count] : unreadable_)
      unreadable.add({{"resource", resource}}, static_cast<double>(count));
  }
  for (Family* family : {&errors, &queued, &calls, &failing, &unreadable})
    out.add(std::move(*family));
}

void Metrics::collect_lateness(const Snapshot& snapshot, Exposition& out) {
  Buckets all(kLatenessBounds);
  for (const auto& [key, schedule] : snapshot.schedules)
    all.add(schedule.lateness);
  Family lateness("sparkcron_schedule_lateness_seconds", "From the slot to the run's creation",
                  MetricType::Histogram);
  lateness.add({}, all);
  out.add(std::move(lateness));
}

std::string Metrics::text_without_schedules() const {
  const Snapshot numbers = snapshot();
  const std::set<std::string_view> all;
  Exposition out(all);
  collect_process(numbers, out);
  collect_applications(numbers, out);
  collect_lateness(numbers, out);
  collect_controllers(out);
  return std::move(out).text();
}

std::string Metrics::text(const std::set<std::string_view>& names) const {
  const Snapshot numbers = snapshot();
  Exposition out(names);
  collect_process(numbers, out);
  collect_applications(numbers, out);
  collect_schedules(numbers, out);
  collect_controllers(out);
  collect_admission(out);
  return std::move(out).text();
}

base::http::Handler Metrics::handler() const {
  return
      [this](const base::http::Request& request, std::shared_ptr<base::http::Responder> responder) {
        if (request.method != "GET" && request.method != "HEAD")
          return responder->send({.status = 405, .headers = {{"Allow", "GET, HEAD"}}, .body = ""});
        std::set<std::string_view> names;
        for (const auto& [name, value] : request.query)
          if (name == "name[]") names.insert(value);
        responder->send({.status = 200,
                         .headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
                         .body = text(names)});
      };
}

}  // namespace monitor
