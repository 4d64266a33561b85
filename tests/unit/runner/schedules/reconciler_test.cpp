#include "runner/schedules/reconciler.h"

#include "kube/object.h"
#include "tests/unit/runner/schedules/schedule_fixture.h"

using base::Code;
using nlohmann::json;
using tests::Names;
using tests::ScheduleWorld;
using tests::wall;

TEST_CASE("A schedule starts its run on time, with everything the run needs to know") {
  ScheduleWorld world(json::object({{"timeZone", "America/New_York"}}));
  CHECK(world.reconcile().wake_at == wall("2026-01-01T09:00:00Z"));
  CHECK(world.runs().empty());

  CHECK(world.reconcile_at("2026-01-01T09:00:00Z").wake_at == wall("2026-01-01T10:00:00Z"));
  REQUIRE(world.runs() == Names{"job-20260101t090000z"});
  const json run = world.run("job-20260101t090000z");
  CHECK(run["kind"] == "SparkApplication");
  CHECK(run["spec"] == world.schedule()["spec"]["template"]);
  CHECK(run["metadata"]["labels"] == json{{"sparkoperator.k8s.io/scheduled-app-name", "job"}});
  CHECK(run["metadata"]["annotations"] ==
        json{{"sparkoperator.k8s.io/scheduled-time", "2026-01-01T09:00:00Z"},
             {"sparkoperator.k8s.io/scheduled-time-local", "2026-01-01T04:00:00-05:00"},
             {"sparkoperator.k8s.io/previous-scheduled-time", "2026-01-01T08:00:00Z"}});
  CHECK(run["metadata"]["finalizers"] == json{"sparkoperator.k8s.io/run"});
  const json owner = run["metadata"]["ownerReferences"][0];
  CHECK(owner["uid"] == world.schedule()["metadata"]["uid"]);
  CHECK(owner["controller"] == true);
  CHECK(owner["blockOwnerDeletion"] == true);
  CHECK(world.events_with("Normal RunStarted: Created SparkApplication job-20260101t090000z for "
                          "the slot 2026-01-01T09:00:00Z") == 1);
}

TEST_CASE("The status tells what people and tools need") {
  ScheduleWorld world;
  world.reconcile_at("2026-01-01T09:00:03Z");
  json status = world.status();
  CHECK(status["scheduleState"] == "Scheduled");
  CHECK(status["observedGeneration"] == 1);
  CHECK(status["lastRun"] == "2026-01-01T09:00:03Z");
  CHECK(status["lastRunName"] == "job-20260101t090000z");
  CHECK(status["lastScheduleTime"] == "2026-01-01T09:00:00Z");
  CHECK(status["nextRun"] == "2026-01-01T10:00:00Z");
  CHECK(status["nextRuns"].size() == 10);
  CHECK(status["active"][0]["name"] == "job-20260101t090000z");
  CHECK(status["counts"] ==
        json{{"started", 1}, {"succeeded", 0}, {"failed", 0}, {"skipped", 0}, {"active", 1}});
  CHECK(world.condition("Ready")["status"] == "True");
  CHECK(world.condition("Suspended")["status"] == "False");
  CHECK(world.condition("NeverFires")["status"] == "False");
  CHECK(world.condition("LastRunSucceeded")["status"] == "Unknown");

  world.clock.advance(std::chrono::minutes(5));
  world.end("job-20260101t090000z");
  world.reconcile();
  status = world.status();
  CHECK(status["counts"]["succeeded"] == 1);
  CHECK(status["active"] == json::array());
  CHECK(status["pastSuccessfulRunNames"] == json{"job-20260101t090000z"});
  CHECK(status["lastSuccessfulTime"] == "2026-01-01T09:05:03Z");
  CHECK(status["recentRuns"][0] == json{{"slot", "2026-01-01T09:00:00Z"},
                                        {"name", "job-20260101t090000z"},
                                        {"outcome", "Succeeded"},
                                        {"started", "2026-01-01T09:00:03Z"},
                                        {"ended", "2026-01-01T09:05:03Z"}});
  CHECK(world.condition("LastRunSucceeded")["status"] == "True");
  CHECK(world.condition("LastRunSucceeded")["reason"] == "Succeeded");
  CHECK(world.events_with("Normal RunSucceeded") == 1);
}

TEST_CASE("A run that failed is told with its reason") {
  ScheduleWorld world;
  world.reconcile_at("2026-01-01T09:00:03Z");
  world.end("job-20260101t090000z", "FAILED");
  world.api.set(
      config::spark_applications(), {"etl", "job-20260101t090000z"}, "/status/applicationState",
      {{"state", "FAILED"}, {"errorMessage", "driver failed with exit code 3: no\nfile"}});
  world.reconcile();
  CHECK(world.events_with("Warning RunFailed: Run job-20260101t090000z failed: driver failed with "
                          "exit code 3: no") == 1);
}

TEST_CASE("The status is written only when it changes") {
  ScheduleWorld world;
  world.reconcile_at("2026-01-01T09:00:00Z");
  const auto version = world.schedule()["metadata"]["resourceVersion"];
  world.reconcile_at("2026-01-01T09:10:00Z");
  world.restart();
  world.reconcile_at("2026-01-01T09:20:00Z");
  CHECK(world.schedule()["metadata"]["resourceVersion"] == version);
}

TEST_CASE("Skipped slots are told, counted and recorded once") {
  ScheduleWorld world;
  world.reconcile_at("2026-01-01T12:10:00Z");
  CHECK(world.status()["counts"]["skipped"] == 3);
  CHECK(world.status()["recentRuns"][1] == json{{"slot", "2026-01-01T09:00:00Z"},
                                                {"until", "2026-01-01T11:00:00Z"},
                                                {"count", 3},
                                                {"outcome", "Skipped"},
                                                {"reason", "Superseded"}});
  CHECK(world.events_with("Warning SlotSkipped: 3 slots from 2026-01-01T09:00:00Z to "
                          "2026-01-01T11:00:00Z were skipped (Superseded)") == 1);
  world.restart();
  world.reconcile();
  REQUIRE(world.recorder.skips.size() == 1);
  CHECK(world.recorder.skips.begin()->second.count == 3);
}

TEST_CASE("A skip whose record failed is recorded before anything new is decided") {
  ScheduleWorld world;
  world.recorder.before = [](const std::string& call) -> std::optional<base::Error> {
    if (call != "record_skip") return std::nullopt;
    return base::Error{Code::Unavailable, "disk full"};
  };
  world.clock.set_wall(wall("2026-01-01T12:10:00Z"));
  CHECK_FALSE(world.try_to_reconcile().has_value());
  world.clock.set_wall(wall("2026-01-01T13:10:00Z"));
  CHECK_FALSE(world.try_to_reconcile().has_value());
  CHECK(world.runs().size() == 1);
  world.recorder.before = nullptr;
  world.restart();
  world.reconcile();
  CHECK(world.recorder.skips.size() == 1);
  CHECK(world.runs().size() == 2);
}

TEST_CASE("A bad spec shows its exact error and recovers when fixed") {
  ScheduleWorld world;
  world.reconcile_at("2026-01-01T09:00:00Z");
  world.edit("/spec/schedule", "75 * * * *");
  world.reconcile_at("2026-01-01T09:10:00Z");
  CHECK(world.status_text("scheduleState") == "FailedValidation");
  CHECK(world.status_text("reason") == "spec.schedule: minute: 75 is out of range 0-59 (at 0)");
  CHECK(world.condition("Ready")["status"] == "False");
  CHECK(world.condition("Ready")["reason"] == "InvalidSpec");
  CHECK(world.status().contains("nextRun") == false);
  CHECK(world.status()["counts"]["started"] == 1);
  world.reconcile_at("2026-01-01T10:00:00Z");
  CHECK(world.events_with("Warning InvalidSpec: spec.schedule: minute: 75 is out of range") == 1);
  CHECK(world.runs().size() == 1);

  world.edit("/spec/schedule", "*/30 * * * *");
  world.reconcile_at("2026-01-01T10:10:00Z");
  CHECK(world.status_text("scheduleState") == "Scheduled");
  CHECK(world.status_text("reason").empty());
  CHECK(world.condition("Ready")["status"] == "True");
  CHECK(world.runs().size() == 1);
  world.reconcile_at("2026-01-01T10:30:00Z");
  CHECK(world.runs().size() == 2);
}

TEST_CASE("AlreadyExists of our own is success") {
  ScheduleWorld world;
  // The answer to the creation is lost, and so is everything after it.
  world.api.after = [](const tests::ApiCall& call) -> std::optional<base::Error> {
    if (call.verb != "create") return std::nullopt;
    return base::Error{Code::Unavailable, "connection reset"};
  };
  world.clock.set_wall(wall("2026-01-01T09:00:00Z"));
  CHECK_FALSE(world.try_to_reconcile().has_value());
  world.api.after = nullptr;
  world.reconcile_at("2026-01-01T09:00:01Z");
  CHECK(world.runs() == Names{"job-20260101t090000z"});
  CHECK(world.status()["counts"]["started"] == 1);
  CHECK(world.status()["active"].size() == 1);
}

TEST_CASE("A stale cache starts nothing after a suspend") {
  ScheduleWorld world;
  tests::FakeCache stale(world.api);
  stale.sync();
  runner::schedules::ScheduleReconciler reconciler(world.api, stale, world.events, world.recorder,
                                                   world.clock, {});
  world.edit("/spec/suspend", true);
  world.clock.set_wall(wall("2026-01-01T09:00:00Z"));
  CHECK(reconciler.reconcile(world.key).has_value());
  CHECK(world.runs().empty());
}

TEST_CASE("Forbid asks the API itself before it believes that nothing runs") {
  ScheduleWorld world(json::object({{"concurrencyPolicy", "Forbid"}}));
  tests::FakeCache stale(world.api);
  stale.sync();
  world.reconcile_at("2026-01-01T09:00:00Z");
  runner::schedules::ScheduleReconciler reconciler(world.api, stale, world.events, world.recorder,
                                                   world.clock, {});
  world.clock.set_wall(wall("2026-01-01T10:00:00Z"));
  (void)reconciler.reconcile(world.key);
  CHECK(world.runs().size() == 1);
}

TEST_CASE("Nothing is pruned that is not recorded") {
  ScheduleWorld world(json::object({{"successfulRunHistoryLimit", 0}}));
  world.reconcile_at("2026-01-01T09:00:00Z");
  world.recorder.runs.clear();
  world.api.set(config::spark_applications(), {"etl", "job-20260101t090000z"}, "/status",
                {{"applicationState", {{"state", "COMPLETED"}}},
                 {"terminationTime", "2026-01-01T09:05:00Z"}});
  world.api.set(config::spark_applications(), {"etl", "job-20260101t090000z"},
                "/metadata/finalizers", nullptr);
  world.recorder.before = [](const std::string& call) -> std::optional<base::Error> {
    if (call == "record_run") return base::Error{Code::Unavailable, "disk full"};
    return std::nullopt;
  };
  world.clock.set_wall(wall("2026-01-01T09:10:00Z"));
  CHECK_FALSE(world.try_to_reconcile().has_value());
  CHECK(world.runs().size() == 1);
  world.recorder.before = nullptr;
  world.reconcile();
  CHECK(world.runs().empty());
  REQUIRE(world.recorder.runs.size() == 1);
  CHECK(world.recorder.runs.begin()->second.ended == wall("2026-01-01T09:05:00Z"));
  CHECK(world.status()["counts"]["succeeded"] == 1);
  CHECK(world.status()["recentRuns"][0]["outcome"] == "Succeeded");
}

TEST_CASE("Runs of the Kubeflow operator are pruned, and stand in the way of Forbid") {
  ScheduleWorld world(
      json::object({{"successfulRunHistoryLimit", 1}, {"concurrencyPolicy", "Forbid"}}));
  // As it leaves them: the schedule is an owner, but not the controller.
  const auto leave_behind = [&](const std::string& name, const std::string& state) {
    const json run{{"metadata",
                    {{"name", name},
                     {"namespace", "etl"},
                     {"labels", {{"sparkoperator.k8s.io/scheduled-app-name", "job"}}},
                     {"ownerReferences",
                      {{{"apiVersion", config::kApiVersion},
                        {"kind", config::kScheduleKind},
                        {"name", "job"},
                        {"uid", kube::uid_of(world.schedule())},
                        {"blockOwnerDeletion", true}}}}}},
                   {"spec", json::object()}};
    REQUIRE(world.api.create(config::spark_applications(), run).has_value());
    world.api.set(config::spark_applications(), {"etl", name}, "/status",
                  {{"applicationState", {{"state", state}}}});
    world.clock.set_wall(world.clock.now() + std::chrono::seconds(1));
  };
  leave_behind("job-1767255000000000000", "COMPLETED");
  leave_behind("job-1767256000000000000", "COMPLETED");
  leave_behind("job-1767257000000000000", "RUNNING");
  world.reconcile_at("2026-01-01T08:40:00Z");
  CHECK(world.runs() == Names{"job-1767256000000000000", "job-1767257000000000000"});
  world.reconcile_at("2026-01-01T09:00:00Z");
  CHECK(world.runs().size() == 2);
  CHECK(world.status()["active"][0]["name"] == "job-1767257000000000000");

  world.api.set(config::spark_applications(), {"etl", "job-1767257000000000000"}, "/status",
                {{"applicationState", {{"state", "COMPLETED"}}}});
  world.reconcile_at("2026-01-01T09:01:00Z");
  CHECK(world.runs() == Names{"job-1767257000000000000", "job-20260101t090000z"});
  // It started none of them.
  CHECK(world.status()["counts"]["started"] == 1);
}

TEST_CASE("A trigger starts one run by hand, suspended or not, once") {
  ScheduleWorld world(json::object({{"suspend", true}}));
  world.edit("/metadata/annotations", {{"sparkoperator.k8s.io/trigger", "now"}});
  const auto soon = world.reconcile_at("2026-01-01T08:40:00Z");
  CHECK(soon.wake_at == wall("2026-01-01T08:40:00.001Z"));
  world.reconcile_at("2026-01-01T08:40:02Z");
  CHECK(world.runs() == Names{"job-manual-20260101t084000z"});
  CHECK(world.run("job-manual-20260101t084000z")["metadata"]["annotations"]
                                                ["sparkoperator.k8s.io/manual-run"] == "true");
  world.restart();
  world.reconcile_at("2026-01-01T08:50:00Z");
  CHECK(world.runs().size() == 1);
  world.end("job-manual-20260101t084000z", "FAILED");
  world.reconcile();
  CHECK(world.status()["counts"] ==
        json{{"started", 1}, {"succeeded", 0}, {"failed", 1}, {"skipped", 0}, {"active", 0}});
}

TEST_CASE("A schedule that never fires says so") {
  ScheduleWorld world(json::object({{"schedule", "0 0 30 2 *"}}));
  CHECK(world.reconcile().wake_at == std::nullopt);
  CHECK(world.condition("NeverFires")["status"] == "True");
  CHECK(world.condition("NeverFires")["message"] == "the schedule has no slot in the future");
}

TEST_CASE("A schedule whose name is longer than a label runs, and finds its runs again") {
  const std::string name(200, 'n');
  ScheduleWorld world;
  world.cache.follow();
  REQUIRE(world.api
              .create(config::scheduled_spark_applications(),
                      tests::schedule_object({{"concurrencyPolicy", "Forbid"}}, name))
              .has_value());
  const kube::ObjectKey key{"etl", name};
  REQUIRE(world.reconciler.reconcile(key).has_value());
  world.api.erase(config::scheduled_spark_applications(), world.key);
  world.clock.set_wall(wall("2026-01-01T09:00:00Z"));
  REQUIRE(world.reconciler.reconcile(key).has_value());
  REQUIRE(world.runs().size() == 1);
  const json run = world.run(world.runs().front());
  CHECK(run["metadata"]["labels"][config::kScheduledAppNameLabel] == config::label_value(name));
  CHECK(run["metadata"]["annotations"][config::kScheduledAppNameLabel] == name);
  world.clock.set_wall(wall("2026-01-01T10:00:00Z"));
  REQUIRE(world.reconciler.reconcile(key).has_value());
  CHECK(world.runs().size() == 1);  // Forbid saw it
}

TEST_CASE("A trigger annotated right after the creation runs, one that was copied does not") {
  const json annotated{
      {"f:metadata", {{"f:annotations", {{"f:sparkoperator.k8s.io/trigger", {}}}}}}};
  json created = annotated;
  created["f:spec"] = {{"f:schedule", {}}};
  struct Case {
    std::string name;
    json fields;
    std::string time;
    bool runs;
  };
  const Case cases[] = {
      {.name = "copied", .fields = created, .time = "2026-01-01T08:30:00Z", .runs = false},
      {.name = "by another client in the same second",
       .fields = annotated,
       .time = "2026-01-01T08:30:00Z",
       .runs = true},
      {.name = "by the same client, later",
       .fields = created,
       .time = "2026-01-01T08:30:02Z",
       .runs = true},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      ScheduleWorld world;
      world.api.erase(config::scheduled_spark_applications(), world.key);
      world.reconcile();
      json object = tests::schedule_object(json::object());
      object["metadata"]["annotations"] = {{"sparkoperator.k8s.io/trigger", "now"}};
      object["metadata"]["managedFields"] = {
          {{"manager", "m"}, {"time", c.time}, {"fieldsV1", c.fields}}};
      world.apply(object);
      world.clock.advance(std::chrono::seconds(5));
      world.reconcile();
      CHECK(world.runs().size() == (c.runs ? 1 : 0));
      CHECK(world.events_with("Normal TriggerIgnored") == (c.runs ? 0 : 1));
    }
  }
}

TEST_CASE("What is remembered of a schedule goes with it") {
  ScheduleWorld world;
  CHECK(world.reconciler.remembers() == 1);
  world.api.erase(config::scheduled_spark_applications(), world.key);
  world.reconcile();
  CHECK(world.reconciler.remembers() == 0);
}

namespace {

struct ReadyReasons final : runner::Telemetry {
  void application_changed(const runner::ApplicationReport&, std::string_view) override {}
  void application_gone(const std::string&) override {}
  void executor_changed(const runner::ExecutorReport&, std::string_view) override {}
  void executor_gone(const std::string&) override {}
  void schedule_decided(const runner::ScheduleReport&) override {}
  void schedule_gone(const kube::ObjectKey&) override {}
  void schedule_ready(const kube::ObjectKey&, std::string_view reason) override { last = reason; }
  void slot_started(const kube::ObjectKey&, std::chrono::milliseconds) override {}
  void slots_skipped(const kube::ObjectKey&, std::string_view, uint64_t) override {}

  std::string last = "never told";
};

}  // namespace

TEST_CASE("A clock that stands before what is accounted for is told, and that it is right again") {
  ScheduleWorld world;
  ReadyReasons ready;
  std::destroy_at(&world.reconciler);
  std::construct_at(&world.reconciler, world.permitted, world.cache, world.events, world.recorder,
                    world.clock, runner::schedules::ScheduleOptions{.telemetry = &ready});
  world.reconcile_at("2026-01-01T12:00:00Z");
  REQUIRE(world.runs().size() == 1);
  world.end(world.runs().front());
  world.reconcile();
  REQUIRE(world.condition("Ready")["reason"] == "Scheduled");

  const std::string message =
      "the clock is before 2026-01-01T12:00:00Z, up to which all slots are accounted for; nothing "
      "starts until then, or until the clock has stood so for 10 minutes. Edit or resume the "
      "schedule to have the clock believed now";
  world.reconcile_at("2026-01-01T09:00:00Z");
  CHECK(world.condition("Ready")["status"] == "False");
  CHECK(world.condition("Ready")["reason"] == "ClockBehind");
  CHECK(world.condition("Ready")["message"] == message);
  CHECK(world.events_with("Warning ClockBehind: " + message) == 1);
  CHECK(ready.last == "ClockBehind");
  const Names started = world.runs();

  SECTION("the clock is set right") {
    world.reconcile_at("2026-01-01T13:00:00Z");
    CHECK(world.events_with("Normal ClockBelieved") == 0);
    CHECK(world.runs().size() == started.size() + 1);
  }
  SECTION("the clock has stood so for as long as it takes to believe it") {
    world.clock.advance(std::chrono::minutes(9));
    world.reconcile();
    CHECK(world.condition("Ready")["reason"] == "ClockBehind");
    world.clock.advance(std::chrono::minutes(1));
    world.reconcile();
    CHECK(world.events_with("Normal ClockBelieved") == 1);
    CHECK(world.runs() == started);
  }
  CHECK(world.condition("Ready")["status"] == "True");
  CHECK(ready.last.empty());
  // Told once, however many rounds there were.
  CHECK(world.events_with("Warning ClockBehind") == 1);
}
