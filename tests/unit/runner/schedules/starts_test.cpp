// What a start asks of the API, and what it does without.

#include <string>
#include <vector>

#include "runner/schedules/proof.h"
#include "scheduler/run_name.h"
#include "tests/unit/runner/schedules/schedule_fixture.h"

using nlohmann::json;
using runner::schedules::Proof;
using tests::Names;
using tests::ScheduleWorld;
using tests::wall;

namespace {

Names calls_of(ScheduleWorld& world) {
  Names told;
  for (const tests::ApiCall& call : world.api.calls)
    told.push_back(call.verb + " " + call.plural +
                   (call.subresource.empty() ? "" : "/" + call.subresource));
  world.api.calls.clear();
  return told;
}

const Names kStart{"get scheduledsparkapplications", "create sparkapplications",
                   "update scheduledsparkapplications/status"};

kube::Reconciled one_round(ScheduleWorld& world) {
  const auto done = world.reconciler.reconcile(world.key);
  REQUIRE(done.has_value());
  return *done;
}

}  // namespace

TEST_CASE("Where runs may overlap a start is one read, one creation and one status") {
  ScheduleWorld world;
  world.api.calls.clear();
  world.reconcile_at("2026-01-01T09:00:00Z");
  CHECK(calls_of(world) == kStart);
  // Also beside a run that has not ended.
  world.reconcile_at("2026-01-01T10:00:00Z");
  CHECK(calls_of(world) == kStart);
  CHECK(world.runs().size() == 2);
  CHECK(world.status()["counts"]["started"] == 2);
}

TEST_CASE("A round that creates a run leaves the status to the next, which needs no read") {
  ScheduleWorld world;
  const auto before = world.status();
  world.api.calls.clear();
  world.clock.set_wall(wall("2026-01-01T09:00:00Z"));
  CHECK(one_round(world).again);
  CHECK(world.runs().size() == 1);
  CHECK(world.status() == before);
  CHECK(world.recorder.runs.empty());
  world.api.calls.clear();
  CHECK_FALSE(one_round(world).again);
  CHECK(calls_of(world) == Names{"update scheduledsparkapplications/status"});
  CHECK(world.recorder.runs.size() == 1);
  CHECK(world.status()["counts"]["started"] == 1);
  CHECK(world.status()["lastRunName"] == "job-20260101t090000z");
}

TEST_CASE("No status tells of a run that the ledger does not know") {
  ScheduleWorld world;
  const auto before = world.status();
  world.clock.set_wall(wall("2026-01-01T09:00:00Z"));
  CHECK(one_round(world).again);
  world.recorder.before = [](const std::string& call) -> std::optional<base::Error> {
    if (call == "record_run") return base::Error{base::Code::Unavailable, "disk full"};
    return std::nullopt;
  };
  CHECK_FALSE(world.reconciler.reconcile(world.key).has_value());
  CHECK(world.status() == before);
  world.recorder.before = nullptr;
  CHECK_FALSE(one_round(world).again);
  CHECK(world.status()["counts"]["started"] == 1);
  CHECK(world.recorder.runs.size() == 1);
}

TEST_CASE("A run that the cache does not show yet is there all the same") {
  ScheduleWorld world;
  world.cache.freeze();
  world.reconcile_at("2026-01-01T09:00:00Z");
  world.cache.sync(config::scheduled_spark_applications());
  world.api.calls.clear();
  world.reconcile();
  CHECK(calls_of(world).empty());
  CHECK(world.status()["counts"]["active"] == 1);
}

TEST_CASE("A run that is gone before the cache has shown it is not waited for") {
  ScheduleWorld world(json::object({{"concurrencyPolicy", "Forbid"}}));
  world.cache.freeze();
  world.reconcile_at("2026-01-01T09:00:00Z");
  world.end("job-20260101t090000z");
  world.api.erase(config::spark_applications(), {"etl", "job-20260101t090000z"});
  world.cache.sync(config::scheduled_spark_applications());
  world.reconcile();
  CHECK(world.status()["counts"]["active"] == 1);
  world.clock.advance(runner::schedules::kCachesTime + std::chrono::seconds(1));
  world.reconcile();
  CHECK(world.status()["counts"]["active"] == 0);
  CHECK(world.status()["counts"]["succeeded"] == 1);
  world.reconcile_at("2026-01-01T10:00:00Z");
  CHECK(world.runs() == Names{"job-20260101t100000z"});
}

TEST_CASE("What was created and not written down is found by a new process") {
  ScheduleWorld world;
  world.cache.freeze();
  world.clock.set_wall(wall("2026-01-01T09:00:00Z"));
  CHECK(one_round(world).again);
  world.restart();
  SECTION("though its cache shows nothing of it") {
    world.reconcile();
    CHECK(world.status()["counts"]["started"] == 1);
  }
  SECTION("though the slot after it is due") {
    world.reconcile_at("2026-01-01T10:00:00Z");
    CHECK(world.status()["counts"]["started"] == 2);
    CHECK(world.status()["counts"]["skipped"] == 0);
  }
  SECTION("though the schedule was edited meanwhile") {
    world.edit("/spec/schedule", "30 * * * *");
    world.cache.sync(config::scheduled_spark_applications());
    world.reconcile();
    CHECK(world.status()["counts"]["started"] == 1);
  }
  SECTION("though the schedule was suspended meanwhile") {
    world.edit("/spec/suspend", true);
    world.cache.sync(config::scheduled_spark_applications());
    world.reconcile();
    CHECK(world.status()["counts"]["started"] == 1);
  }
  CHECK(world.status()["counts"]["active"] == world.status()["counts"]["started"]);
}

TEST_CASE("A run that is recorded and not in view is not taken for gone") {
  ScheduleWorld world;
  world.cache.freeze();
  world.clock.set_wall(wall("2026-01-01T09:00:00Z"));
  // Just before our creation another replica makes the run, and has not written its status yet.
  bool made = false;
  runner::schedules::ScheduleReconciler other(world.permitted, world.cache, world.events,
                                              world.recorder, world.clock, {});
  world.recorder.before = [&](const std::string& call) -> std::optional<base::Error> {
    if (call != "find_run" || made) return std::nullopt;
    made = true;
    CHECK(other.reconcile(world.key).has_value());
    return std::nullopt;
  };
  world.reconcile();
  CHECK(made);
  CHECK(world.status()["counts"] ==
        json{{"started", 1}, {"succeeded", 0}, {"failed", 0}, {"skipped", 0}, {"active", 1}});
}

TEST_CASE("A suspend that the cache does not show yet is obeyed") {
  for (const char* policy : {"Allow", "Forbid", "Replace"}) {
    ScheduleWorld world(json::object({{"concurrencyPolicy", policy}}));
    world.cache.freeze();
    world.edit("/spec/suspend", true);
    world.reconcile_at("2026-01-01T09:00:00Z");
    INFO(policy);
    CHECK(world.runs().empty());
  }
}

// A world whose schedules share what they read of the API.
struct SharingWorld : ScheduleWorld {
  explicit SharingWorld(json spec = json::object()) : ScheduleWorld(std::move(spec)) {}
  base::Result<kube::Reconciled> round() { return sharing.reconcile(key); }

  kube::FreshVersions versions{permitted,
                               cache,
                               clock,
                               config::scheduled_spark_applications(),
                               kube::FreshVersions::Scope::Namespace,
                               {.few = 0}};
  runner::schedules::ScheduleReconciler sharing{permitted, cache, events,
                                                recorder,  clock, {.versions = &versions}};
};

TEST_CASE("Schedules that are due at once are started from one list of their versions") {
  SharingWorld world;
  world.clock.set_wall(wall("2026-01-01T09:00:00Z"));
  world.api.calls.clear();
  REQUIRE(world.round().has_value());
  CHECK(calls_of(world) == Names{"list scheduledsparkapplications", "create sparkapplications"});
  CHECK(world.runs() == Names{"job-20260101t090000z"});
}

TEST_CASE("A suspend before the slot that only the list of versions shows is obeyed") {
  SharingWorld world;
  world.cache.freeze();
  world.edit("/spec/suspend", true);
  world.clock.set_wall(wall("2026-01-01T09:00:00Z"));
  REQUIRE(world.round().has_value());
  CHECK(world.runs().empty());
}

TEST_CASE("A suspend between two slots is not missed because of the list of the first") {
  SharingWorld world(json::object({{"schedule", "* * * * * *"}}));
  world.clock.set_wall(wall("2026-01-01T09:00:00Z"));
  REQUIRE(world.round().has_value());
  REQUIRE(world.round().has_value());
  const auto before = world.runs();
  world.cache.sync();
  world.cache.freeze();
  world.edit("/spec/suspend", true);
  world.clock.advance(std::chrono::seconds{1});
  REQUIRE(world.round().has_value());
  CHECK(world.runs() == before);
}

TEST_CASE("Where runs may not overlap a start has the API list runs and drivers") {
  for (const char* policy : {"Forbid", "Replace"}) {
    ScheduleWorld world(json::object({{"concurrencyPolicy", policy}}));
    world.api.calls.clear();
    world.reconcile_at("2026-01-01T09:00:00Z");
    INFO(policy);
    CHECK(calls_of(world) == Names{"get scheduledsparkapplications", "list sparkapplications",
                                   "list pods", "create sparkapplications",
                                   "update scheduledsparkapplications/status"});
  }
}

TEST_CASE("A slot that passes without a run has the API list the runs") {
  ScheduleWorld world;
  world.api.calls.clear();
  world.reconcile_at("2026-01-01T10:00:00Z");
  CHECK(calls_of(world) == Names{"get scheduledsparkapplications", "list sparkapplications",
                                 "create sparkapplications",
                                 "update scheduledsparkapplications/status"});
  CHECK(world.status()["counts"]["skipped"] == 1);
}

TEST_CASE("What a decision must be shown before it is carried out") {
  using scheduler::Concurrency;
  struct Case {
    std::string what;
    Concurrency policy = Concurrency::Allow;
    bool decided_before = true;
    bool edited = false;
    int minutes_late = 0;
    bool has_run = false;
    bool lost_run = false;
    Proof proof = Proof::None;
  };
  const Case cases[] = {
      {.what = "nothing is due", .minutes_late = -1, .proof = Proof::None},
      {.what = "a slot is due", .proof = Proof::Schedule},
      {.what = "a slot is due, and has its run", .has_run = true, .proof = Proof::None},
      {.what = "two slots are due", .minutes_late = 60, .proof = Proof::Runs},
      {.what = "an edit", .edited = true, .minutes_late = -1, .proof = Proof::Runs},
      {.what = "a tracked run is not there",
       .minutes_late = -1,
       .lost_run = true,
       .proof = Proof::Runs},
      {.what = "a slot is due, a tracked run is not there", .lost_run = true, .proof = Proof::Runs},
      {.what = "first seen after a slot", .decided_before = false, .proof = Proof::Runs},
      {.what = "Forbid", .policy = Concurrency::Forbid, .proof = Proof::Runs},
      {.what = "Forbid, has its run",
       .policy = Concurrency::Forbid,
       .has_run = true,
       .proof = Proof::None},
      {.what = "Replace", .policy = Concurrency::Replace, .proof = Proof::Runs},
  };
  for (const Case& c : cases) {
    ScheduleWorld world;
    auto parsed = config::parse_schedule_spec(world.schedule(), "UTC");
    REQUIRE(parsed.has_value());
    scheduler::Spec& spec = parsed->spec;
    spec.policy.concurrency = c.policy;
    const auto slot = std::chrono::floor<std::chrono::seconds>(wall("2026-01-01T09:00:00Z"));
    scheduler::Observed observed{.created = slot - std::chrono::hours(1)};
    if (c.decided_before) {
      observed.state = scheduler::State{.fingerprint = c.edited ? "old" : spec.fingerprint,
                                        .accounted = slot - std::chrono::hours(1)};
      if (c.lost_run) observed.state->tracked.push_back({.name = "job-x", .uid = "x"});
    }
    if (c.has_run)
      observed.runs.push_back(
          {.name = scheduler::run_name("job", slot), .uid = "y", .slot = slot, .created = slot});
    const auto decision =
        scheduler::decide_slots(slot + std::chrono::minutes(c.minutes_late), spec, observed);
    INFO(c.what);
    CHECK(runner::schedules::needed_proof(spec, observed, decision) == c.proof);
  }
}
