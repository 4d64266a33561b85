#include "scheduler/decide.h"

#include <chrono>
#include <optional>
#include <string>

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
using tests::hourly;
using tests::make_spec;
using tests::wall;
using tests::World;

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
