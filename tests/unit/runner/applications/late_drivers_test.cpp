// Driver pods whose creation was given up by its caller and arrives late: no run has two drivers.

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "kube/object.h"
#include "tests/unit/runner/applications/application_fixture.h"

namespace tests {
namespace {

// The driver's ConfigMap, as it is now.
json configuration(const ApplicationWorld& world) {
  for (const auto& map : world.api.peek_all(kube::config_maps()))
    if (base::string_at(*map, {"metadata", "name"}).find("podspec") == std::string::npos)
      return *map;
  return {};
}

size_t first_call(const ApplicationWorld& world, const std::string& verb,
                  const std::string& plural) {
  const auto& calls = world.api.calls;
  return static_cast<size_t>(std::find_if(calls.begin(), calls.end(),
                                          [&](const ApiCall& call) {
                                            return call.verb == verb && call.plural == plural;
                                          }) -
                             calls.begin());
}

// What a late creation brings back.
void driver_comes_late(ApplicationWorld& world, json pod) {
  for (const char* member : {"uid", "resourceVersion", "deletionTimestamp"})
    pod["metadata"].erase(member);
  pod["status"] = {{"phase", "Pending"}};
  world.api.before = world.api.after = nullptr;
  REQUIRE(world.api.create(kube::pods(), pod).has_value());
}

}  // namespace

TEST_CASE("a driver's configuration is there only once it was written a second time") {
  ApplicationWorld world;
  json created;
  world.api.after = [&](const ApiCall& call) -> std::optional<base::Error> {
    if (call.verb == "create" && call.plural == "configmaps" && created.is_null())
      created = configuration(world);
    return std::nullopt;
  };
  world.apply();
  world.settle();
  CHECK(created.is_object());
  CHECK_FALSE(created.contains("data"));
  const json filled = configuration(world);
  CHECK(kube::uid_of(filled) == kube::uid_of(created));
  CHECK(filled["data"].contains("spark.properties"));
  CHECK(filled["immutable"] == true);
  CHECK(first_call(world, "update", "configmaps") < first_call(world, "create", "pods"));
}

TEST_CASE("a configuration is completed after a crash between its two writes") {
  ApplicationWorld world;
  bool fails = true;
  bool goes = false;
  world.api.before = [&](const ApiCall& call) -> std::optional<base::Error> {
    if (call.verb != "update" || call.plural != "configmaps" || !std::exchange(fails, false))
      return std::nullopt;
    if (!goes) return base::Error{base::Code::Unavailable, "down", {}};
    world.api.erase(kube::config_maps(), call.key);
    return std::nullopt;
  };
  world.apply();
  SECTION("the second was not answered") {
    CHECK(world.reconcile().has_value());
    CHECK(world.error() == "waiting: down");
  }
  SECTION("what the first has made is gone") {
    goes = true;
    CHECK_FALSE(world.reconcile().has_value());
  }
  CHECK(world.driver().is_null());
  CHECK(configuration(world)["data"].is_null());
  world.clock.advance(std::chrono::minutes(1));
  world.settle();
  CHECK(world.state() == "SUBMITTED");
  CHECK(configuration(world)["data"].contains("spark.properties"));
}

TEST_CASE("the configuration goes before its driver is stopped") {
  ApplicationWorld world;
  world.apply();
  world.settle();
  const json pod = world.driver();
  world.drivers_phase("Running");
  world.settle();
  world.api.calls.clear();
  REQUIRE(world.api.remove(config::spark_applications(), world.key).has_value());
  world.settle();
  CHECK(configuration(world).is_null());
  CHECK(first_call(world, "delete", "configmaps") < first_call(world, "delete", "pods"));
  // An earlier creation of it may take its name as soon as it is gone.
  world.api.erase(kube::pods(), world.driver_key);
  driver_comes_late(world, pod);
  world.settle();
  CHECK(configuration(world).is_null());
  CHECK(kube::is_deleting(world.driver()));
}

TEST_CASE("a driver that comes while a run without one is ended is not overlooked") {
  ApplicationWorld world;
  world.apply();
  world.settle();
  const json pod = world.driver();
  world.api.erase(kube::pods(), world.driver_key);
  world.api.before = [&](const ApiCall& call) -> std::optional<base::Error> {
    if (call.verb == "list" && call.plural == "services") driver_comes_late(world, pod);
    return std::nullopt;
  };
  const auto round = world.reconcile();
  REQUIRE_FALSE(round.has_value());
  CHECK(round.error().message ==
        "driver pod etl/pi-driver has come meanwhile; the application is looked at again");
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.recorder.runs.begin()->second.state == "SUBMITTED");
  world.drivers_phase("Succeeded");
  world.settle();
  CHECK(world.state() == "COMPLETED");
}

TEST_CASE("a driver that comes when its run has ended is taken away") {
  ApplicationWorld world;
  world.apply();
  world.settle();
  const json pod = world.driver();
  world.api.erase(kube::pods(), world.driver_key);
  world.settle();
  REQUIRE(world.state() == "FAILED");
  driver_comes_late(world, pod);
  world.settle();
  CHECK(kube::is_deleting(world.driver()));
  CHECK(world.state() == "FAILED");
}

}  // namespace tests
