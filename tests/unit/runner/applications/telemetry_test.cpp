#include "runner/applications/telemetry.h"

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/rfc3339.h"
#include "config/names.h"
#include "tests/support/catch.h"
#include "tests/support/fake_api.h"
#include "tests/support/fake_clock.h"

namespace {

using nlohmann::json;
using runner::AppState;

// One line per call.
class Told final : public runner::Telemetry {
 public:
  void application_changed(const runner::ApplicationReport& facts,
                           std::string_view before) override {
    lines.push_back(facts.key.name + " " + std::string(before) + ">" + facts.state);
    slot = facts.slot;
  }
  void application_gone(const std::string& uid) override { lines.push_back("gone " + uid); }
  void executor_changed(const runner::ExecutorReport& facts, std::string_view before) override {
    if (facts.phase != before)
      lines.push_back(facts.pod.name + " " + std::string(before) + ">" + facts.phase);
  }
  void executor_gone(const std::string&) override { lines.emplace_back("executor gone"); }
  void schedule_decided(const runner::ScheduleReport&) override {}
  void schedule_gone(const kube::ObjectKey&) override {}
  void slot_started(const kube::ObjectKey&, std::chrono::milliseconds) override {}
  void slots_skipped(const kube::ObjectKey&, std::string_view, uint64_t) override {}

  std::vector<std::string> take() { return std::exchange(lines, {}); }
  std::vector<std::string> lines;
  std::optional<base::WallTime> slot;  // of the application that was told last
};

using Lines = std::vector<std::string>;

struct World {
  tests::FakeClock clock;
  tests::FakeApi api{clock};
  tests::FakeCache cache{api};
  Told told;
  runner::applications::ApplicationTelemetry telemetry{&told};
  runner::Application app;
  json object{{"metadata", {{"name", "run"}, {"namespace", "etl"}}}};

  World() {
    cache.follow();
    app.key = {"etl", "run"};
    app.uid = "u1";
    app.status.submission_id = "s1";
  }

  void write(AppState state) {
    runner::ApplicationStatus status = app.status;
    status.state = state;
    telemetry.written(app, object, status, cache);
    app.status = status;
  }
  void see() { telemetry.seen(app, object, cache); }
  void executor(const std::string& name, const std::string& phase) {
    const kube::ObjectKey key{"etl", name};
    if (api.peek(kube::pods(), key) == nullptr) {
      REQUIRE(api.create(kube::pods(), {{"apiVersion", "v1"},
                                        {"kind", "Pod"},
                                        {"metadata",
                                         {{"name", name},
                                          {"namespace", "etl"},
                                          {"labels",
                                           {{config::kAppNameLabel, "run"},
                                            {config::kSubmissionIdLabel, "s1"},
                                            {config::kSparkRoleLabel, "executor"}}}}}})
                  .has_value());
    }
    api.set(kube::pods(), key, "/status", {{"phase", phase}});
  }
};

}  // namespace

TEST_CASE("a change of state is told once, with the state before it") {
  World world;
  world.write(AppState::Submitted);
  world.write(AppState::Running);
  world.see();
  CHECK(world.told.take() == Lines{"run >SUBMITTED", "run SUBMITTED>RUNNING"});

  SECTION("a round done twice, from a cache that lags, counts nothing") {
    world.app.status.state = AppState::Submitted;
    world.write(AppState::Running);
    CHECK(world.told.take() == Lines{"run RUNNING>RUNNING"});
  }
  SECTION("it goes") {
    world.telemetry.gone(world.app.key);
    world.telemetry.gone(world.app.key);
    CHECK(world.told.take() == Lines{"gone u1"});
  }
  SECTION("another of the same name") {
    world.app.uid = "u2";
    world.app.status.state = AppState::New;
    world.write(AppState::Submitted);
    CHECK(world.told.take() == Lines{"gone u1", "run >SUBMITTED"});
  }
}

TEST_CASE("a run's slot is told, but not that of one started by hand") {
  World world;
  world.write(AppState::Submitted);
  CHECK(world.told.slot == std::nullopt);
  world.object["metadata"]["annotations"] = {
      {config::kScheduledTimeAnnotation, "2026-03-08T07:00:00Z"}};
  world.write(AppState::Running);
  CHECK(world.told.slot == base::parse_rfc3339("2026-03-08T07:00:00Z").value());
  world.object["metadata"]["annotations"][config::kManualRunAnnotation] = "true";
  world.write(AppState::Succeeding);
  CHECK(world.told.slot == std::nullopt);
}

TEST_CASE("a new process counts again nothing that the status says") {
  World world;
  world.app.status.state = AppState::Running;
  world.app.status.executor_state["done"] = "COMPLETED";
  world.executor("done", "Succeeded");
  world.see();
  CHECK(world.told.take() == Lines{"run RUNNING>RUNNING"});
}

TEST_CASE("executors are followed by their pods") {
  World world;
  world.write(AppState::Running);
  world.told.take();
  world.executor("one", "Pending");
  world.see();
  world.executor("one", "Running");
  world.see();
  world.see();
  world.executor("one", "Failed");
  world.executor("two", "Running");
  world.see();
  CHECK(world.told.take() ==
        Lines{"one >Pending", "one Pending>Running", "one Running>Failed", "two >Running"});
  world.api.erase(kube::pods(), {"etl", "two"});
  world.see();
  CHECK(world.told.take() == Lines{"executor gone"});
}

TEST_CASE("nobody needs to listen") {
  World world;
  runner::applications::ApplicationTelemetry silent(nullptr);
  silent.written(world.app, world.object, world.app.status, world.cache);
  silent.seen(world.app, world.object, world.cache);
  silent.gone(world.app.key);
  CHECK(world.told.lines.empty());
}
