// Starting and stopping, also from two threads as the elector and main do; and what the controllers
// tell of objects that they cannot serve.

#include "tools/sparkcron/controllers.h"

#include <atomic>
#include <chrono>
#include <latch>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "config/names.h"
#include "monitor/metrics.h"
#include "tests/support/await.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"
#include "tests/support/metric.h"

namespace sparkcron {
namespace {

// Nothing is scheduled here, so nothing is recorded.
struct NoRecorder final : runner::RunRecorder {
  base::Status record_run(const runner::RunRecord&) override { return {}; }
  base::Result<std::optional<runner::RunRecord>> find_run(const std::string&,
                                                          const std::string&) override {
    return std::nullopt;
  }
  base::Result<std::vector<runner::RunRecord>> runs_after(const std::string&,
                                                          base::WallTime) override {
    return std::vector<runner::RunRecord>();
  }
  base::Status record_skip(const runner::SkipRecord&) override { return {}; }
  base::Result<runner::RunCounts> counts(const kube::ObjectKey&, const std::string&,
                                         const runner::RunCounts&, const std::string&) override {
    return runner::RunCounts();
  }
  base::Status handled(const std::string&, const std::string&) override { return {}; }
  base::Result<std::optional<runner::Remembered>> remembered(const std::string&,
                                                             std::chrono::sys_seconds) override {
    return std::nullopt;
  }
};

// Knows nothing of anybody while it fails.
struct FailingRecorder final : runner::RunRecorder {
  base::Status record_run(const runner::RunRecord&) override { return answer(); }
  base::Result<std::optional<runner::RunRecord>> find_run(const std::string&,
                                                          const std::string&) override {
    RETURN_IF_ERROR(answer());
    return std::nullopt;
  }
  base::Result<std::vector<runner::RunRecord>> runs_after(const std::string&,
                                                          base::WallTime) override {
    RETURN_IF_ERROR(answer());
    return std::vector<runner::RunRecord>();
  }
  base::Status record_skip(const runner::SkipRecord&) override { return answer(); }
  base::Result<runner::RunCounts> counts(const kube::ObjectKey&, const std::string&,
                                         const runner::RunCounts& floor,
                                         const std::string&) override {
    RETURN_IF_ERROR(answer());
    return floor;
  }
  base::Status handled(const std::string&, const std::string&) override { return answer(); }
  base::Result<std::optional<runner::Remembered>> remembered(const std::string&,
                                                             std::chrono::sys_seconds) override {
    RETURN_IF_ERROR(answer());
    return std::nullopt;
  }

  std::atomic<bool> fails{true};

 private:
  [[nodiscard]] base::Status answer() const {
    if (!fails) return {};
    return base::failure(base::Code::Unavailable, "the ledger is away");
  }
};

kube::Json suspended_schedule(const std::string& name) {
  return {{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
          {"kind", "ScheduledSparkApplication"},
          {"metadata", {{"namespace", "etl"}, {"name", name}}},
          {"spec",
           {{"schedule", "0 0 1 1 *"},
            {"suspend", true},
            {"template", {{"type", "Python"}, {"mainApplicationFile", "local:///pi.py"}}}}}};
}

struct Bed {
  tests::MemoryApi api{base::real_clock()};
  tests::MemoryEvents events;
  NoRecorder recorder;
  Controllers controllers{api, events, recorder, base::real_clock(), {}};
};

TEST_CASE("controllers that are stopped while they start do not run afterwards") {
  SUCCEED("no race, no crash");
  for (int round = 0; round < 20; ++round) {
    Bed bed;
    std::latch both(2);
    std::thread elector([&] {
      both.arrive_and_wait();
      bed.controllers.start();
    });
    both.arrive_and_wait();
    bed.controllers.stop();
    elector.join();
    // Whoever came first: nothing runs, so everything may be freed.
  }
}

TEST_CASE("controllers that were stopped never start") {
  Bed bed;
  bed.controllers.stop();
  bed.controllers.start();
  bed.controllers.stop();
  CHECK_FALSE(bed.controllers.ready());
}

TEST_CASE("controllers that run are ready once they have read everything") {
  Bed bed;
  bed.controllers.start();
  while (!bed.controllers.ready())
    std::this_thread::yield();
  bed.controllers.stop();
  bed.controllers.stop();
  SUCCEED("ready, and stopped twice");
}

TEST_CASE(
    "a replica that waits is ready with warm caches, decides nothing, and takes over without a "
    "list") {
  base::set_log_level(base::LogLevel::Off);
  Bed bed;
  const kube::ObjectKey deep{.ns = "etl", .name = "deep"};
  bed.api.make_unreadable(config::scheduled_spark_applications(), deep);
  bed.controllers.follow();
  REQUIRE(tests::await([&] { return bed.controllers.ready(); }));
  REQUIRE(bed.api.create(config::scheduled_spark_applications(), suspended_schedule("a")));
  bed.controllers.look_again();
  CHECK(bed.api.calls("update") == 0);
  CHECK(bed.events.all().empty());
  const int lists = bed.api.calls("list");
  bed.controllers.start();
  // Its status is the first thing that a schedule gets.
  REQUIRE(bed.api.await(config::scheduled_spark_applications(), {"etl", "a"},
                        [](const kube::Json* one) { return one && one->contains("status"); }));
  CHECK(bed.api.calls("list") == lists);
  // What it could not read meanwhile is said now.
  CHECK(bed.events.all().front() ==
        "Unreadable: this object cannot be read and is left out: nested too deep");
  bed.controllers.stop();
}

TEST_CASE("objects that have been failing for over a minute are a warning until they work") {
  base::set_log_level(base::LogLevel::Off);
  tests::FakeClock clock;
  tests::MemoryApi api(clock);
  tests::MemoryEvents events;
  FailingRecorder recorder;
  monitor::Metrics metrics({});
  ControllersOptions options;
  options.telemetry = &metrics;
  Controllers controllers(api, events, recorder, clock, options);
  const auto failing = [&] {
    return tests::metric(metrics, R"(sparkcron_failing_objects{controller="schedule"})");
  };
  REQUIRE(api.create(config::scheduled_spark_applications(), suspended_schedule("a")));
  controllers.start();
  REQUIRE(tests::await([&] { return failing() == 1; }));
  CHECK(controllers.objects_work());  // not for a minute yet
  clock.advance(std::chrono::seconds(61));
  const auto one = controllers.objects_work();
  REQUIRE_FALSE(one);
  CHECK(one.error().message == "1 object has been failing for over a minute");
  REQUIRE(api.create(config::scheduled_spark_applications(), suspended_schedule("b")));
  REQUIRE(tests::await([&] { return failing() == 2; }));
  CHECK(controllers.objects_work().error().message ==
        "1 object has been failing for over a minute");
  clock.advance(std::chrono::seconds(61));
  CHECK(controllers.objects_work().error().message ==
        "2 objects have been failing for over a minute");
  CHECK(tests::metric(
            metrics,
            R"(sparkcron_reconcile_errors_total{controller="schedule",reason="unavailable"})")
            .value_or(0) >= 2);
  recorder.fails = false;
  REQUIRE(tests::await([&] {
    clock.advance(std::chrono::seconds(60));  // the longest back-off
    return failing() == 0;
  }));
  CHECK(controllers.objects_work());
  controllers.stop();
}

TEST_CASE("an object that cannot be read is counted, and said at the object") {
  base::set_log_level(base::LogLevel::Off);
  tests::MemoryApi api;
  tests::MemoryEvents events;
  NoRecorder recorder;
  monitor::Metrics metrics({});
  ControllersOptions options;
  options.telemetry = &metrics;
  Controllers controllers(api, events, recorder, base::real_clock(), options);
  const kube::ObjectKey deep{.ns = "etl", .name = "deep"};
  api.make_unreadable(config::scheduled_spark_applications(), deep);
  controllers.start();
  REQUIRE(tests::await([&] {
    return tests::metric(
               metrics,
               R"(sparkcron_unreadable_objects_total{resource="scheduledsparkapplications"})") == 1;
  }));
  REQUIRE(tests::await([&] { return !events.all().empty(); }));
  CHECK(events.all() ==
        std::vector<std::string>{
            "Unreadable: this object cannot be read and is left out: nested too deep"});
  controllers.stop();
}

}  // namespace
}  // namespace sparkcron
