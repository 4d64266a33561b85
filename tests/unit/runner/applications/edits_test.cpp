// Applications that are edited: which driver goes, which edit matters.

#include <string>

#include <nlohmann/json.hpp>

#include "kube/object.h"
#include "runner/application.h"
#include "tests/unit/runner/applications/application_fixture.h"

namespace tests {
namespace {

using base::Code;

}  // namespace

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
