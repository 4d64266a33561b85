// Objects that stand where an application wants its own: of deleted namesakes, of others alive.

#include <string>

#include <nlohmann/json.hpp>

#include "config/names.h"
#include "kube/object.h"
#include "tests/unit/runner/applications/application_fixture.h"

namespace tests {
namespace {

using std::chrono::seconds;

}  // namespace

TEST_CASE("delete and apply: the new application waits for the driver of the old one") {
  ApplicationWorld world;
  world.apply();
  world.settle();
  world.drivers_phase("Running");
  const std::string old_pod = kube::uid_of(world.driver());

  SECTION("which is being removed") {
    world.delete_by_force();
    REQUIRE(world.api.collect_garbage());
    world.apply();
    for (int i = 0; i < 5; ++i) {
      const auto waits = world.settle();
      REQUIRE(waits.wake_at.has_value());
      world.clock.advance(seconds{20});
    }
    CHECK(kube::uid_of(world.driver()) == old_pod);
    CHECK(world.state() == "");
    CHECK(world.error() ==
          "waiting: Pod etl/pi-driver of a deleted object of this name is still being removed");
    CHECK(world.events_with("SparkApplicationWaiting") == 1);
    world.api.erase(kube::pods(), world.driver_key);
  }
  SECTION("which nobody collects") {
    world.delete_by_force();
    world.apply();
    world.settle();
    CHECK_FALSE(kube::is_deleting(world.driver()));
    world.clock.advance(seconds{16});
    world.settle();
    CHECK(kube::is_deleting(world.driver()));
    CHECK(world.state() == "");
    world.api.erase(kube::pods(), world.driver_key);
  }
  world.settle();
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.error() == "");
  CHECK(kube::uid_of(world.driver()) != old_pod);
  CHECK(kube::is_owned_by(world.driver(), kube::uid_of(world.application())));
}

TEST_CASE("delete and apply: ConfigMaps and claims of a namesake are waited for like its driver") {
  ApplicationWorld world;
  const json spec{{"monitoring",
                   {{"exposeDriverMetrics", true},
                    {"exposeExecutorMetrics", false},
                    {"prometheus", {{"jmxExporterJar", "/a.jar"}}}}}};
  world.apply(spec);
  world.settle();
  world.delete_by_force();
  world.api.erase(kube::pods(), world.driver_key);
  world.apply(spec);
  world.settle();
  CHECK(world.error() ==
        "waiting: ConfigMap etl/pi-prom-conf of a deleted object of this name is still being "
        "removed");
  CHECK(world.driver().is_null());
  world.clock.advance(seconds{16});
  world.settle();
  CHECK(world.state() == "SUBMITTED");
}

TEST_CASE("a driver's name that somebody alive has is told with its owner and tried again") {
  ApplicationWorld world;
  REQUIRE(world.api
              .create(config::spark_applications(),
                      application_object({{"driver", {{"podName", "pi-driver"}}}}, "other"))
              .has_value());
  const auto other = world.api.peek(config::spark_applications(), {"etl", "other"});
  SECTION("another application") {
    REQUIRE(
        world.api
            .create(kube::pods(),
                    {{"metadata",
                      {{"name", "pi-driver"},
                       {"namespace", "etl"},
                       {"ownerReferences",
                        {kube::controller_reference(config::kApiVersion, config::kApplicationKind,
                                                    "other", kube::uid_of(*other))}}}}})
            .has_value());
    world.apply();
    world.settle();
    CHECK(world.error() ==
          "Pod etl/pi-driver already exists and belongs to SparkApplication other; delete it, or "
          "choose another name for it");
  }
  SECTION("nobody's") {
    REQUIRE(world.api
                .create(kube::pods(), {{"metadata", {{"name", "pi-driver"}, {"namespace", "etl"}}}})
                .has_value());
    world.apply();
    world.settle();
    CHECK(world.error() ==
          "Pod etl/pi-driver already exists and belongs to nobody; delete it, or choose another "
          "name for it");
  }
  CHECK(world.state() == "SUBMISSION_FAILED");
  world.clock.advance(seconds{3600});
  world.settle();
  CHECK_FALSE(kube::is_deleting(world.driver()));
  world.api.erase(kube::pods(), world.driver_key);
  world.clock.advance(seconds{3600});
  world.settle();
  CHECK(world.state() == "SUBMITTED");
}

TEST_CASE("executors of a deleted namesake are neither shown nor deleted") {
  ApplicationWorld world;
  const auto executor = [&](const std::string& name) {
    json labels = world.driver()["metadata"]["labels"];
    labels[config::kSparkRoleLabel] = "executor";
    REQUIRE(world.api
                .create(kube::pods(),
                        {{"metadata", {{"name", name}, {"namespace", "etl"}, {"labels", labels}}}})
                .has_value());
    world.drivers_phase("Running", name);
  };
  world.apply();
  world.settle();
  executor("old-exec-1");
  world.delete_by_force();
  world.api.erase(kube::pods(), world.driver_key);
  world.clock.advance(seconds{60});

  world.apply();
  for (int i = 0; i < 3; ++i) {
    world.settle();
    world.clock.advance(seconds{16});
  }
  executor("new-exec-1");
  world.drivers_phase("Running");
  world.settle();
  CHECK(world.application()["status"]["executorState"] == json{{"new-exec-1", "RUNNING"}});
  world.drivers_phase("Succeeded");
  world.settle();
  CHECK(world.state() == "COMPLETED");
  CHECK(kube::is_deleting(*world.api.peek(kube::pods(), {"etl", "new-exec-1"})));
  CHECK_FALSE(kube::is_deleting(*world.api.peek(kube::pods(), {"etl", "old-exec-1"})));
}

TEST_CASE("a driver is deleted by its UID") {
  ApplicationWorld world;
  world.apply();
  world.settle();
  world.drivers_phase("Running");
  world.settle();
  world.edit("/spec/suspend", true);
  // The old pod goes and a stranger takes its name, between the look and the deletion.
  std::string stranger;
  world.api.before = [&](const ApiCall& call) -> std::optional<base::Error> {
    if (call.verb != "delete" || call.plural != "pods" || !stranger.empty()) return std::nullopt;
    stranger = "made";
    world.api.erase(kube::pods(), world.driver_key);
    const auto made = world.api.create(
        kube::pods(), {{"metadata", {{"name", "pi-driver"}, {"namespace", "etl"}}}});
    stranger = kube::uid_of(*made);
    return std::nullopt;
  };
  world.settle();
  REQUIRE(stranger.size() > 10);
  CHECK(kube::uid_of(world.driver()) == stranger);
  CHECK_FALSE(kube::is_deleting(world.driver()));
}

}  // namespace tests
