// Applications that are edited: which driver goes, which edit matters.

#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "kube/object.h"
#include "runner/application.h"
#include "tests/unit/runner/applications/application_fixture.h"

namespace tests {
namespace {

using base::Code;

// The executors' pod template that the driver has mounted.
json executor_template(const ApplicationWorld& world) {
  for (const auto& map : world.api.peek_all(kube::config_maps())) {
    const std::string text = base::string_at(*map, {"data", "podspec-configmap-key"});
    if (!text.empty()) return json::parse(text);
  }
  return nullptr;
}

void run(ApplicationWorld& world, const json& spec = json::object()) {
  world.apply(spec);
  world.settle();
  world.drivers_phase("Running");
  world.settle();
  REQUIRE(world.state() == "RUNNING");
}

constexpr const char* kPlaced = "it holds for executors that the driver requests from now on";

}  // namespace

TEST_CASE("an edit of where executors may be placed leaves the driver alone and reaches new ones") {
  struct Case {
    const char* field;
    json value;
  };
  const json toleration = {{"key", "spot"}, {"operator", "Exists"}};
  const json affinity = {{"podAntiAffinity",
                          {{"requiredDuringSchedulingIgnoredDuringExecution",
                            json::array({{{"topologyKey", "kubernetes.io/hostname"}}})}}}};
  const Case cases[] = {
      {.field = "affinity", .value = affinity},
      {.field = "nodeSelector", .value = {{"pool", "spot"}}},
      {.field = "priorityClassName", .value = "low"},
      {.field = "schedulerName", .value = "mine"},
      {.field = "tolerations", .value = json::array({toleration})},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.field) {
      ApplicationWorld world;
      run(world);
      const std::string pod = kube::uid_of(world.driver());
      world.edit(std::string("/spec/executor/") + c.field, c.value);
      world.settle();
      CHECK(world.state() == "RUNNING");
      CHECK(kube::uid_of(world.driver()) == pod);
      CHECK_FALSE(kube::is_deleting(world.driver()));
      CHECK(executor_template(world)["spec"][c.field] == c.value);
      CHECK(world.events_with(kPlaced) == 1);
      // Told once, and no reason to run again when it has ended.
      world.settle();
      world.drivers_phase("Succeeded");
      world.settle();
      CHECK(world.events_with(kPlaced) == 1);
      CHECK(world.state() == "COMPLETED");
    }
  }
}

TEST_CASE(
    "an edit of the driver's place, or of anything else beside the executors', runs it anew") {
  const char* pointer = GENERATE("/spec/driver/nodeSelector", "/spec/executor/labels");
  ApplicationWorld world;
  run(world);
  world.edit("/spec/executor/nodeSelector", {{"pool", "spot"}});
  world.edit(pointer, {{"a", "b"}});
  world.settle();
  CHECK(kube::is_deleting(world.driver()));
  CHECK(world.events_with(kPlaced) == 0);
}

TEST_CASE("an edit of the executors' place runs anew what does not run") {
  SECTION("finished") {
    ApplicationWorld world;
    run(world);
    world.drivers_phase("Succeeded");
    world.settle();
    REQUIRE(world.state() == "COMPLETED");
    world.edit("/spec/executor/nodeSelector", {{"pool", "spot"}});
    world.settle();
    CHECK(world.events_with("was changed and will run anew") == 1);
  }
  SECTION("refused: the wait for the next try ends") {
    ApplicationWorld world;
    world.refuse_pods(Code::Forbidden, "no such pool");
    world.apply();
    world.settle();
    REQUIRE(world.state() == "SUBMISSION_FAILED");
    world.api.before = nullptr;
    world.edit("/spec/executor/nodeSelector", {{"pool", "spot"}});
    world.settle();
    CHECK(world.state() == "SUBMITTED");
    CHECK(executor_template(world)["spec"]["nodeSelector"]["pool"] == "spot");
  }
}

TEST_CASE("a new place for executors that was written, but not noted, is written again") {
  ApplicationWorld world;
  run(world);
  world.edit("/spec/executor/schedulerName", "mine");
  world.api.before = [](const ApiCall& call) -> std::optional<base::Error> {
    if (call.subresource == "status") return base::Error{Code::Unavailable, "gone away", {}};
    return std::nullopt;
  };
  CHECK_FALSE(world.reconcile().has_value());
  CHECK(executor_template(world)["spec"]["schedulerName"] == "mine");
  world.api.before = nullptr;
  world.settle();
  CHECK(world.state() == "RUNNING");
  CHECK_FALSE(kube::is_deleting(world.driver()));
  CHECK(executor_template(world)["spec"]["schedulerName"] == "mine");
}

TEST_CASE("a new place for executors that cannot take effect says why, and the run goes on") {
  ApplicationWorld world;
  const char* why = "";
  SECTION("their pods are threads") {
    run(world, {{"driver", {{"kubernetesMaster", "local[2]"}}}});
    world.edit("/spec/executor/nodeSelector", {{"pool", "spot"}});
    why = "on this run: executors are threads of the driver";
  }
  SECTION("pods are processes") {
    runner::applications::ApplicationOptions options;
    options.pods = runner::submission::PodsRunAs::Processes;
    std::destroy_at(&world.reconciler);
    std::construct_at(&world.reconciler, world.permitted, world.cache, world.events, world.recorder,
                      world.clock, options);
    run(world);
    world.edit("/spec/executor/nodeSelector", {{"pool", "spot"}});
    why = "on this run: pods run as processes of this machine";
  }
  SECTION("the template is of a release that wrote it for good") {
    run(world);
    for (const auto& map : world.api.peek_all(kube::config_maps()))
      world.api.set(kube::config_maps(), kube::key_of(*map), "/immutable", true);
    world.edit("/spec/executor/nodeSelector", {{"pool", "spot"}});
    why = "on this run: an earlier release has submitted it with a pod template for good";
  }
  SECTION("the spec is refused") {
    run(world);
    world.edit("/spec/executor/priorityClassName", "No_Name");
    why = "on this run: spec.executor.priorityClassName must not be \"No_Name\"";
  }
  SECTION("the API refuses it") {
    run(world);
    world.api.before = [](const ApiCall& call) -> std::optional<base::Error> {
      if (call.verb == "update") return base::Error{Code::Forbidden, "not now", {}};
      return std::nullopt;
    };
    world.edit("/spec/executor/nodeSelector", {{"pool", "spot"}});
    why = "on this run: not now";
  }
  SECTION("its ConfigMap is gone") {
    run(world);
    for (const auto& map : world.api.peek_all(kube::config_maps()))
      world.api.erase(kube::config_maps(), kube::key_of(*map));
    world.edit("/spec/executor/nodeSelector", {{"pool", "spot"}});
    why = "on this run: the ConfigMap of its executors' pod template is gone";
  }
  world.settle();
  CHECK(world.state() == "RUNNING");
  CHECK_FALSE(kube::is_deleting(world.driver()));
  CHECK(world.events_with(why) == 1);
  CHECK(world.events_with(kPlaced) == 0);
}

TEST_CASE("a run that an earlier release has submitted is known by its hash after one look") {
  ApplicationWorld world;
  run(world);
  json status = world.application()["status"];
  status.erase("restartHash");
  world.api.set(config::spark_applications(), world.key, "/status", status);
  SECTION("seen before the edit") {
    world.settle();
    world.edit("/spec/executor/nodeSelector", {{"pool", "spot"}});
    world.settle();
    CHECK_FALSE(kube::is_deleting(world.driver()));
  }
  SECTION("edited before: all of the spec counts") {
    world.edit("/spec/executor/nodeSelector", {{"pool", "spot"}});
    world.settle();
    CHECK(kube::is_deleting(world.driver()));
  }
}

TEST_CASE("what an edit takes out of the spec goes with the attempt that made it") {
  ApplicationWorld world;
  run(world, {{"driverPodDisruptionBudget", true}});
  const kube::ResourceType budgets{"policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"};
  REQUIRE(world.api.peek_all(budgets).size() == 1);
  world.edit("/spec/driverPodDisruptionBudget", false);
  world.settle();
  CHECK(world.api.peek_all(budgets).empty());
}

TEST_CASE("editing podName of a running application stops the old driver before the new one") {
  ApplicationWorld world;
  world.apply();
  world.settle();
  world.drivers_phase("Running");
  world.settle();
  world.edit("/spec/driver/podName", "elsewhere");
  world.settle();
  CHECK(kube::is_deleting(world.driver()));
  CHECK(world.driver("elsewhere").is_null());
  world.api.erase(kube::pods(), world.driver_key);
  world.settle();
  CHECK(world.driver("elsewhere").is_object());
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.application()["status"]["driverInfo"]["podName"] == "elsewhere");
}

TEST_CASE("editing podName before the status could name the driver starts no second one") {
  ApplicationWorld world;
  world.apply();
  // The pod is created; the write that would say so is lost.
  world.api.before = [](const ApiCall& call) -> std::optional<base::Error> {
    if (call.subresource == "status") return base::Error{Code::Unavailable, "gone away", {}};
    return std::nullopt;
  };
  CHECK_FALSE(world.reconcile().has_value());
  REQUIRE(world.driver().is_object());
  world.drivers_phase("Running");
  world.api.before = nullptr;
  world.edit("/spec/driver/podName", "elsewhere");
  SECTION("with the memory of the process") {
    SUCCEED();
  }
  SECTION("after a restart") {
    SUCCEED();
    std::destroy_at(&world.reconciler);
    std::construct_at(&world.reconciler, world.api, world.cache, world.events, world.recorder,
                      world.clock, runner::applications::ApplicationOptions{});
  }
  world.settle();
  CHECK(kube::is_deleting(world.driver()));
  CHECK(world.driver("elsewhere").is_null());
  world.api.erase(kube::pods(), world.driver_key);
  world.settle();
  CHECK(world.driver("elsewhere").is_object());
}

TEST_CASE("an edit between the driver's creation and the first status is not lost") {
  ApplicationWorld world;
  const auto arguments = [&] { return world.driver()["spec"]["containers"][0]["args"].dump(); };
  world.apply({{"arguments", {"before"}}});
  world.api.before = [](const ApiCall& call) -> std::optional<base::Error> {
    if (call.subresource == "status") return base::Error{Code::Unavailable, "gone away", {}};
    return std::nullopt;
  };
  CHECK_FALSE(world.reconcile().has_value());
  REQUIRE(arguments().find("before") != std::string::npos);
  const auto configs = world.api.peek_all(kube::config_maps());
  REQUIRE_FALSE(configs.empty());
  world.drivers_phase("Running");
  world.api.before = nullptr;

  SECTION("it leads to a new driver, once the old one is gone") {
    world.edit("/spec/arguments", json::array({"after"}));
    world.settle();
    CHECK(kube::is_deleting(world.driver()));
    CHECK(arguments().find("before") != std::string::npos);
    world.api.erase(kube::pods(), world.driver_key);
    world.settle();
    CHECK(world.state() == "SUBMITTED");
    CHECK(arguments().find("after") != std::string::npos);
    // What it reads has the same names, and is of the new spec too.
    for (const auto& old : configs) {
      const auto now = world.api.peek(kube::config_maps(), kube::key_of(*old));
      REQUIRE(now != nullptr);
      CHECK(kube::uid_of(*now) != kube::uid_of(*old));
    }
  }
  SECTION("one that changes nothing of what runs keeps the driver") {
    const std::string pod = kube::uid_of(world.driver());
    world.edit("/spec/timeToLiveSeconds", 60);
    world.settle();
    CHECK(world.state() == "RUNNING");
    CHECK(kube::uid_of(world.driver()) == pod);
    CHECK_FALSE(kube::is_deleting(world.driver()));
  }
}

TEST_CASE("the hash that the first release has stored is still the hash of its object") {
  const json spec{{"type", "Python"},
                  {"mode", "cluster"},
                  {"sparkVersion", "4.0.1"},
                  {"mainApplicationFile", "local:///app/etl.py"},
                  {"restartPolicy", {{"type", "Never"}}},
                  {"driver", {{"cores", 1}}},
                  {"executor", {{"instances", 2}}},
                  {"timeToLiveSeconds", 60},
                  {"suspend", false}};
  CHECK(runner::read_application({{"spec", spec}}).spec_hash == "ce170f41194f65d7");
  CHECK(runner::read_application({{"spec", 1}}).spec_hash.empty());
}

}  // namespace tests
