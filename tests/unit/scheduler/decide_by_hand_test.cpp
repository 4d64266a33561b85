#include "scheduler/decide.h"
#include "tests/unit/scheduler/decide_fixture.h"

using scheduler::Concurrency;
using scheduler::Counts;
using scheduler::RunPhase;
using tests::Actions;
using tests::hourly;
using tests::make_spec;
using tests::wall;
using tests::World;

TEST_CASE("A new trigger value starts one run by hand") {
  World world = hourly();
  world.spec.trigger = "a";
  CHECK(world.step("2026-01-01T08:40:00Z") == Actions{});
  CHECK(world.step("2026-01-01T08:40:05Z") == Actions{"start job-manual-20260101t084000z"});
  CHECK(world.step("2026-01-01T08:40:06Z") == Actions{});
  // It moves no slot.
  CHECK(world.step("2026-01-01T09:00:00Z") == Actions{"start 2026-01-01T09:00:00Z"});
  SECTION("while suspended") {
    world.spec.policy.suspended = true;
    world.spec.trigger = "b";
    CHECK(world.step("2026-01-01T09:10:00Z") == Actions{});
    CHECK(world.step("2026-01-01T09:10:01Z") == Actions{"start job-manual-20260101t091000z"});
  }
  SECTION("it obeys Forbid") {
    world.spec.policy.concurrency = Concurrency::Forbid;
    world.spec.trigger = "c";
    world.step("2026-01-01T09:20:00Z");
    CHECK(world.step("2026-01-01T09:21:00Z") == Actions{});
    world.end("2026-01-01T09:00:00Z");
    world.observed.runs.front().phase = RunPhase::Succeeded;
    world.observed.runs.front().driver_alive = false;
    CHECK(world.step("2026-01-01T09:22:00Z") ==
          Actions{"start job-manual-20260101t092000z", "delete job-manual-20260101t084000z"});
  }
}

TEST_CASE("Two wishes within a second are two runs, each counted once") {
  World world = hourly();
  world.spec.trigger = "a";
  world.step("2026-01-01T08:40:00Z");
  CHECK(world.step("2026-01-01T08:40:00.400Z") == Actions{"start job-manual-20260101t084000z"});
  world.spec.trigger = "b";
  CHECK(world.step("2026-01-01T08:40:00.800Z") == Actions{});
  CHECK(world.step("2026-01-01T08:40:00.900Z") == Actions{"start job-manual-20260101t084001z"});
  // Nor does a clock that is set back to that very second.
  world.spec.trigger = "c";
  CHECK(world.step("2026-01-01T08:40:00.900Z") == Actions{});
  CHECK(world.step("2026-01-01T08:40:00.950Z") == Actions{"start job-manual-20260101t084002z"});
  CHECK(world.state().counts == Counts{.started = 3});
}

namespace {

// The controller, when it is told to take the annotation away.
Actions take(World& world, std::string_view time) {
  world.now = wall(time);
  const auto decision = world.look();
  CHECK(decision.take_trigger);
  world.spec.trigger.clear();
  world.observed.state = decision.state;
  return tests::in_short(decision);
}

World wishful() {
  World world = hourly();
  world.spec.trigger = "now";
  world.observed.trigger_may_go = true;
  CHECK(world.step("2026-01-01T08:40:00Z") == Actions{});
  return world;
}

}  // namespace

TEST_CASE("A trigger is taken away before its run starts, and the same one asks again") {
  World world = wishful();
  CHECK(take(world, "2026-01-01T08:40:01Z") == Actions{});
  CHECK(world.step("2026-01-01T08:40:02Z") == Actions{"start job-manual-20260101t084000z"});
  CHECK(world.state().handled_trigger.empty());
  CHECK(world.step("2026-01-01T08:40:03Z") == Actions{});
  world.spec.trigger = "now";
  CHECK(world.step("2026-01-01T08:50:00Z") == Actions{});
  CHECK(take(world, "2026-01-01T08:50:01Z") == Actions{});
  CHECK(world.step("2026-01-01T08:50:02Z") == Actions{"start job-manual-20260101t085000z"});
  CHECK(world.state().counts == Counts{.started = 2});
}

TEST_CASE("A trigger that is given again while its run waits is one with it, and nothing is lost") {
  World world = wishful();
  CHECK(take(world, "2026-01-01T08:40:01Z") == Actions{});
  world.spec.trigger = "now";
  CHECK(take(world, "2026-01-01T08:40:02Z") == Actions{});
  CHECK(world.step("2026-01-01T08:40:03Z") == Actions{"start job-manual-20260101t084000z"});
  CHECK(world.step("2026-01-01T08:40:04Z") == Actions{});
}

TEST_CASE("A trigger that is found beside the run of a crash is another wish") {
  World world = wishful();
  CHECK(take(world, "2026-01-01T08:40:01Z") == Actions{});
  world.now = wall("2026-01-01T08:40:02Z");
  const auto decision = world.look();
  world.perform(decision, decision.actions.size());  // and no status
  world.spec.trigger = "now";
  CHECK(world.step("2026-01-01T08:41:00Z") == Actions{});
  CHECK(world.state().counts == Counts{.started = 1});
  CHECK(take(world, "2026-01-01T08:41:01Z") == Actions{});
  CHECK(world.step("2026-01-01T08:41:02Z") == Actions{"start job-manual-20260101t084100z"});
  CHECK(world.state().counts == Counts{.started = 2});
}

TEST_CASE("A trigger that cannot be taken away is obeyed once, in a decision that says so first") {
  World world = wishful();
  world.observed.trigger_was_refused = true;
  CHECK(world.step("2026-01-01T08:40:01Z") == Actions{});
  CHECK(world.state().pending_trigger->stays);
  world.observed.trigger_was_refused = false;
  CHECK(world.step("2026-01-01T08:40:02Z") == Actions{"start job-manual-20260101t084000z"});
  CHECK(world.state().handled_trigger == "now");
  CHECK(world.step("2026-01-01T08:40:03Z") == Actions{});
  SECTION("until somebody takes it away and gives it again") {
    world.spec.trigger.clear();
    CHECK(world.step("2026-01-01T08:50:00Z") == Actions{});
    world.spec.trigger = "now";
    CHECK(world.step("2026-01-01T08:50:01Z") == Actions{});
    CHECK(world.state().pending_trigger.has_value());
  }
}

TEST_CASE("A trigger that comes with a new schedule is not new") {
  World world(make_spec("0 * * * *"), "2026-01-01T08:30:00Z");
  world.spec.trigger = "copied";
  CHECK(world.step("2026-01-01T08:31:00Z") == Actions{});
  CHECK(world.step("2026-01-01T08:32:00Z") == Actions{});
}

TEST_CASE("A trigger that came after the creation is wanted, however soon it came") {
  World world(make_spec("0 * * * *"), "2026-01-01T08:30:00Z");
  world.spec.trigger = "now";
  world.observed.trigger_is_wanted = true;
  CHECK(world.step("2026-01-01T08:30:01Z") == Actions{});
  CHECK(world.step("2026-01-01T08:30:02Z") == Actions{"start job-manual-20260101t083001z"});
  CHECK(world.step("2026-01-01T08:30:03Z") == Actions{});
}

TEST_CASE("A run by hand that was created before a crash is not started again") {
  World world = hourly();
  world.spec.trigger = "a";
  world.step("2026-01-01T08:40:00Z");
  world.now = wall("2026-01-01T08:40:01Z");
  const auto decision = world.look();
  world.perform(decision, decision.actions.size());  // and no status
  CHECK(world.step("2026-01-01T08:50:00Z") == Actions{});
  CHECK(world.state().counts == Counts{.started = 1});
  CHECK(world.state().handled_trigger == "a");
}

TEST_CASE("A run by hand that a crash has hidden is counted though another one is asked for") {
  World world = hourly();
  world.spec.trigger = "a";
  world.step("2026-01-01T08:40:00Z");
  world.now = wall("2026-01-01T08:40:01Z");
  const auto decision = world.look();
  world.perform(decision, decision.actions.size());  // and no status
  world.spec.trigger = "b";
  CHECK(world.step("2026-01-01T08:41:00Z") == Actions{});
  CHECK(world.state().counts == Counts{.started = 1});
  CHECK(world.step("2026-01-01T08:41:01Z") == Actions{"start job-manual-20260101t084100z"});
}

TEST_CASE("Runs by hand count into the history") {
  World world = hourly({.keep_succeeded = 1});
  world.spec.trigger = "a";
  world.step("2026-01-01T08:40:00Z");
  world.step("2026-01-01T08:40:01Z");
  world.step("2026-01-01T09:00:00Z");
  for (auto& run : world.observed.runs) {
    run.phase = RunPhase::Succeeded;
    run.driver_alive = false;
  }
  CHECK(world.step("2026-01-01T09:10:00Z") == Actions{"delete job-manual-20260101t084000z"});
}
