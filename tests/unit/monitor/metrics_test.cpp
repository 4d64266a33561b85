#include "monitor/metrics.h"

#include <array>
#include <cstdio>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <sys/wait.h>

#include "base/guard.h"
#include "base/log.h"
#include "base/mutex.h"
#include "monitor/process_readings.h"
#include "tests/support/catch.h"
#include "tests/support/metric.h"
#include "tests/unit/monitor/metric_names.h"
#include "tests/unit/monitor/recording_responder.h"
#include "tests/unit/monitor/temporary_folder.h"

using base::WallTime;
using monitor::Metrics;
using monitor::MetricsOptions;
using runner::ApplicationReport;
using runner::ScheduleReport;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

const WallTime kStart{seconds(1'800'000'000)};

ApplicationReport application(const std::string& uid, const std::string& state) {
  return {.key = {.ns = "etl", .name = uid},
          .uid = uid,
          .labels = {},
          .state = state,
          .created = kStart,
          .slot = kStart - seconds(5),
          .submitted = kStart + seconds(2),
          .running_since = kStart + seconds(40),
          .ended = kStart + seconds(100),
          .execution_attempts = 1};
}

ScheduleReport schedule(const std::string& name, const std::string& uid = "s1") {
  return {.key = {.ns = "etl", .name = name},
          .uid = uid,
          .suspended = false,
          .active_runs = 1,
          .last_success = kStart,
          .next_run = kStart + seconds(60),
          .counts = {.started = 5, .succeeded = 3, .failed = 1, .skipped = 2}};
}

std::optional<double> sample(const Metrics& metrics, const std::string& name) {
  return tests::metric(metrics, name);
}

// As many of each as nothing else has.
struct NumberedServer final : base::http::Server {
  [[nodiscard]] std::string address() const override { return "127.0.0.1"; }
  [[nodiscard]] uint16_t port() const override { return 1; }
  void begin_stop() override {}
  [[nodiscard]] base::http::ServerNumbers numbers() const override {
    return {.strangers = 11,
            .trusted = 12,
            .shed = 13,
            .cut = 14,
            .refused = 15,
            .memory_used = 16 << 20};
  }
};

struct Outcome {
  int exit_code = 0;
  std::string output;
};

Outcome run_command(const std::string& command) {
  Outcome outcome;
  FILE* pipe = ::popen((command + " 2>&1").c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> part{};
  while (std::fgets(part.data(), static_cast<int>(part.size()), pipe) != nullptr)
    outcome.output += part.data();
  outcome.exit_code = WEXITSTATUS(::pclose(pipe));
  return outcome;
}

}  // namespace

TEST_CASE("applications are counted by what changes", "[monitor]") {
  Metrics metrics{MetricsOptions{}};
  metrics.application_changed(application("a", "SUBMITTED"), "");
  metrics.application_changed(application("a", "RUNNING"), "SUBMITTED");
  CHECK(sample(metrics, "spark_application_count") == 1);
  CHECK(sample(metrics, "spark_application_submit_count") == 1);
  CHECK(sample(metrics, "spark_application_running_count") == 1);
  metrics.application_changed(application("a", "RUNNING"), "RUNNING");
  CHECK(sample(metrics, "spark_application_running_count") == 1);
  metrics.application_changed(application("a", "SUCCEEDING"), "RUNNING");
  metrics.application_changed(application("a", "COMPLETED"), "SUCCEEDING");
  CHECK(sample(metrics, "spark_application_running_count") == 0);
  CHECK(sample(metrics, "spark_application_success_count") == 1);
  CHECK(sample(metrics, "spark_application_failure_count") == 0);
  CHECK(sample(metrics, "spark_application_success_execution_time_seconds_sum") == 98);
  CHECK(sample(metrics,
               "spark_application_success_execution_time_seconds_histogram_bucket{le=\"120\"}") ==
        1);
  CHECK(sample(metrics,
               "spark_application_success_execution_time_seconds_histogram_bucket{le=\"60\"}") ==
        0);
  CHECK(sample(metrics, "spark_application_submit_latency_seconds_sum") == 2);
  CHECK(sample(metrics, "spark_application_submit_latency_seconds_histogram_bucket{le=\"2\"}") ==
        1);
  CHECK(sample(metrics, "spark_application_submit_latency_seconds_histogram_bucket{le=\"1\"}") ==
        0);
  CHECK(sample(metrics, "spark_application_start_latency_seconds_sum") == 40);
  metrics.application_changed(application("b", "SUBMISSION_FAILED"), "");
  metrics.application_changed(application("b", "FAILED"), "SUBMISSION_FAILED");
  CHECK(sample(metrics, "spark_application_failed_submission_count") == 1);
  CHECK(sample(metrics, "spark_application_failure_count") == 1);
  CHECK(sample(metrics, "spark_application_count") == 2);
}

TEST_CASE("a driver that ended before it was seen running has a start latency", "[monitor]") {
  Metrics metrics{MetricsOptions{}};
  metrics.application_changed(application("a", "SUBMITTED"), "");
  metrics.application_changed(application("a", "FAILING"), "SUBMITTED");
  metrics.application_changed(application("a", "FAILED"), "FAILING");
  CHECK(sample(metrics, "spark_application_start_latency_seconds_count") == 1);
  CHECK(sample(metrics, "spark_application_start_latency_seconds_sum") == 40);
}

TEST_CASE("a restart counts nothing again", "[monitor]") {
  Metrics metrics{MetricsOptions{.totals = {.started = 10, .succeeded = 7, .failed = 2}}};
  CHECK(sample(metrics, "spark_application_count") == 10);
  metrics.application_changed(application("done", "COMPLETED"), "COMPLETED");
  metrics.application_changed(application("runs", "RUNNING"), "RUNNING");
  CHECK(sample(metrics, "spark_application_count") == 10);
  CHECK(sample(metrics, "spark_application_success_count") == 7);
  CHECK(sample(metrics, "spark_application_running_count") == 1);
  metrics.application_gone("runs");
  metrics.application_gone("never seen");
  CHECK(sample(metrics, "spark_application_running_count") == 0);
}

TEST_CASE("chosen labels become metric labels, in bounded number", "[monitor]") {
  Metrics metrics{MetricsOptions{.labels = {"namespace", "app-type"}, .max_label_sets = 3}};
  ApplicationReport facts = application("a", "SUBMITTED");
  metrics.application_changed(facts, "");
  facts.labels = {{"app-type", "etl \"x\"\n"}};
  metrics.application_changed(facts, "");
  CHECK(sample(metrics, R"(spark_application_count{namespace="etl",app_type="Unknown"})") == 1);
  CHECK(sample(metrics, R"(spark_application_count{namespace="etl",app_type="etl \"x\"\n"})") == 1);
  for (int i = 0; i < 10; ++i) {
    facts.labels["app-type"] = "type" + std::to_string(i);
    metrics.application_changed(facts, "");
  }
  CHECK(sample(metrics, R"(spark_application_count{namespace="etl",app_type="type0"})") == 1);
  CHECK(sample(metrics, R"(spark_application_count{namespace="etl",app_type="type1"})") ==
        std::nullopt);
  CHECK(sample(metrics, R"(spark_application_count{namespace="Other",app_type="Other"})") == 9);
  CHECK(sample(metrics, "sparkcron_metrics_dropped_total") == 9);
}

TEST_CASE("executors are counted by phase", "[monitor]") {
  Metrics metrics{MetricsOptions{}};
  const auto executor = [](const std::string& uid, const std::string& phase) {
    return runner::ExecutorReport{
        .pod_uid = uid, .pod = {.ns = "etl", .name = uid}, .labels = {}, .phase = phase};
  };
  metrics.executor_changed(executor("1", "Running"), "Pending");
  metrics.executor_changed(executor("2", "Running"), "");
  metrics.executor_changed(executor("3", "Running"), "Running");
  CHECK(sample(metrics, "spark_executor_running_count") == 3);
  metrics.executor_changed(executor("1", "Succeeded"), "Running");
  metrics.executor_changed(executor("2", "Failed"), "Running");
  metrics.executor_changed(executor("2", "Failed"), "Failed");
  metrics.executor_gone("3");
  CHECK(sample(metrics, "spark_executor_running_count") == 0);
  CHECK(sample(metrics, "spark_executor_success_count") == 1);
  CHECK(sample(metrics, "spark_executor_failure_count") == 1);
}

TEST_CASE("a driver's start is measured from the slot of its run, once", "[monitor]") {
  Metrics metrics{MetricsOptions{}};
  metrics.application_changed(application("a", "SUBMITTED"), "");
  CHECK(sample(metrics, "sparkcron_driver_lateness_seconds_count") == 0);
  metrics.application_changed(application("a", "RUNNING"), "SUBMITTED");
  metrics.application_changed(application("a", "RUNNING"), "RUNNING");
  CHECK(sample(metrics, "sparkcron_driver_lateness_seconds_count") == 1);
  CHECK(sample(metrics, "sparkcron_driver_lateness_seconds_sum") == 45);
  ApplicationReport by_hand = application("b", "RUNNING");
  by_hand.slot.reset();
  metrics.application_changed(by_hand, "SUBMITTED");
  ApplicationReport again = application("c", "RUNNING");
  again.execution_attempts = 2;
  metrics.application_changed(again, "SUBMITTED");
  CHECK(sample(metrics, "sparkcron_driver_lateness_seconds_count") == 1);
}

TEST_CASE("queues and calls of the API are shown as they were told", "[monitor]") {
  Metrics metrics{MetricsOptions{}};
  metrics.queue_length("schedule", 7);
  metrics.queue_length("schedule", 3);
  metrics.api_called("create", "ok", milliseconds(3));
  metrics.api_called("create", "ok", milliseconds(40));
  metrics.api_called("create", "conflict", milliseconds(1));
  CHECK(sample(metrics, R"(sparkcron_queue_length{controller="schedule"})") == 3);
  const std::string name = "sparkcron_api_call_duration_seconds";
  CHECK(sample(metrics, name + R"(_count{verb="create",outcome="ok"})") == 2);
  CHECK(sample(metrics, name + R"(_bucket{verb="create",outcome="ok",le="0.005"})") == 1);
  CHECK(sample(metrics, name + R"(_count{verb="create",outcome="conflict"})") == 1);
}

TEST_CASE("a schedule has its own series until it is deleted", "[monitor]") {
  std::map<std::string, std::map<std::string, uint64_t>> ledger{{"s1", {{"Superseded", 2}}}};
  Metrics metrics{MetricsOptions{
      .skip_counts = [&](const std::string& uid) { return std::optional(ledger[uid]); }}};
  metrics.schedule_decided(schedule("nightly"));
  metrics.slot_started({.ns = "etl", .name = "nightly"}, milliseconds(120));
  const std::string labels = R"({namespace="etl",schedule="nightly"})";
  CHECK(sample(metrics, "sparkcron_schedule_last_success_timestamp_seconds" + labels) ==
        1'800'000'000);
  CHECK(sample(metrics, "sparkcron_schedule_next_run_timestamp_seconds" + labels) == 1'800'000'060);
  CHECK(sample(metrics, "sparkcron_schedule_active_runs" + labels) == 1);
  CHECK(sample(metrics, "sparkcron_schedule_suspended" + labels) == 0);
  CHECK(sample(metrics, "sparkcron_schedule_runs_started_total" + labels) == 5);
  CHECK(sample(metrics, "sparkcron_schedule_runs_succeeded_total" + labels) == 3);
  CHECK(sample(metrics, "sparkcron_schedule_runs_failed_total" + labels) == 1);
  CHECK(sample(metrics, "sparkcron_schedule_lateness_seconds_count" + labels) == 1);
  CHECK(sample(metrics,
               "sparkcron_schedule_skipped_total"
               R"({namespace="etl",schedule="nightly",reason="Superseded"})") == 2);
  CHECK(sample(metrics, "sparkcron_schedule_consecutive_failures" + labels) == 0);
  for (const char* absent : {"last_run_timestamp_seconds", "oldest_active_run_timestamp_seconds",
                             "usual_duration_seconds", "held_slots"}) {
    CHECK_THAT(metrics.text(), !Catch::Contains(std::string("sparkcron_schedule_") + absent));
  }
  SECTION("what its runs say") {
    ScheduleReport facts = schedule("nightly");
    facts.last_run = kStart + seconds(1);
    facts.consecutive_failures = 3;
    facts.oldest_active = kStart + seconds(2);
    facts.usual_duration = seconds(90);
    facts.held_slots = 2;
    facts.held_reason = "ForbidConcurrent";
    metrics.schedule_decided(facts);
    CHECK(sample(metrics, "sparkcron_schedule_last_run_timestamp_seconds" + labels) ==
          1'800'000'001);
    CHECK(sample(metrics, "sparkcron_schedule_consecutive_failures" + labels) == 3);
    CHECK(sample(metrics, "sparkcron_schedule_oldest_active_run_timestamp_seconds" + labels) ==
          1'800'000'002);
    CHECK(sample(metrics, "sparkcron_schedule_usual_duration_seconds" + labels) == 90);
    CHECK(sample(metrics,
                 "sparkcron_schedule_held_slots"
                 R"({namespace="etl",schedule="nightly",reason="ForbidConcurrent"})") == 2);
  }
  SECTION("suspended") {
    ScheduleReport facts = schedule("nightly");
    facts.suspended = true;
    facts.next_run.reset();
    metrics.schedule_decided(facts);
    CHECK(sample(metrics, "sparkcron_schedule_suspended" + labels) == 1);
    CHECK(sample(metrics, "sparkcron_schedule_next_run_timestamp_seconds" + labels) ==
          std::nullopt);
  }
  SECTION("deleted") {
    metrics.schedule_gone({.ns = "etl", .name = "nightly"});
    metrics.slot_started({.ns = "etl", .name = "nightly"}, milliseconds(1));
    CHECK_THAT(metrics.text(), !Catch::Contains("nightly"));
  }
  SECTION("made again under its name") {
    metrics.schedule_decided(schedule("nightly", "s2"));
    CHECK(sample(metrics, "sparkcron_schedule_lateness_seconds_count" + labels) == 0);
    CHECK_THAT(metrics.text(), !Catch::Contains("Superseded"));
  }
}

TEST_CASE("without a ledger skips are counted since the start", "[monitor]") {
  Metrics metrics{MetricsOptions{.max_schedules = 1}};
  metrics.schedule_decided(schedule("nightly"));
  metrics.slots_skipped({.ns = "etl", .name = "nightly"}, "DeadlineExceeded", 3);
  metrics.slots_skipped({.ns = "etl", .name = "nightly"}, "DeadlineExceeded", 1);
  CHECK(sample(metrics,
               "sparkcron_schedule_skipped_total"
               R"({namespace="etl",schedule="nightly",reason="DeadlineExceeded"})") == 4);
  metrics.schedule_decided(schedule("one too many"));
  CHECK_THAT(metrics.text(), !Catch::Contains("one too many"));
  CHECK(sample(metrics, "sparkcron_metrics_dropped_total") == 1);
}

TEST_CASE("whether a schedule is ready is a series that goes with it", "[monitor]") {
  Metrics metrics{MetricsOptions{.max_schedules = 2}};
  const kube::ObjectKey nightly{.ns = "etl", .name = "nightly"};
  const auto ready = [&](const std::string& reason, const std::string& name = "nightly") {
    return sample(metrics, R"(sparkcron_schedule_ready{namespace="etl",schedule=")" + name +
                               R"(",reason=")" + reason + R"("})");
  };
  // A spec that cannot be read gets no decision: this is all there is to say of the schedule.
  metrics.schedule_ready(nightly, "InvalidSpec");
  CHECK(ready("InvalidSpec") == 0);
  CHECK_THAT(metrics.text(), !Catch::Contains("sparkcron_schedule_active_runs"));
  metrics.schedule_decided(schedule("nightly"));
  metrics.schedule_ready(nightly, "");
  CHECK(ready("") == 1);
  CHECK(ready("InvalidSpec") == std::nullopt);
  metrics.schedule_ready(nightly, "CreateRefused");
  CHECK(ready("CreateRefused") == 0);
  CHECK(ready("") == std::nullopt);
  SECTION("of a bounded number of schedules") {
    metrics.schedule_ready({.ns = "etl", .name = "second"}, "");
    metrics.schedule_ready({.ns = "etl", .name = "third"}, "");
    CHECK(ready("", "second") == 1);
    CHECK(ready("", "third") == std::nullopt);
    CHECK(sample(metrics, "sparkcron_metrics_dropped_total") == 1);
  }
  SECTION("gone with the schedule") {
    metrics.schedule_gone(nightly);
    CHECK_THAT(metrics.text(), !Catch::Contains("sparkcron_schedule_ready"));
  }
}

TEST_CASE("what was dropped and caught in the process is exported", "[monitor]") {
  base::set_log_level(base::LogLevel::Off);
  const Metrics metrics{MetricsOptions{.readings = {monitor::process_readings}}};
  const auto caught = [&] { return sample(metrics, "sparkcron_caught_exceptions_total"); };
  CHECK(sample(metrics, "sparkcron_log_lines_dropped_total") ==
        static_cast<double>(base::dropped_log_lines()));
  const auto before = caught();
  REQUIRE(before.has_value());
  CHECK_FALSE(base::guarded("a step", []() -> base::Status { throw std::runtime_error("x"); }));
  CHECK(caught() == *before + 1);
}

TEST_CASE("who leads is exported by each replica", "[monitor]") {
  for (const auto role : {monitor::Role::Leader, monitor::Role::Standby}) {
    const Metrics metrics{MetricsOptions{.readings = {[role] { return role_readings(role); }}}};
    CHECK(sample(metrics, "sparkcron_leader") == (role == monitor::Role::Leader ? 1 : 0));
  }
}

TEST_CASE("the numbers of the HTTP server are exported once it listens", "[monitor]") {
  const base::http::Server* listening = nullptr;
  const Metrics metrics{
      MetricsOptions{.readings = {[&] { return monitor::server_readings(listening); }}}};
  CHECK_THAT(metrics.text(), !Catch::Contains("sparkcron_http_"));
  const NumberedServer server;
  listening = &server;
  CHECK(sample(metrics, "sparkcron_http_stranger_connections") == 11);
  CHECK(sample(metrics, "sparkcron_http_trusted_connections") == 12);
  CHECK(sample(metrics, "sparkcron_http_connections_shed_total") == 13);
  CHECK(sample(metrics, "sparkcron_http_answers_cut_total") == 14);
  CHECK(sample(metrics, "sparkcron_http_requests_refused_total") == 15);
  CHECK(sample(metrics, "sparkcron_http_memory_bytes") == 16 << 20);
}

TEST_CASE("what a controller could not do is counted by reason", "[monitor]") {
  Metrics metrics({});
  metrics.reconcile_failed("schedule", base::to_string(base::Code::Refused));
  metrics.reconcile_failed("schedule", base::to_string(base::Code::Refused));
  metrics.objects_failing("schedule", 1);
  const std::string refused =
      R"(sparkcron_reconcile_errors_total{controller="schedule",reason="refused"})";
  const std::string failing = R"(sparkcron_failing_objects{controller="schedule"})";
  CHECK(sample(metrics, refused) == 2);
  CHECK(sample(metrics, failing) == 1);
  metrics.objects_failing("schedule", 0);
  CHECK(sample(metrics, refused) == 2);  // a counter
  CHECK(sample(metrics, failing) == 0);  // a gauge, which stays to be asked for
}

TEST_CASE("an object that cannot be read is counted by its resource", "[monitor]") {
  Metrics metrics({});
  CHECK_THAT(metrics.text(), !Catch::Contains("sparkcron_unreadable_objects_total"));
  metrics.object_unreadable("sparkapplications");
  metrics.object_unreadable("sparkapplications");
  metrics.object_unreadable("pods");
  CHECK(sample(metrics, R"(sparkcron_unreadable_objects_total{resource="sparkapplications"})") ==
        2);
  CHECK(sample(metrics, R"(sparkcron_unreadable_objects_total{resource="pods"})") == 1);
}

TEST_CASE("questions to the webhook are counted by resource and answer, and timed", "[monitor]") {
  Metrics metrics({});
  CHECK_THAT(metrics.text(), !Catch::Contains("sparkcron_webhook"));
  metrics.admission_answered("pods", "changed", milliseconds(7));
  metrics.admission_answered("pods", "allowed", milliseconds(40));
  metrics.admission_answered("pods", "allowed", milliseconds(30'000));
  metrics.admission_answered("other", "malformed", milliseconds(0));
  const std::string requests = "sparkcron_webhook_requests_total";
  const std::string duration = "sparkcron_webhook_duration_seconds";
  CHECK(sample(metrics, requests + R"({resource="pods",answer="allowed"})") == 2);
  CHECK(sample(metrics, requests + R"({resource="pods",answer="changed"})") == 1);
  CHECK(sample(metrics, requests + R"({resource="other",answer="malformed"})") == 1);
  CHECK(sample(metrics, duration + R"(_count{resource="pods"})") == 3);
  CHECK(sample(metrics, duration + R"(_bucket{resource="pods",le="0.01"})") == 1);
  CHECK(sample(metrics, duration + R"(_bucket{resource="pods",le="10"})") == 2);
}

TEST_CASE("promtool accepts the metrics, of the names only the peer's are odd", "[monitor]") {
  const Outcome tool =
      run_command(std::string(SPARKCRON_SOURCE_DIR) + "/tools/bootstrap.d/promtool | tail -1");
  REQUIRE(tool.exit_code == 0);
  const NumberedServer server;
  Metrics metrics{MetricsOptions{
      .labels = {"namespace"},
      .readings = {monitor::process_readings, [&] { return monitor::server_readings(&server); }},
      .version = "1.2.3"}};
  metrics.application_changed(application("a", "SUBMITTED"), "");
  metrics.application_changed(application("a", "COMPLETED"), "RUNNING");
  metrics.schedule_decided(schedule("nightly"));
  metrics.slot_started({.ns = "etl", .name = "nightly"}, milliseconds(5'000));
  metrics.slots_skipped({.ns = "etl", .name = "nightly"}, "Superseded", 2);
  metrics.schedule_ready({.ns = "etl", .name = "nightly"}, "CreateRefused");
  metrics.reconcile_failed("schedule", "refused");
  metrics.objects_failing("schedule", 1);
  metrics.queue_length("schedule", 3);
  metrics.api_called("get", "ok", milliseconds(2));
  metrics.object_unreadable("sparkapplications");
  metrics.admission_answered("sparkapplications", "refused", milliseconds(2));
  const std::string text = metrics.text();
  CHECK(tests::undocumented_metrics(SPARKCRON_SOURCE_DIR, text) == std::vector<std::string>{});
  const tests::TemporaryFolder folder;
  std::ofstream(folder.file("metrics")) << text;
  std::string program = tool.output;
  program.erase(program.find_last_not_of('\n') + 1);
  const Outcome checked = run_command(program + " check metrics < " + folder.file("metrics"));
  INFO(checked.output);
  CHECK((checked.exit_code == 0 || checked.exit_code == 3));  // 3: lint
  std::istringstream lines(checked.output);
  for (std::string line; std::getline(lines, line);)
    CHECK_THAT(line, Catch::StartsWith("spark_"));
}

TEST_CASE("/metrics is text 0.0.4 for GET alone", "[monitor]") {
  const Metrics metrics{MetricsOptions{.version = "1.2.3"}};
  const auto answer = tests::ask(metrics.handler(), "/metrics");
  CHECK(answer.status == 200);
  CHECK(answer.headers.get("Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  CHECK_THAT(answer.body, Catch::Contains("sparkcron_build_info{version=\"1.2.3\"} 1\n"));
  CHECK(tests::ask(metrics.handler(), "/metrics", {}, "POST").status == 405);
}

TEST_CASE("/metrics tells single families to who names them", "[monitor]") {
  Metrics metrics{MetricsOptions{.version = "1.2.3"}};
  metrics.queue_length("schedule", 3);
  const auto told = [&](const std::vector<std::pair<std::string, std::string>>& query) {
    return tests::ask(metrics.handler(), "/metrics", query).body;
  };
  const std::string queued = told({{"name[]", "sparkcron_queue_length"}});
  CHECK_THAT(queued, Catch::Contains("sparkcron_queue_length{controller=\"schedule\"} 3\n"));
  CHECK_THAT(queued, !Catch::Contains("sparkcron_build_info"));
  const std::string both =
      told({{"name[]", "sparkcron_queue_length"}, {"name[]", "sparkcron_build_info"}});
  CHECK_THAT(both, Catch::Contains("sparkcron_queue_length") &&
                       Catch::Contains("sparkcron_build_info") &&
                       !Catch::Contains("sparkcron_metrics_dropped_total"));
  CHECK(told({{"name[]", "no_such_family"}}).empty());
  CHECK(told({{"name", "sparkcron_build_info"}}) == metrics.text());
}

TEST_CASE("skips go on from what the ledger has counted", "[monitor]") {
  bool readable = false;
  Metrics metrics{MetricsOptions{
      .skip_counts = [&](const std::string&) -> std::optional<std::map<std::string, uint64_t>> {
        if (!readable) return std::nullopt;
        return std::map<std::string, uint64_t>{{"Superseded", 12}};
      }}};
  const auto superseded = [&] {
    return sample(metrics,
                  "sparkcron_schedule_skipped_total"
                  R"({namespace="etl",schedule="nightly",reason="Superseded"})");
  };
  // Of a round's news the skips come first; the ledger has them already.
  metrics.slots_skipped({.ns = "etl", .name = "nightly"}, "Superseded", 2);
  metrics.schedule_decided(schedule("nightly"));
  CHECK(superseded() == 2);  // the ledger did not answer
  readable = true;
  metrics.schedule_decided(schedule("nightly"));
  CHECK(superseded() == 12);
  metrics.slots_skipped({.ns = "etl", .name = "nightly"}, "Superseded", 3);
  metrics.schedule_decided(schedule("nightly"));
  CHECK(superseded() == 15);
}

TEST_CASE("a recorder that blocks stops neither scrapes nor news", "[monitor]") {
  base::Mutex mutex;
  base::CondVar changed;
  bool asked = false;
  bool released = false;
  Metrics metrics{MetricsOptions{
      .skip_counts = [&](const std::string&) -> std::optional<std::map<std::string, uint64_t>> {
        base::MutexLock lock(mutex);
        asked = true;
        changed.notify_all();
        while (!released)
          changed.wait(lock);
        return std::map<std::string, uint64_t>{{"Superseded", 7}};
      }}};
  std::thread stuck([&] { metrics.schedule_decided(schedule("nightly")); });
  {
    base::MutexLock lock(mutex);
    while (!asked)
      changed.wait(lock);
  }
  // One schedule's worker waits for the disk; all this goes on meanwhile, or the test never ends.
  metrics.application_changed(application("a", "SUBMITTED"), "");
  metrics.slot_started({.ns = "etl", .name = "other"}, milliseconds(1));
  metrics.schedule_gone({.ns = "etl", .name = "other"});
  CHECK(sample(metrics, "spark_application_count") == 1);
  CHECK_THAT(metrics.text(), Catch::Contains("nightly"));
  CHECK_THAT(metrics.text(), !Catch::Contains("Superseded"));
  {
    base::MutexLock lock(mutex);
    released = true;
    changed.notify_all();
  }
  stuck.join();
  CHECK_THAT(metrics.text(), Catch::Contains("Superseded"));
}

TEST_CASE("numbers of the process are read at each scrape, outside the lock", "[monitor]") {
  const Metrics* self = nullptr;
  int depth = 0;
  Metrics metrics{MetricsOptions{
      .readings = {[&] {
        // Asked under the lock, this would never come back.
        if (depth++ == 0) CHECK_THAT(self->text(), Catch::Contains("sparkcron_build_info"));
        return std::vector<monitor::Reading>{{.name = "sparkcron_ledger_corruptions_total",
                                              .help = "Ledger files that were set aside",
                                              .kind = monitor::Reading::Kind::Counter,
                                              .value = 3}};
      }}}};
  self = &metrics;
  CHECK(sample(metrics, "sparkcron_ledger_corruptions_total") == 3);
}

TEST_CASE("schedules have series in bounded number, and none when they are gone", "[monitor]") {
  Metrics metrics{MetricsOptions{.max_schedules = 50}};
  for (int i = 0; i < 200; ++i)
    metrics.schedule_decided(schedule("s" + std::to_string(i), "u" + std::to_string(i)));
  const auto lines = [&](const std::string& name) {
    const std::string text = metrics.text();
    size_t count = 0;
    for (size_t at = text.find("\n" + name + "{"); at != std::string::npos;
         at = text.find("\n" + name + "{", at + 1))
      ++count;
    return count;
  };
  CHECK(lines("sparkcron_schedule_active_runs") == 50);
  CHECK(sample(metrics, "sparkcron_metrics_dropped_total") == 150);
  for (int i = 0; i < 200; ++i)
    metrics.schedule_gone({.ns = "etl", .name = "s" + std::to_string(i)});
  CHECK(lines("sparkcron_schedule_active_runs") == 0);
}

TEST_CASE("numbers without single schedules stay short and have the lateness of all", "[monitor]") {
  Metrics metrics({.version = "1"});
  for (const char* name : {"a", "b", "c"}) {
    const kube::ObjectKey key{.ns = "etl", .name = name};
    metrics.schedule_ready(key, "");
    metrics.slot_started(key, milliseconds(120));
  }
  const std::string text = metrics.text_without_schedules();
  CHECK(text.find("schedule=") == std::string::npos);
  CHECK(text.find("sparkcron_schedule_lateness_seconds_count 3\n") != std::string::npos);
  CHECK(text.find("sparkcron_build_info{version=\"1\"} 1\n") != std::string::npos);
  CHECK(metrics.text().find("schedule=\"c\"") != std::string::npos);
}
