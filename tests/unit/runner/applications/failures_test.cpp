// What stands in the way of an application, and what it says then.

#include <string>

#include <nlohmann/json.hpp>

#include "config/names.h"
#include "kube/object.h"
#include "tests/unit/runner/applications/application_fixture.h"

namespace tests {
namespace {

using base::Code;

}  // namespace

TEST_CASE("what a quota or a webhook refuses is shown and tried again until it works") {
  for (const Code code : {Code::Refused, Code::Forbidden, Code::TooLarge, Code::Unimplemented}) {
    ApplicationWorld world;
    world.refuse_pods(code, "pods \"pi-driver\" is forbidden: exceeded quota");
    world.apply();
    world.settle();
    CHECK(world.state() == "SUBMISSION_FAILED");
    CHECK(world.error() == "pods \"pi-driver\" is forbidden: exceeded quota");
    CHECK(world.events_with("SparkApplicationSubmissionFailed") == 1);
    for (int i = 0; i < 20; ++i) {
      const auto waits = world.settle();
      REQUIRE(waits.wake_at.has_value());
      world.clock.set_wall(*waits.wake_at);
    }
    // Nothing piles up meanwhile.
    CHECK(world.api.peek_all(kube::config_maps()).size() <= 2);
    CHECK(world.api.peek_all(kube::services()).size() <= 1);
    world.api.before = nullptr;
    world.settle();
    CHECK(world.state() == "SUBMITTED");
    CHECK(world.error() == "");
  }
}

TEST_CASE("a spec that cannot work fails at once, without a single object") {
  ApplicationWorld world;
  world.apply({{"driver", {{"podName", "a/b"}}}});
  world.settle();
  CHECK(world.state() == "FAILED");
  CHECK(world.error().starts_with("spec.driver.podName must not be \"a/b\": "));
  CHECK(world.api.peek_all(kube::pods()).empty());
  CHECK(world.api.peek_all(kube::config_maps()).empty());
  CHECK(world.events_with("SparkApplicationSubmissionFailed") == 1);
  CHECK(world.events_with("SparkApplicationFailed") == 1);
}

TEST_CASE("an application whose driver has an impossible name can always be deleted") {
  for (const json& spec :
       {json{{"driver", {{"podName", "a/b"}}}},
        json{{"sparkConf", {{"spark.kubernetes.driver.pod.name", "../../x"}}}}}) {
    ApplicationWorld world;
    world.api.before = [](const ApiCall& call) -> std::optional<base::Error> {
      if (call.verb == "get" && call.key.name.find('/') != std::string::npos)
        return base::Error{Code::InvalidArgument, "invalid name", {}};
      return std::nullopt;
    };
    world.apply(spec);
    world.edit("/metadata/finalizers", json::array({config::kRunFinalizer}));
    REQUIRE(world.api.remove(config::spark_applications(), world.key).has_value());
    world.settle();
    CHECK(world.application().is_null());
  }
}

TEST_CASE("a failing init container is named with its exit code and message") {
  ApplicationWorld world;
  world.apply();
  world.settle();
  world.api.set(kube::pods(), world.driver_key, "/status",
                {{"phase", "Failed"},
                 {"initContainerStatuses",
                  {{{"name", "fetch"},
                    {"state",
                     {{"terminated",
                       {{"exitCode", 3}, {"reason", "Error"}, {"message", "no such bucket"}}}}}}}},
                 {"containerStatuses",
                  {{{"name", config::kDriverContainer},
                    {"state", {{"waiting", {{"reason", "PodInitializing"}}}}}}}}});
  world.settle();
  CHECK(world.state() == "FAILED");
  CHECK(world.error() == "init container fetch failed with exit code 3: no such bucket");
}

TEST_CASE("a missing Secret is shown while the driver waits for it") {
  ApplicationWorld world;
  world.apply();
  world.settle();
  world.api.set(kube::pods(), world.driver_key, "/status",
                {{"phase", "Pending"},
                 {"containerStatuses",
                  {{{"name", config::kDriverContainer},
                    {"state",
                     {{"waiting",
                       {{"reason", "CreateContainerConfigError"},
                        {"message", "secret \"key\" not found"}}}}}}}}});
  world.settle();
  CHECK(world.state() == "SUBMITTED");
  CHECK(world.error() == "CreateContainerConfigError: secret \"key\" not found");
  CHECK(world.events_with("SparkDriverPending") == 1);
}

TEST_CASE(
    "a kind that the cluster does not know fails the submission and keeps nobody from deleting") {
  ApplicationWorld world;
  world.api.before = [](const ApiCall& call) -> std::optional<base::Error> {
    if (call.plural != "podgroups") return std::nullopt;
    return base::Error{Code::NotFound, "the server could not find the requested resource", {}};
  };
  world.apply({{"batchScheduler", "volcano"}});
  world.settle();
  CHECK(world.state() == "SUBMISSION_FAILED");
  CHECK(world.error().find("this API server does not know PodGroup of "
                           "scheduling.volcano.sh/v1beta1: install what serves it") !=
        std::string::npos);
  REQUIRE(world.api
              .remove(config::spark_applications(), world.key,
                      {.uid = kube::uid_of(world.application())})
              .has_value());
  world.settle();
  CHECK(world.application().is_null());
}

TEST_CASE("a round that fails again and again is told in an event") {
  ApplicationWorld world;
  world.apply();
  const base::Error refused{Code::Refused, "denied by webhook", {}};
  world.reconciler.failing(world.key, refused, 1);
  CHECK(world.events.notes.empty());
  world.reconciler.failing(world.key, refused, 3);
  CHECK(world.events_with("SparkApplicationReconcileFailed") == 1);
  CHECK(world.events_with("denied by webhook") == 1);
}

TEST_CASE("a right that an older role does not name keeps no run from ending") {
  ApplicationWorld world;
  world.apply({{"batchScheduler", "volcano"}});
  world.settle();
  REQUIRE(world.state() == "SUBMITTED");
  world.api.before = [](const ApiCall& call) -> std::optional<base::Error> {
    if (call.plural != "podgroups" || call.verb != "list") return std::nullopt;
    return base::Error{Code::Forbidden, "podgroups is forbidden", {}};
  };
  world.drivers_phase("Succeeded");
  world.settle();
  CHECK(world.state() == "COMPLETED");
  CHECK(world.events_with("Objects of kind PodGroup stay until their SparkApplication goes: ") ==
        1);
  CHECK(world.events_with("podgroups is forbidden") == 1);
}

TEST_CASE("a deadline has a word of its own, whatever the driver was doing") {
  const char* phase = GENERATE("Pending", "Running", "Unknown");
  INFO(phase);
  ApplicationWorld world;
  world.apply({{"pendingDeadlineSeconds", 60}, {"activeDeadlineSeconds", 60}});
  world.settle();
  world.drivers_phase(phase);
  world.settle();
  world.clock.advance(std::chrono::minutes{2});
  world.settle();
  CHECK(kube::is_deleting(world.driver()));
  CHECK(world.events_with("Warning SparkDriverDeadlineExceeded: Driver pi-driver: ") == 1);
  CHECK(world.events_with("SparkDriverUnknown: Driver pi-driver: ran longer") == 0);
}

}  // namespace tests
