#include "scheduler/decide.h"

#include "scheduler/ahead.h"
#include "tests/unit/scheduler/decide_fixture.h"

using namespace std::chrono_literals;
using scheduler::Concurrency;
using scheduler::Counts;
using scheduler::MissedRuns;
using scheduler::Policy;
using scheduler::RunPhase;
using scheduler::SkipReason;
using tests::Actions;
using tests::at;
using tests::make_spec;
using tests::wall;
using tests::World;

namespace {

// Created at half past eight, hourly.
World hourly(const Policy& policy = {}) {
  World world(make_spec("0 * * * *", policy), "2026-01-01T08:30:00Z");
  world.step();
  return world;
}

}  // namespace

TEST_CASE("A slot starts when it is due, once") {
  World world = hourly();
  CHECK(world.step("2026-01-01T08:59:59.999Z") == Actions{});
  CHECK(world.step("2026-01-01T09:00:00Z") == Actions{"start 2026-01-01T09:00:00Z"});
  CHECK(world.step("2026-01-01T09:00:00Z") == Actions{});
  CHECK(world.step("2026-01-01T09:59:59Z") == Actions{});
  CHECK(world.step("2026-01-01T10:00:07Z") == Actions{"start 2026-01-01T10:00:00Z"});
  CHECK(world.state().counts == Counts{.started = 2});
}

TEST_CASE("A decision says when to look again") {
  World world = hourly();
  const auto decision = world.look();
  CHECK(decision.wake_at == wall("2026-01-01T09:00:00Z"));
  REQUIRE(decision.next_runs.size() == scheduler::kNextRuns);
  CHECK(decision.next_runs.front() == at("2026-01-01T09:00:00Z"));
  CHECK(decision.next_runs.back() == at("2026-01-01T18:00:00Z"));
}

TEST_CASE("Nothing is owed from before the creation") {
  World world(make_spec("0 * * * *"), "2026-01-01T09:00:00Z");
  CHECK(world.step("2026-01-01T09:00:00.500Z") == Actions{});
  CHECK(world.step("2026-01-01T10:00:00Z") == Actions{"start 2026-01-01T10:00:00Z"});
}

TEST_CASE("A schedule first seen late still owes what came due since its creation") {
  World world(make_spec("0 * * * *"), "2026-01-01T08:30:00Z");
  CHECK(world.step("2026-01-01T10:30:00Z") ==
        Actions{"skip 2026-01-01T09:00:00Z Superseded", "start 2026-01-01T10:00:00Z"});
}

TEST_CASE("A schedule first seen after an edit owes nothing") {
  World world(make_spec("0 * * * *"), "2026-01-01T08:30:00Z");
  world.observed.edited_before = true;
  CHECK(world.step("2026-01-01T10:30:00Z") == Actions{});
}

TEST_CASE("An edit takes effect at once and owes nothing from before") {
  World world = hourly();
  world.spec = make_spec("30 * * * *");
  // Half past nine of the new schedule lies before the edit was seen.
  CHECK(world.step("2026-01-01T09:45:00Z") == Actions{});
  CHECK(world.look().wake_at == wall("2026-01-01T10:30:00Z"));
  CHECK(world.step("2026-01-01T10:30:00Z") == Actions{"start 2026-01-01T10:30:00Z"});
  world.spec = make_spec("* * * * *");
  CHECK(world.step("2026-01-01T10:30:20Z") == Actions{});
  CHECK(world.step("2026-01-01T10:31:00Z") == Actions{"start 2026-01-01T10:31:00Z"});
}

TEST_CASE("An edit of the policy alone moves no slot") {
  World world = hourly();
  world.spec.policy.concurrency = Concurrency::Forbid;
  world.spec.policy.keep_failed = 7;
  CHECK(world.step("2026-01-01T09:00:01Z") == Actions{"start 2026-01-01T09:00:00Z"});
}

TEST_CASE("Suspended nothing starts, and a resume owes nothing") {
  World world = hourly();
  world.spec.policy.suspended = true;
  CHECK(world.step("2026-01-01T08:45:00Z") == Actions{});
  CHECK(world.step("2026-01-01T11:00:00Z") == Actions{});
  CHECK(world.look().wake_at == std::nullopt);
  CHECK(world.look().next_runs.empty());
  world.spec.policy.suspended = false;
  CHECK(world.step("2026-01-01T12:00:00.900Z") == Actions{});
  CHECK(world.step("2026-01-01T13:00:00Z") == Actions{"start 2026-01-01T13:00:00Z"});
  CHECK(world.state().counts == Counts{.started = 1});
}

TEST_CASE("@every keeps its phase through suspend and edits of something else") {
  World world(make_spec("@every 1h", {}, "UTC", at("2026-01-01T08:17:05Z")),
              "2026-01-01T08:17:05Z");
  world.step();
  CHECK(world.step("2026-01-01T09:17:05Z") == Actions{"start 2026-01-01T09:17:05Z"});
  world.spec.policy.suspended = true;
  CHECK(world.step("2026-01-01T09:30:00Z") == Actions{});
  world.spec.policy.suspended = false;
  world.spec.policy.keep_failed = 3;
  CHECK(world.step("2026-01-01T11:40:00Z") == Actions{});
  CHECK(world.step("2026-01-01T12:17:05Z") == Actions{"start 2026-01-01T12:17:05Z"});
}

TEST_CASE("Missed slots go by missedRunPolicy") {
  struct Case {
    std::string name;
    Policy policy;
    std::string now;
    Actions actions;
  };
  const Case cases[] = {
      {.name = "Latest runs the newest",
       .policy = {},
       .now = "2026-01-01T12:20:00Z",
       .actions = {"skip 2026-01-01T09:00:00Z..2026-01-01T11:00:00Z (3) Superseded",
                   "start 2026-01-01T12:00:00Z"}},
      {.name = "Skip runs none that is late",
       .policy = {.missed = MissedRuns::Skip},
       .now = "2026-01-01T12:20:00Z",
       .actions = {"skip 2026-01-01T09:00:00Z..2026-01-01T12:00:00Z (4) MissedSkipped"}},
      {.name = "Skip runs one that is hardly late",
       .policy = {.missed = MissedRuns::Skip},
       .now = "2026-01-01T12:01:00Z",
       .actions = {"skip 2026-01-01T09:00:00Z..2026-01-01T11:00:00Z (3) MissedSkipped",
                   "start 2026-01-01T12:00:00Z"}},
      {.name = "All runs them, oldest first",
       .policy = {.missed = MissedRuns::All},
       .now = "2026-01-01T11:20:00Z",
       .actions = {"start 2026-01-01T09:00:00Z", "start 2026-01-01T10:00:00Z",
                   "start 2026-01-01T11:00:00Z"}},
      {.name = "All runs at most so many, the newest of them",
       .policy = {.missed = MissedRuns::All, .max_catch_up_runs = 2},
       .now = "2026-01-01T12:20:00Z",
       .actions = {"skip 2026-01-01T09:00:00Z..2026-01-01T10:00:00Z (2) Superseded",
                   "start 2026-01-01T11:00:00Z", "start 2026-01-01T12:00:00Z"}},
      {.name = "exactly at the deadline a slot still starts",
       .policy = {.starting_deadline = 1200s},
       .now = "2026-01-01T09:20:00Z",
       .actions = {"start 2026-01-01T09:00:00Z"}},
      {.name = "strictly later than the deadline it does not",
       .policy = {.starting_deadline = 1200s},
       .now = "2026-01-01T09:20:00.001Z",
       .actions = {"skip 2026-01-01T09:00:00Z DeadlineExceeded"}},
      {.name = "deadline before policy",
       .policy = {.missed = MissedRuns::All, .starting_deadline = 7200s},
       .now = "2026-01-01T12:20:00Z",
       .actions = {"skip 2026-01-01T09:00:00Z..2026-01-01T10:00:00Z (2) DeadlineExceeded",
                   "start 2026-01-01T11:00:00Z", "start 2026-01-01T12:00:00Z"}},
      {.name = "a deadline of zero allows the very second",
       .policy = {.starting_deadline = 0s},
       .now = "2026-01-01T09:00:00Z",
       .actions = {"start 2026-01-01T09:00:00Z"}},
      {.name = "a huge deadline is none",
       .policy = {.starting_deadline = std::chrono::seconds::max()},
       .now = "2026-01-01T09:20:00Z",
       .actions = {"start 2026-01-01T09:00:00Z"}},
      {.name = "All under Replace is Latest",
       .policy = {.concurrency = Concurrency::Replace, .missed = MissedRuns::All},
       .now = "2026-01-01T11:20:00Z",
       .actions = {"skip 2026-01-01T09:00:00Z..2026-01-01T10:00:00Z (2) Superseded",
                   "start 2026-01-01T11:00:00Z"}},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      World world = hourly(c.policy);
      CHECK(world.step(c.now) == c.actions);
      CHECK(world.step(c.now) == Actions{});
    }
  }
}

TEST_CASE("A million missed slots are one record with the exact count") {
  World world(make_spec("* * * * *"), "2024-01-01T00:00:30Z");
  world.step();
  const Actions actions = world.step("2026-01-01T00:00:00Z");
  CHECK(actions == Actions{"skip 2024-01-01T00:01:00Z..2025-12-31T23:59:00Z (1052639) Superseded",
                           "start 2026-01-01T00:00:00Z"});
  CHECK(world.state().counts.skipped == 1052639);
}

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

TEST_CASE("History is pruned when runs end") {
  World world = hourly({.keep_succeeded = 2, .keep_failed = 0});
  world.step("2026-01-01T09:00:00Z");
  world.step("2026-01-01T10:00:00Z");
  world.step("2026-01-01T11:00:00Z");
  world.step("2026-01-01T12:00:00Z");
  world.end("2026-01-01T10:00:00Z");
  world.end("2026-01-01T11:00:00Z", RunPhase::Failed);
  CHECK(world.step("2026-01-01T12:10:00Z") == Actions{"delete job-20260101t110000z"});
  world.end("2026-01-01T12:00:00Z");
  CHECK(world.step("2026-01-01T12:20:00Z") == Actions{});
  // The oldest slot ends last; it is still the oldest.
  world.end("2026-01-01T09:00:00Z");
  CHECK(world.step("2026-01-01T12:30:00Z") == Actions{"delete job-20260101t090000z"});
  CHECK(world.state().counts == Counts{.started = 4, .succeeded = 3, .failed = 1});
}

TEST_CASE("Suspended schedules still prune and count") {
  World world = hourly({.keep_succeeded = 0});
  world.step("2026-01-01T09:00:00Z");
  world.spec.policy.suspended = true;
  world.end("2026-01-01T09:00:00Z");
  CHECK(world.step("2026-01-01T09:30:00Z") == Actions{"delete job-20260101t090000z"});
  CHECK(world.state().counts == Counts{.started = 1, .succeeded = 1});
}

TEST_CASE("A run that somebody deletes has failed, and its slot stays used") {
  World world = hourly();
  world.step("2026-01-01T09:00:00Z");
  world.observed.runs.clear();
  CHECK(world.step("2026-01-01T09:10:00Z") == Actions{});
  CHECK(world.state().counts == Counts{.started = 1, .succeeded = 0, .failed = 1});
}

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

TEST_CASE("A clock that jumps back starts nothing and does not forget") {
  World world = hourly();
  world.step("2026-01-01T12:00:00Z");
  CHECK(world.step("2026-01-01T09:00:00Z") == Actions{});
  const auto decision = world.look();
  CHECK(decision.clock_behind);
  CHECK(decision.wake_at == wall("2026-01-01T09:10:00Z"));
  CHECK(world.step("2026-01-01T13:00:00Z") == Actions{"start 2026-01-01T13:00:00Z"});
}

namespace {

// An hourly schedule whose clock was ten years ahead for two slots, and is right again.
World after_a_wrong_clock() {
  World world = hourly();
  world.step("2026-01-01T09:00:00Z");
  world.end("2026-01-01T09:00:00Z");
  world.step("2036-01-01T09:20:00Z");
  world.step("2036-01-01T10:00:00Z");
  world.end("2036-01-01T09:00:00Z");
  world.end("2036-01-01T10:00:00Z");
  world.step("2036-01-01T10:00:05Z");
  CHECK(world.state().counts.started == 3);
  CHECK(world.step("2026-01-01T09:20:00Z") == Actions{});
  CHECK(world.look().clock_behind);
  return world;
}

}  // namespace

TEST_CASE("A clock that was years ahead once stops a schedule for minutes, not for years") {
  World world = after_a_wrong_clock();
  // Behind: not believed yet. A machine that boots without a clock must not start anything.
  CHECK(world.step("2026-01-01T10:00:00Z") == Actions{});
  SECTION("it stands for ten minutes") {
    world.observed.clock_behind_for = scheduler::kClockBelieved;
    world.now = wall("2026-01-01T09:30:00Z");
  }
  SECTION("somebody edits the schedule") {
    world.spec.fingerprint = "edited";
    world.now = wall("2026-01-01T09:21:00Z");
  }
  SECTION("somebody suspends and resumes") {
    world.spec.policy.suspended = true;
    CHECK(world.step("2026-01-01T09:21:00Z") == Actions{});
    world.spec.policy.suspended = false;
    world.now = wall("2026-01-01T09:22:00Z");
  }
  CHECK(world.step() == Actions{});
  world.observed.clock_behind_for = {};
  CHECK_FALSE(world.look().clock_behind);
  CHECK(world.look().wake_at == wall("2026-01-01T10:00:00Z"));
  CHECK(world.step("2026-01-01T10:00:00Z") == Actions{"start 2026-01-01T10:00:00Z"});
  CHECK(world.state().counts.started == 4);
  // What runs today is kept, and what the wrong clock left goes.
  world.end("2026-01-01T10:00:00Z");
  CHECK(world.step("2026-01-01T10:05:00Z") == Actions{"delete job-20360101t100000z"});
}

TEST_CASE("What a wrong clock has started is not started or counted again in its time") {
  World world = after_a_wrong_clock();
  world.observed.clock_behind_for = scheduler::kClockBelieved;
  world.step("2026-01-01T09:30:00Z");
  world.observed.clock_behind_for = {};
  CHECK(world.state().ahead == std::vector<scheduler::Span>{{.first = at("2036-01-01T09:00:00Z"),
                                                             .last = at("2036-01-01T10:00:00Z")}});
  CHECK(world.step("2036-01-01T08:00:00Z").back() == "start 2036-01-01T08:00:00Z");
  CHECK(world.look().next_runs.front() == at("2036-01-01T11:00:00Z"));
  world.end("2036-01-01T08:00:00Z");
  CHECK(world.step("2036-01-01T10:30:00Z") == Actions{"delete job-20360101t080000z"});
  CHECK(world.state().ahead.empty());
  CHECK(world.step("2036-01-01T11:00:00Z") == Actions{"start 2036-01-01T11:00:00Z"});
  CHECK(world.state().counts.started == 5);
}

TEST_CASE("A schedule that a wrong clock created is healed as well") {
  World world(make_spec("@every 1h", {}, "UTC", at("2036-01-01T00:30:00Z")),
              "2036-01-01T00:30:00Z");
  CHECK(world.step("2026-01-01T00:00:00Z") == Actions{});
  CHECK(world.look().clock_behind);
  world.observed.clock_behind_for = scheduler::kClockBelieved;
  CHECK(world.step("2026-01-01T00:10:00Z") == Actions{});
  CHECK(world.step("2026-01-01T00:30:00Z") == Actions{"start 2026-01-01T00:30:00Z"});
}

TEST_CASE("Slots started ahead of their time are remembered within a bound") {
  const auto spec = make_spec("* * * * *");
  std::vector<scheduler::Span> spans;
  const scheduler::Instant begin = at("2036-01-01T00:00:00Z");
  // Every other minute, in no order: nothing touches.
  for (int i = 0; i < 200; ++i)
    scheduler::add_ahead(spans, begin + std::chrono::minutes(i * 77 % 200 * 2), *spec.schedule);
  CHECK(spans.size() <= scheduler::kMostAhead);
  CHECK(spans.front().first == begin);
  CHECK(spans.back().last == begin + std::chrono::minutes(398));
  scheduler::State state;
  state.ahead = spans;
  for (int i = 0; i < 200; ++i)
    CHECK(state.has_counted(begin + std::chrono::minutes(i * 2)));

  // Neighbours in the schedule are one span, nothing between them is lost.
  spans.clear();
  for (const int minute : {5, 3, 4, 9, 4})
    scheduler::add_ahead(spans, begin + std::chrono::minutes(minute), *spec.schedule);
  CHECK(spans.size() == 2);
  scheduler::forget_ahead(spans, begin + std::chrono::minutes(5));
  CHECK(spans.size() == 1);
}

TEST_CASE("A schedule that never fires just waits") {
  World world(make_spec("0 0 30 2 *"), "2026-01-01T08:30:00Z");
  CHECK(world.step() == Actions{});
  CHECK(world.look().wake_at == std::nullopt);
  CHECK(world.look().next_runs.empty());
}

TEST_CASE("A slot that started before a crash is found, not started again") {
  World world = hourly();
  world.now = wall("2026-01-01T09:00:00Z");
  const auto lost = world.look();
  world.perform(lost, lost.actions.size());  // and no status
  SECTION("at once") {
    CHECK(world.step("2026-01-01T09:00:01Z") == Actions{});
    CHECK(world.state().counts == Counts{.started = 1});
  }
  SECTION("when the schedule is suspended next, for however long") {
    world.spec.policy.suspended = true;
    CHECK(world.step("2026-01-01T09:30:00Z") == Actions{});
    CHECK(world.state().counts == Counts{.started = 1});
  }
  SECTION("when the clock was set back and the schedule is edited") {
    world.spec.fingerprint = "edited";
    CHECK(world.step("2026-01-01T08:45:00Z") == Actions{});
    CHECK(world.state().counts == Counts{.started = 1});
    CHECK(world.state().accounted == at("2026-01-01T08:45:00Z"));
    CHECK(world.step("2026-01-01T09:00:00Z") == Actions{});
    CHECK(world.step("2026-01-01T10:00:00Z") == Actions{"start 2026-01-01T10:00:00Z"});
    CHECK(world.state().counts == Counts{.started = 2});
  }
  SECTION("after other slots have been missed") {
    CHECK(world.step("2026-01-01T11:00:00Z") ==
          Actions{"skip 2026-01-01T10:00:00Z Superseded", "start 2026-01-01T11:00:00Z"});
    CHECK(world.state().counts == Counts{.started = 2, .succeeded = 0, .failed = 0, .skipped = 1});
  }
  SECTION("after it has ended, even if it was pruned in a crash as well") {
    world.spec.policy.keep_succeeded = 0;
    world.end("2026-01-01T09:00:00Z");
    world.now = wall("2026-01-01T09:30:00Z");
    const auto again = world.look();
    CHECK(tests::in_short(again) == Actions{"delete job-20260101t090000z"});
    world.perform(again, again.actions.size());  // and no status, again
    CHECK(world.step("2026-01-01T09:31:00Z") == Actions{});
    CHECK(world.state().counts == Counts{.started = 1, .succeeded = 1});
  }
}

TEST_CASE("A refused start is skipped for good or tried again") {
  World world = hourly();
  world.now = wall("2026-01-01T09:00:00Z");
  world.observed.refusals = {{.name = "job-20260101t090000z"}};
  SECTION("for good") {
    world.observed.refusals[0].for_good = true;
    world.observed.refusals[0].reason = SkipReason::NamespaceTerminating;
    CHECK(world.step() == Actions{"skip 2026-01-01T09:00:00Z NamespaceTerminating"});
    world.observed.refusals.clear();
    CHECK(world.step("2026-01-01T09:01:00Z") == Actions{});
  }
  SECTION("for now, then it works") {
    CHECK(world.step() == Actions{});
    CHECK(world.look().waiting);
    world.observed.refusals.clear();
    CHECK(world.step("2026-01-01T09:01:00Z") == Actions{"start 2026-01-01T09:00:00Z"});
  }
  SECTION("for now, until a newer slot comes") {
    CHECK(world.step() == Actions{});
    world.observed.refusals.clear();
    CHECK(world.step("2026-01-01T10:00:00Z") ==
          Actions{"skip 2026-01-01T09:00:00Z CreateRefused", "start 2026-01-01T10:00:00Z"});
  }
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
