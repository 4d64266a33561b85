#include <chrono>

#include "scheduler/decide.h"
#include "tests/unit/scheduler/decide_fixture.h"

using namespace std::chrono_literals;
using scheduler::Concurrency;
using scheduler::Counts;
using scheduler::MissedRuns;
using scheduler::Policy;
using scheduler::RunPhase;
using tests::Actions;
using tests::hourly;
using tests::make_spec;
using tests::wall;
using tests::World;

TEST_CASE("Allow starts beside others") {
  World world = hourly();
  world.step("2026-01-01T09:00:00Z");
  CHECK(world.step("2026-01-01T10:00:00Z") == Actions{"start 2026-01-01T10:00:00Z"});
  CHECK(world.state().tracked.size() == 2);
}

TEST_CASE("Forbid holds the newest slot until the last child ends") {
  World world = hourly({.concurrency = Concurrency::Forbid});
  world.step("2026-01-01T09:00:00Z");
  CHECK(world.step("2026-01-01T10:00:00Z") == Actions{});
  CHECK(world.look().waiting);
  CHECK(world.step("2026-01-01T11:00:00Z") ==
        Actions{"skip 2026-01-01T10:00:00Z ForbidConcurrent"});
  world.end("2026-01-01T09:00:00Z");
  CHECK(world.step("2026-01-01T11:20:00Z") == Actions{"start 2026-01-01T11:00:00Z"});
  CHECK(world.state().counts == Counts{.started = 2, .succeeded = 1, .failed = 0, .skipped = 1});
}

TEST_CASE("Forbid waits for the driver of a run that has ended") {
  World world = hourly({.concurrency = Concurrency::Forbid});
  world.step("2026-01-01T09:00:00Z");
  world.end("2026-01-01T09:00:00Z", RunPhase::Failed);
  world.find("job-20260101t090000z")->driver_alive = true;
  CHECK(world.step("2026-01-01T10:00:00Z") == Actions{});
  world.find("job-20260101t090000z")->driver_alive = false;
  CHECK(world.step("2026-01-01T10:00:30Z") == Actions{"start 2026-01-01T10:00:00Z"});
}

TEST_CASE("Forbid waits for what a deleted namesake left running") {
  World world = hourly({.concurrency = Concurrency::Forbid});
  world.observed.lingering = 1;
  CHECK(world.step("2026-01-01T09:00:00Z") == Actions{});
  world.observed.lingering = 0;
  CHECK(world.step("2026-01-01T09:00:10Z") == Actions{"start 2026-01-01T09:00:00Z"});
}

TEST_CASE("What was held says so even when a newer slot takes its place at the end") {
  World world = hourly({.concurrency = Concurrency::Forbid});
  world.step("2026-01-01T09:00:00Z");
  world.step("2026-01-01T10:00:00Z");
  world.end("2026-01-01T09:00:00Z");
  // Nobody looked between the end and eleven.
  CHECK(world.step("2026-01-01T11:00:00Z") ==
        Actions{"skip 2026-01-01T10:00:00Z ForbidConcurrent", "start 2026-01-01T11:00:00Z"});
}

TEST_CASE("Held slots go when their deadline passes, and decide wakes for it") {
  World world = hourly({.concurrency = Concurrency::Forbid, .starting_deadline = 600s});
  world.step("2026-01-01T09:00:00Z");
  world.step("2026-01-01T10:00:00Z");
  CHECK(world.look().wake_at == wall("2026-01-01T10:10:00.001Z"));
  CHECK(world.step("2026-01-01T10:10:00.001Z") ==
        Actions{"skip 2026-01-01T10:00:00Z DeadlineExceeded"});
  world.end("2026-01-01T09:00:00Z");
  CHECK(world.step("2026-01-01T10:11:00Z") == Actions{});
}

TEST_CASE("Forbid with Skip drops what comes due meanwhile") {
  World world = hourly({.concurrency = Concurrency::Forbid, .missed = MissedRuns::Skip});
  world.step("2026-01-01T09:00:00Z");
  CHECK(world.step("2026-01-01T10:00:00Z") ==
        Actions{"skip 2026-01-01T10:00:00Z ForbidConcurrent"});
  world.end("2026-01-01T09:00:00Z");
  CHECK(world.step("2026-01-01T10:00:20Z") == Actions{});
}

TEST_CASE("Forbid with All is a queue") {
  World world = hourly({.concurrency = Concurrency::Forbid, .missed = MissedRuns::All});
  world.step("2026-01-01T09:00:00Z");
  CHECK(world.step("2026-01-01T10:00:00Z") == Actions{});
  CHECK(world.step("2026-01-01T11:00:00Z") == Actions{});
  world.end("2026-01-01T09:00:00Z");
  CHECK(world.step("2026-01-01T11:30:00Z") == Actions{"start 2026-01-01T10:00:00Z"});
  CHECK(world.step("2026-01-01T11:30:00Z") == Actions{});
  world.end("2026-01-01T10:00:00Z");
  CHECK(world.step("2026-01-01T11:40:00Z") ==
        Actions{"start 2026-01-01T11:00:00Z", "delete job-20260101t090000z"});
}

TEST_CASE("Replace stops the old run and starts only when its driver is dead") {
  World world = hourly({.concurrency = Concurrency::Replace});
  world.step("2026-01-01T09:00:00Z");
  CHECK(world.step("2026-01-01T10:00:00Z") == Actions{"stop job-20260101t090000z"});
  // Still dying; nothing new to say.
  CHECK(world.step("2026-01-01T10:00:10Z") == Actions{});
  CHECK(world.look().waiting);
  world.finish_stopping();
  CHECK(world.step("2026-01-01T10:00:20Z") == Actions{"start 2026-01-01T10:00:00Z"});
  CHECK(world.state().counts == Counts{.started = 2, .succeeded = 0, .failed = 1});
}

TEST_CASE("While Replace waits newer slots supersede older ones") {
  World world = hourly({.concurrency = Concurrency::Replace});
  world.step("2026-01-01T09:00:00Z");
  world.step("2026-01-01T10:00:00Z");
  CHECK(world.step("2026-01-01T11:00:00Z") == Actions{"skip 2026-01-01T10:00:00Z Superseded"});
  world.finish_stopping();
  CHECK(world.step("2026-01-01T11:00:05Z") == Actions{"start 2026-01-01T11:00:00Z"});
}

TEST_CASE("Replace with Skip does not miss the slot that it makes room for") {
  World world = hourly({.concurrency = Concurrency::Replace, .missed = MissedRuns::Skip});
  world.step("2026-01-01T09:00:00Z");
  CHECK(world.step("2026-01-01T10:00:00Z") == Actions{"stop job-20260101t090000z"});
  world.finish_stopping();
  CHECK(world.step("2026-01-01T10:05:00Z") == Actions{"start 2026-01-01T10:00:00Z"});
}

TEST_CASE("An edit or a suspend ends what is held, and says as what") {
  World world = hourly({.concurrency = Concurrency::Forbid});
  world.step("2026-01-01T09:00:00Z");
  world.step("2026-01-01T10:00:00Z");
  const bool suspends = GENERATE(true, false);
  if (suspends) {
    world.spec.policy.suspended = true;
  } else {
    const Policy policy = world.spec.policy;
    world.spec = make_spec("30 23 * * *", policy);
  }
  CHECK(world.step("2026-01-01T10:10:00Z") ==
        Actions{"skip 2026-01-01T10:00:00Z ForbidConcurrent"});
  world.end("2026-01-01T09:00:00Z");
  CHECK(world.step("2026-01-01T10:20:00Z") == Actions{});
  CHECK(world.state().counts == Counts{.started = 1, .succeeded = 1, .failed = 0, .skipped = 1});
}
