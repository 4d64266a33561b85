// The shell around decide() against the model of the API: an application from its submission to its
// end.

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "base/saturating.h"
#include "config/names.h"
#include "kube/object.h"
#include "runner/application.h"
#include "tests/unit/runner/applications/application_fixture.h"

namespace tests {

TEST_CASE("an application is submitted, followed and finished") {
  ApplicationWorld world;
  world.apply();
  world.settle();
  CHECK(world.state() == "SUBMITTED");
  CHECK(kube::is_owned_by(world.driver(), kube::uid_of(world.application())));
  world.drivers_phase("Running");
  world.settle();
  CHECK(world.state() == "RUNNING");
  world.drivers_phase("Succeeded");
  world.settle();
  CHECK(world.state() == "COMPLETED");
  CHECK(world.api.peek_all(kube::config_maps()).empty());
  CHECK(world.recorder.runs.begin()->second.state == "COMPLETED");
  CHECK_FALSE(kube::has_finalizer(world.application(), config::kRunFinalizer));
}

TEST_CASE("an application with a very long name runs, and its executors are found") {
  ApplicationWorld world;
  const std::string name(253, 'n');
  REQUIRE(world.api.create(config::spark_applications(), application_object(json::object(), name))
              .has_value());
  const kube::ObjectKey key{"etl", name};
  for (int i = 0; i < 3; ++i)
    REQUIRE(world.reconciler.reconcile(key).has_value());
  const auto pods = world.api.peek_all(kube::pods());
  REQUIRE(pods.size() == 1);
  CHECK(config::name_from_label(*pods.front(), config::kAppNameLabel) == name);
}

TEST_CASE("seconds that overflow are read as a very long time") {
  const runner::Application app =
      runner::read_application({{"spec",
                                 {{"timeToLiveSeconds", INT64_MAX},
                                  {"activeDeadlineSeconds", 10'000'000'000'000'000},
                                  {"pendingDeadlineSeconds", INT64_MAX}}}});
  CHECK(app.time_to_live == base::kLongestDuration);
  CHECK(app.active_deadline == base::kLongestDuration);
  CHECK(app.pending_deadline == base::kLongestDuration);
}

}  // namespace tests
