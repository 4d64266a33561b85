// The ten ways in which the Kubeflow operator's applications go wrong (its defects as they were
// found in its source), each as the test that shows that ours do not. S10, a lease that outlives
// its process, is that of tests/unit/kube/elector_test.cpp.

#include <filesystem>
#include <string>

#include <nlohmann/json.hpp>

#include "config/names.h"
#include "kube/object.h"
#include "tests/unit/runner/applications/application_fixture.h"

namespace tests {
namespace {

using base::Code;
using std::chrono::seconds;

size_t calls_of(const ApplicationWorld& world, const std::string& verb, const std::string& plural) {
  return static_cast<size_t>(std::count_if(
      world.api.calls.begin(), world.api.calls.end(),
      [&](const ApiCall& call) { return call.verb == verb && call.plural == plural; }));
}

size_t writes_of(const ApplicationWorld& world) {
  return static_cast<size_t>(
      std::count_if(world.api.calls.begin(), world.api.calls.end(),
                    [](const ApiCall& call) { return call.verb != "get" && call.verb != "list"; }));
}

json container(const json& state) {
  return {{{"name", config::kDriverContainer}, {"state", state}}};
}

}  // namespace

TEST_CASE("S1: client mode runs nothing in this process, and is refused with its field") {
  ApplicationWorld world;
  world.apply({{"mode", "client"}});
  world.settle();
  CHECK(world.state() == "FAILED");
  CHECK(world.error().starts_with("spec.mode"));
  CHECK(world.api.peek_all(kube::pods()).empty());
}

TEST_CASE("S2: a status that is lost after the submission starts no second driver") {
  for (const Code code : {Code::Conflict, Code::Unavailable}) {
    ApplicationWorld world;
    world.apply();
    world.api.before = [code](const ApiCall& call) -> std::optional<base::Error> {
      if (call.subresource == "status") return base::Error{code, "lost"};
      return std::nullopt;
    };
    CHECK_FALSE(world.reconcile().has_value());
    const std::string pod = kube::uid_of(world.driver());
    world.drivers_phase("Running");
    world.api.before = nullptr;
    world.settle();
    CHECK(world.state() == "RUNNING");
    CHECK(kube::uid_of(world.driver()) == pod);
    CHECK(world.api.peek_all(kube::pods()).size() == 1);
    CHECK(world.application()["status"]["executionAttempts"] == 1);
  }
}

TEST_CASE("S3: a rerun whose clean-up was not done at once goes on by itself") {
  ApplicationWorld world;
  world.apply({{"restartPolicy",
                {{"type", "OnFailure"}, {"onFailureRetries", 1}, {"onFailureRetryInterval", 20}}}});
  world.settle();
  world.drivers_phase("Failed");
  world.settle();
  CHECK(world.state() == "PENDING_RERUN");
  // The old pod lingers; that it goes wakes the controller, and then the pause does.
  CHECK(kube::is_deleting(world.driver()));
  world.api.erase(kube::pods(), world.driver_key);
  const auto waits = world.settle();
  REQUIRE(waits.wake_at.has_value());
  world.clock.set_wall(*waits.wake_at);
  world.settle();
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.application()["status"]["executionAttempts"] == 2);
}

TEST_CASE("S4: whatever hangs, hangs no longer than it may, and says so") {
  struct Case {
    std::string name;
    std::string field;
    std::string phase;
    std::string message;
  };
  const Case cases[] = {
      {.name = "pending",
       .field = "pendingDeadlineSeconds",
       .phase = "Pending",
       .message = "driver did not start within 60 s"},
      {.name = "running",
       .field = "activeDeadlineSeconds",
       .phase = "Running",
       .message = "ran longer than 60 s"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      ApplicationWorld world;
      world.apply({{c.field, 60}});
      world.settle();
      world.drivers_phase(c.phase);
      CHECK(world.settle().wake_at.has_value());
      world.clock.advance(seconds{61});
      world.settle();
      CHECK(kube::is_deleting(world.driver()));
      world.api.erase(kube::pods(), world.driver_key);
      world.settle();
      CHECK(world.state() == "FAILED");
      CHECK(world.error() == c.message);
    }
  }
}

TEST_CASE("S5: the driver's container ends the run, whatever side cars do") {
  ApplicationWorld world;
  world.apply();
  world.settle();
  world.api.set(kube::pods(), world.driver_key, "/status",
                {{"phase", "Running"},
                 {"containerStatuses",
                  container({{"terminated", {{"exitCode", 0}, {"reason", "Completed"}}}})}});
  world.settle();
  CHECK(world.state() == "COMPLETED");
}

TEST_CASE("S6: an edit that nobody saw happening, or whose write failed, is not lost") {
  ApplicationWorld world;
  world.apply();
  world.settle();
  world.drivers_phase("Succeeded");
  world.settle();
  CHECK(world.state() == "COMPLETED");
  world.edit("/spec/arguments", json::array({"again"}));
  world.api.before = [](const ApiCall& call) -> std::optional<base::Error> {
    if (call.subresource == "status") return base::Error{Code::Conflict, "409"};
    return std::nullopt;
  };
  CHECK_FALSE(world.reconcile().has_value());
  world.api.before = nullptr;
  world.settle();
  world.api.erase(kube::pods(), world.driver_key);
  world.settle();
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.driver()["spec"]["containers"][0]["args"].dump().find("again") != std::string::npos);
}

TEST_CASE("S7: submitting leaves no file behind") {
  const auto files = [] {
    const auto all = std::filesystem::directory_iterator(std::filesystem::current_path());
    return std::distance(begin(all), end(all));
  };
  const auto before = files();
  const bool spark = std::filesystem::exists("/tmp/spark");
  ApplicationWorld world;
  world.apply({{"driver", {{"template", {{"spec", {{"priorityClassName", "low"}}}}}}}});
  world.settle();
  CHECK(world.state() == "SUBMITTED");
  CHECK(files() == before);
  CHECK(std::filesystem::exists("/tmp/spark") == spark);
}

TEST_CASE("S8: what a run has made goes when it ends, not when it is deleted") {
  ApplicationWorld world;
  world.apply();
  world.settle();
  CHECK_FALSE(world.api.peek_all(kube::services()).empty());
  world.drivers_phase("Succeeded");
  world.settle();
  CHECK(world.state() == "COMPLETED");
  CHECK(world.api.peek_all(kube::services()).empty());
  CHECK(world.api.peek_all(kube::config_maps()).empty());
}

TEST_CASE("S9: looking again writes nothing") {
  ApplicationWorld world;
  world.apply();
  world.settle();
  for (const char* phase : {"Pending", "Running", "Succeeded"}) {
    world.drivers_phase(phase);
    world.settle();
    world.api.calls.clear();
    for (int i = 0; i < 10; ++i)
      CHECK(world.reconcile().has_value());
    CHECK(writes_of(world) == 0);
  }
}

TEST_CASE("Always does not run in a tight loop") {
  ApplicationWorld world;
  world.apply({{"restartPolicy", {{"type", "Always"}}}});
  const base::WallTime start = world.clock.now();
  while (world.clock.now() - start < seconds{22}) {
    world.settle();
    world.drivers_phase("Succeeded");
    world.settle();
    world.api.erase(kube::pods(), world.driver_key);
    const auto waits = world.settle();
    world.clock.set_wall(waits.wake_at.value_or(world.clock.now() + seconds{1}));
  }
  // Every five seconds.
  CHECK(calls_of(world, "create", "pods") == 5);
}

}  // namespace tests
