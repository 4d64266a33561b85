// The shell around decide() against the model of the API: what it asks for, creates, waits for and
// says.

#include "runner/applications/reconciler.h"

#include <algorithm>
#include <cstdint>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "base/saturating.h"
#include "config/names.h"
#include "kube/object.h"
#include "tests/support/catch.h"
#include "tests/support/fake_api.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_recorder.h"

namespace tests {
namespace {

using base::Code;
using nlohmann::json;
using std::chrono::seconds;

json application_object(const json& spec = json::object(), const std::string& name = "pi") {
  json object{{"apiVersion", config::kApiVersion},
              {"kind", config::kApplicationKind},
              {"metadata", {{"name", name}, {"namespace", "etl"}}},
              {"spec",
               {{"type", "Python"},
                {"sparkVersion", "4.0.1"},
                {"image", "spark:4"},
                {"mainApplicationFile", "local:///app/etl.py"},
                {"driver", json::object()},
                {"executor", json::object()}}}};
  object["spec"].merge_patch(spec);
  return object;
}

struct World {
  FakeClock clock{base::WallTime{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}}};
  FakeApi api{clock};
  FakeCache cache{api};
  MemoryEvents events;
  MemoryRecorder recorder;
  runner::applications::ApplicationReconciler reconciler{api, cache, events, recorder, clock, {}};
  const kube::ObjectKey key{"etl", "pi"};
  const kube::ObjectKey driver_key{"etl", "pi-driver"};

  World() {
    base::set_log_level(base::LogLevel::Off);
    cache.follow();
  }

  void apply(const json& spec = json::object()) {
    REQUIRE(api.create(config::spark_applications(), application_object(spec)).has_value());
  }
  base::Result<kube::Reconciled> reconcile() { return reconciler.reconcile(key); }
  // Until nothing changes any more.
  kube::Reconciled settle() {
    kube::Reconciled last;
    for (int i = 0; i < 10; ++i) {
      const json before = application();
      const auto done = reconcile();
      INFO((done ? "" : done.error().message));
      REQUIRE(done.has_value());
      last = *done;
      if (application() == before) return last;
    }
    FAIL("it does not settle");
    return last;
  }
  json application() const {
    const auto object = api.peek(config::spark_applications(), key);
    return object == nullptr ? json() : *object;
  }
  std::string state() const {
    return base::string_at(application(), {"status", "applicationState", "state"});
  }
  std::string error() const {
    return base::string_at(application(), {"status", "applicationState", "errorMessage"});
  }
  json driver(const std::string& name = "pi-driver") const {
    const auto pod = api.peek(kube::pods(), {"etl", name});
    return pod == nullptr ? json() : *pod;
  }
  void drivers_phase(const std::string& phase, const std::string& name = "pi-driver") {
    api.set(kube::pods(), {"etl", name}, "/status", {{"phase", phase}});
  }
  void edit(const std::string& pointer, const json& value) {
    api.set(config::spark_applications(), key, pointer, value);
  }
  // What is left when an application is deleted by force: its driver, not collected yet.
  void delete_by_force() { api.erase(config::spark_applications(), key); }
  size_t events_with(const std::string& part) const {
    return static_cast<size_t>(std::count_if(
        events.notes.begin(), events.notes.end(),
        [&](const std::string& note) { return note.find(part) != std::string::npos; }));
  }
  void refuse_pods(Code code, const std::string& message) {
    api.before = [=](const ApiCall& call) -> std::optional<base::Error> {
      if (call.verb == "create" && call.plural == "pods") return base::Error{code, message, {}};
      return std::nullopt;
    };
  }
};

}  // namespace

TEST_CASE("an application is submitted, followed and finished") {
  World world;
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

TEST_CASE("delete and apply: the new application waits for the driver of the old one") {
  World world;
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
  World world;
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
  World world;
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

TEST_CASE("what a quota or a webhook refuses is shown and tried again until it works") {
  for (const Code code : {Code::Refused, Code::Forbidden, Code::TooLarge, Code::Unimplemented}) {
    World world;
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
  World world;
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
    World world;
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

TEST_CASE("editing podName of a running application stops the old driver before the new one") {
  World world;
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
  World world;
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
  World world;
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

TEST_CASE("executors of a deleted namesake are neither shown nor deleted") {
  World world;
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
  World world;
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

TEST_CASE("a failing init container is named with its exit code and message") {
  World world;
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
  CHECK(world.error() ==
        "driver pod failed: init container fetch failed with ExitCode: 3, Reason: Error: no such "
        "bucket");
}

TEST_CASE("a missing Secret is shown while the driver waits for it") {
  World world;
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

TEST_CASE("a round that fails again and again is told in an event") {
  World world;
  world.apply();
  const base::Error refused{Code::Refused, "denied by webhook", {}};
  world.reconciler.failing(world.key, refused, 1);
  CHECK(world.events.notes.empty());
  world.reconciler.failing(world.key, refused, 3);
  CHECK(world.events_with("SparkApplicationReconcileFailed") == 1);
  CHECK(world.events_with("denied by webhook") == 1);
}

TEST_CASE("an application with a very long name runs, and its executors are found") {
  World world;
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
