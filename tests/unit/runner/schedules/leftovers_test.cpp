#include "runner/schedules/leftovers.h"

#include "kube/object.h"
#include "runner/schedules/reconciler.h"
#include "tests/unit/runner/schedules/schedule_fixture.h"

using nlohmann::json;
using tests::Names;
using tests::ScheduleWorld;
using tests::wall;

TEST_CASE("A run of a deleted namesake is waited for") {
  ScheduleWorld world;
  world.reconcile_at("2026-01-01T09:00:00Z");
  world.api.erase(config::scheduled_spark_applications(), world.key);
  world.reconcile();
  // The clock went back, so the same slot comes again for the new schedule.
  world.clock.set_wall(wall("2026-01-01T08:50:00Z"));
  world.apply(tests::schedule_object(json::object()));
  world.reconcile_at("2026-01-01T09:00:00Z");
  CHECK(world.condition("Ready")["reason"] == "WaitingForNamesake");
  world.api.erase(config::spark_applications(), {"etl", "job-20260101t090000z"});
  world.reconcile_at("2026-01-01T09:00:10Z");
  CHECK(world.status()["counts"]["started"] == 1);
  CHECK(world.run("job-20260101t090000z")["metadata"]["ownerReferences"][0]["uid"] ==
        world.schedule()["metadata"]["uid"]);
}

TEST_CASE("Runs of a deleted namesake that nobody collects do not block their successor for ever") {
  const char* policy = GENERATE("Allow", "Forbid", "Replace");
  CAPTURE(policy);
  ScheduleWorld world(json::object({{"concurrencyPolicy", policy}}));
  world.reconcile_at("2026-01-01T09:00:00Z");
  const std::string run = "job-20260101t090000z";
  world.api.erase(config::scheduled_spark_applications(), world.key);
  world.reconcile();
  world.clock.set_wall(wall("2026-01-01T08:50:00Z"));
  world.apply(tests::schedule_object(json::object({{"concurrencyPolicy", policy}})));

  world.reconcile_at("2026-01-01T09:00:00Z");
  CHECK(world.condition("Ready")["message"] ==
        "SparkApplication " + run + " of a deleted schedule of this name is still being removed");
  CHECK(world.events_with("Warning WaitingForNamesake") == 1);
  for (int i = 0; i < 2; ++i) {
    world.clock.advance(std::chrono::seconds(7));
    CHECK(world.reconcile().wake_at <= world.clock.now() + std::chrono::seconds(10));
    CHECK_FALSE(kube::is_deleting(world.run(run)));
  }
  world.clock.advance(std::chrono::seconds(1));
  world.reconcile();
  // Its finalizer keeps it until the driver has stopped.
  CHECK(kube::is_deleting(world.run(run)));
  CHECK(world.events_with("Normal LeftoverDeleted: Deleted SparkApplication " + run) == 1);
  world.finish_stopping(run);
  world.clock.advance(std::chrono::seconds(10));
  world.reconcile();
  CHECK(kube::is_owned_by(world.run(run), kube::uid_of(world.schedule())));
  CHECK(world.condition("Ready")["status"] == "True");
}

TEST_CASE("A driver that nobody collects after its run is deleted by its UID") {
  ScheduleWorld world(json::object({{"concurrencyPolicy", "Forbid"}}));
  const kube::ObjectKey pod{"etl", "driver"};
  REQUIRE(
      world.api
          .create(
              kube::pods(),
              {{"metadata",
                {{"name", "driver"},
                 {"namespace", "etl"},
                 {"labels",
                  {{"spark-role", "driver"}, {"sparkoperator.k8s.io/scheduled-app-name", "job"}}},
                 {"ownerReferences",
                  {kube::controller_reference(config::kApiVersion, config::kApplicationKind,
                                              "job-20260101t080000z", "gone")}}}},
               {"status", {{"phase", "Running"}}}})
          .has_value());
  world.reconcile_at("2026-01-01T09:00:00Z");
  CHECK(world.condition("Ready")["reason"] == "WaitingForDriver");
  CHECK(world.condition("Ready")["message"] ==
        "Pod driver of a deleted run is still being removed");
  world.clock.advance(std::chrono::seconds(14));
  world.reconcile();
  CHECK_FALSE(kube::is_deleting(*world.api.peek(kube::pods(), pod)));
  world.clock.advance(std::chrono::seconds(1));
  SECTION("while it stands there") {
    world.reconcile();
    CHECK(kube::is_deleting(*world.api.peek(kube::pods(), pod)));
    CHECK(world.runs().empty());
    world.api.erase(kube::pods(), pod);
    world.clock.advance(std::chrono::seconds(10));
    world.reconcile();
    CHECK(world.runs() == Names{"job-20260101t090000z"});
  }
  SECTION("and not a pod that has taken its name") {
    world.api.before = [&](const tests::ApiCall& call) -> std::optional<base::Error> {
      if (call.verb != "delete") return std::nullopt;
      world.api.erase(kube::pods(), pod);
      world.api.before = nullptr;
      REQUIRE(
          world.api.create(kube::pods(), {{"metadata", {{"name", "driver"}, {"namespace", "etl"}}}})
              .has_value());
      return std::nullopt;
    };
    world.reconcile();
    CHECK_FALSE(kube::is_deleting(*world.api.peek(kube::pods(), pod)));
  }
}

TEST_CASE("A controller that sees an old schedule deletes no run of the new one") {
  ScheduleWorld world(json::object({{"concurrencyPolicy", "Forbid"}}));
  tests::FakeCache stale(world.api);
  stale.sync();
  // The one that this cache still shows was deleted, and its successor has started a run.
  world.api.erase(config::scheduled_spark_applications(), world.key);
  world.reconcile();
  world.apply(tests::schedule_object(json::object({{"concurrencyPolicy", "Forbid"}})));
  world.reconcile_at("2026-01-01T09:00:00Z");
  const auto now = runner::schedules::collect(
      world.api,
      {.type = &config::spark_applications(),
       .key = {"etl", "job-20260101t090000z"},
       .uid = kube::uid_of(world.run("job-20260101t090000z"))},
      kube::uid_of(*stale.get(config::scheduled_spark_applications(), world.key)));
  REQUIRE(now.has_value());
  CHECK_FALSE(*now);
  CHECK_FALSE(kube::is_deleting(world.run("job-20260101t090000z")));
}

TEST_CASE("Forbid waits for a driver that outlives its run") {
  ScheduleWorld world(json::object({{"concurrencyPolicy", "Forbid"}}));
  world.reconcile_at("2026-01-01T09:00:00Z");
  const json run = world.run("job-20260101t090000z");
  REQUIRE(world.api
              .create(kube::pods(), {{"metadata",
                                      {{"name", "driver"},
                                       {"namespace", "etl"},
                                       {"labels",
                                        {{"spark-role", "driver"},
                                         {"sparkoperator.k8s.io/scheduled-app-name", "job"}}},
                                       {"ownerReferences",
                                        {{{"kind", "SparkApplication"},
                                          {"name", "job-20260101t090000z"},
                                          {"uid", run["metadata"]["uid"]}}}}}},
                                     {"status", {{"phase", "Running"}}}})
              .has_value());
  // Somebody takes the finalizer off and deletes the run; the driver has its grace period.
  world.finish_stopping("job-20260101t090000z");
  world.reconcile_at("2026-01-01T10:00:00Z");
  CHECK(world.runs().empty());
  CHECK(world.condition("Ready")["reason"] == "WaitingForDriver");
  world.api.erase(kube::pods(), {"etl", "driver"});
  world.reconcile_at("2026-01-01T10:00:10Z");
  CHECK(world.runs() == Names{"job-20260101t100000z"});
}
