// Runs that come too late: their slot has passed without them.

#include <chrono>
#include <optional>

#include <nlohmann/json.hpp>

#include "base/rfc3339.h"
#include "config/names.h"
#include "kube/object.h"
#include "tests/unit/runner/applications/application_fixture.h"

namespace tests {

TEST_CASE("a run that comes after its slot was accounted for is deleted and never started") {
  ApplicationWorld world;
  bool stray = true;
  int asked = 0;
  runner::applications::ApplicationOptions options;
  options.is_stray = [&](const json&, const json&) {
    ++asked;
    return stray;
  };
  runner::applications::ApplicationReconciler reconciler(world.api, world.cache, world.events,
                                                         world.recorder, world.clock, options);
  const json schedule = world.api
                            .create(config::scheduled_spark_applications(),
                                    {{"metadata", {{"name", "job"}, {"namespace", "etl"}}}})
                            .value();
  const auto create = [&](std::chrono::seconds late) {
    json run = application_object();
    const auto slot = std::chrono::floor<std::chrono::seconds>(world.clock.now()) - late;
    run["metadata"]["annotations"][config::kScheduledTimeAnnotation] = base::format_rfc3339(slot);
    run["metadata"]["finalizers"] = json::array({config::kRunFinalizer});
    run["metadata"]["ownerReferences"] = json::array({kube::controller_reference(
        config::kApiVersion, config::kScheduleKind, "job", kube::uid_of(schedule))});
    REQUIRE(world.api.create(config::spark_applications(), run).has_value());
  };
  SECTION("one that came in time is not asked about") {
    create(std::chrono::seconds(1));
    REQUIRE(reconciler.reconcile(world.key).has_value());
    CHECK(asked == 0);
    CHECK(world.state() == "SUBMITTED");
  }
  SECTION("one that came late and is no stray starts") {
    stray = false;
    create(std::chrono::seconds(60));
    REQUIRE(reconciler.reconcile(world.key).has_value());
    CHECK(asked == 1);
    CHECK(world.state() == "SUBMITTED");
  }
  SECTION("one that came too late goes, without a driver and without a record") {
    create(std::chrono::seconds(60));
    REQUIRE(reconciler.reconcile(world.key).has_value());
    CHECK(world.application().is_null());
    CHECK(world.driver().is_null());
    CHECK(world.recorder.runs.empty());
    CHECK(world.events_with("LateRunDropped") == 1);
  }
  SECTION("a schedule that cannot be asked about is asked about again") {
    create(std::chrono::seconds(60));
    world.api.before = [](const ApiCall& call) -> std::optional<base::Error> {
      if (call.verb == "get" && call.key.name == "job")
        return base::Error{base::Code::Unavailable, "down", {}};
      return std::nullopt;
    };
    CHECK_FALSE(reconciler.reconcile(world.key).has_value());
    CHECK(world.driver().is_null());
  }
}

}  // namespace tests
