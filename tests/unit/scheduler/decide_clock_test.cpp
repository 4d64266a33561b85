#include <chrono>
#include <vector>

#include "scheduler/ahead.h"
#include "scheduler/decide.h"
#include "tests/unit/scheduler/decide_fixture.h"

using tests::Actions;
using tests::at;
using tests::hourly;
using tests::make_spec;
using tests::wall;
using tests::World;

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

TEST_CASE("A clock that jumps back starts nothing and does not forget") {
  World world = hourly();
  world.step("2026-01-01T12:00:00Z");
  CHECK(world.step("2026-01-01T09:00:00Z") == Actions{});
  const auto decision = world.look();
  CHECK(decision.clock_behind);
  CHECK(decision.wake_at == wall("2026-01-01T09:10:00Z"));
  CHECK(world.step("2026-01-01T13:00:00Z") == Actions{"start 2026-01-01T13:00:00Z"});
}

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
