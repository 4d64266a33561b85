// The nine laws of decide_slots(), on worlds made at random. A failure names the seed of its world.

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "scheduler/decide.h"
#include "tests/unit/scheduler/decide_fixture.h"

using namespace std::chrono_literals;
using scheduler::Concurrency;
using scheduler::Instant;
using scheduler::MissedRuns;
using scheduler::RunPhase;
using tests::at;
using tests::World;

namespace {

constexpr const char* kExpressions[] = {
    "* * * * *",  "*/7 * * * *", "0 * * * *", "*/20 * * * * *", "30 1,3 * * *",
    "0 0 30 2 *", "@every 90s",  "5 4 1 * *", "0 9 * * 1-5",    "15 10 29 2 *"};
constexpr const char* kZones[] = {"UTC", "America/New_York", "Australia/Lord_Howe"};
constexpr Instant kCreated = std::chrono::sys_days{std::chrono::year{2026} / 3 / 7};

class Random {
 public:
  explicit Random(uint32_t seed) : engine_(seed) {}
  uint32_t below(uint32_t n) { return static_cast<uint32_t>(engine_() % n); }
  bool one_in(uint32_t n) { return below(n) == 0; }

 private:
  std::mt19937 engine_;
};

scheduler::Policy random_policy(Random& random) {
  scheduler::Policy policy;
  policy.concurrency = static_cast<Concurrency>(random.below(3));
  policy.missed = static_cast<MissedRuns>(random.below(3));
  if (random.one_in(3)) policy.starting_deadline = std::chrono::seconds(random.below(7200));
  policy.max_catch_up_runs = 1 + random.below(20);
  policy.keep_succeeded = random.below(4);
  policy.keep_failed = random.below(3);
  return policy;
}

scheduler::Spec random_spec(Random& random) {
  return tests::make_spec(kExpressions[random.below(std::size(kExpressions))],
                          random_policy(random), kZones[random.below(std::size(kZones))], kCreated);
}

World random_world(Random& random) {
  World world(random_spec(random), tests::text(kCreated));
  world.step();
  return world;
}

// Lets runs end, linger and vanish, and people change their minds.
void disturb(Random& random, World& world) {
  for (auto& run : world.observed.runs) {
    if (run.stopping || !random.one_in(3)) continue;
    if (run.phase == RunPhase::Unfinished)
      run.phase = random.one_in(3) ? RunPhase::Failed : RunPhase::Succeeded;
    run.driver_alive = random.one_in(4);
  }
  if (random.one_in(2)) world.finish_stopping();
  if (random.one_in(30) && !world.observed.runs.empty())
    world.observed.runs.erase(world.observed.runs.begin());
  if (random.one_in(12)) world.spec.policy.suspended = !world.spec.policy.suspended;
  if (random.one_in(12)) world.spec.trigger = "t" + std::to_string(random.below(1000));
  if (random.one_in(15)) {
    const bool suspended = world.spec.policy.suspended;
    const std::string trigger = world.spec.trigger;
    world.spec = random_spec(random);
    world.spec.policy.suspended = suspended;
    world.spec.trigger = trigger;
  }
  world.observed.lingering = random.one_in(10) ? 1 : 0;
}

void pass_time(Random& random, World& world) {
  const auto ms = std::chrono::milliseconds(random.below(1000));
  if (random.one_in(10)) {
    world.now -= std::chrono::seconds(random.below(3000)) + ms;
  } else if (random.one_in(10)) {
    world.now += std::chrono::hours(random.below(24 * 40));
  } else {
    world.now += std::chrono::seconds(random.below(1800)) + ms;
  }
}

template <class Check>
void in_many_worlds(Check check) {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    World world = random_world(random);
    for (int step = 0; step < 25; ++step) {
      pass_time(random, world);
      disturb(random, world);
      if (!check(random, world)) return;
    }
  }
}

bool starts_anything(const scheduler::Decision& decision) {
  return std::any_of(decision.actions.begin(), decision.actions.end(), [](const auto& action) {
    return std::holds_alternative<scheduler::StartRun>(action);
  });
}

}  // namespace

TEST_CASE("Law 1: when everything is done there is nothing left to do") {
  in_many_worlds([](Random&, World& world) {
    world.step();
    // A run by hand takes a second step, whose name the first one wrote down; pruning what a crash
    // had left uncounted takes one, too.
    world.step();
    const auto again = world.look();
    if (!again.actions.empty()) CHECK(tests::in_short(again) == tests::Actions{});
    if (again.state != world.state()) CHECK(again.state == world.state());
    return again.actions.empty();
  });
  SUCCEED();
}

TEST_CASE("Law 2: the order of the runs does not matter") {
  in_many_worlds([](Random& random, World& world) {
    const auto decision = world.look();
    World other = world;
    std::shuffle(other.observed.runs.begin(), other.observed.runs.end(),
                 std::mt19937(random.below(1000)));
    const auto same = other.look();
    world.apply(decision);
    if (same.actions == decision.actions && same.wake_at == decision.wake_at &&
        same.state.accounted == decision.state.accounted &&
        same.state.counts == decision.state.counts)
      return true;
    CHECK(tests::in_short(same) == tests::in_short(decision));
    CHECK(same.state.counts == decision.state.counts);
    return false;
  });
  SUCCEED();
}

TEST_CASE("Law 3: wake_at lies in the future") {
  in_many_worlds([](Random&, World& world) {
    const auto decision = world.look();
    world.apply(decision);
    if (!decision.wake_at || *decision.wake_at > world.now) return true;
    CHECK(*decision.wake_at > world.now);
    return false;
  });
  SUCCEED();
}

TEST_CASE("Law 4: a slot is started at most once, ever") {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    World world = random_world(random);
    std::set<std::string> started;
    for (int step = 0; step < 25; ++step) {
      pass_time(random, world);
      disturb(random, world);
      const auto decision = world.look();
      for (const auto& action : decision.actions) {
        const auto* start = std::get_if<scheduler::StartRun>(&action);
        if (start == nullptr) continue;
        // The name comes from the slot: equal slots, equal names.
        if (!started.insert(start->name).second) FAIL(start->name << " was started twice");
        if (start->slot && *start->slot > world.now) FAIL(start->name << " was started early");
      }
      world.apply(decision);
    }
  }
  SUCCEED();
}

TEST_CASE("Law 5: Forbid and Replace start only when nothing is unfinished or alive") {
  in_many_worlds([](Random&, World& world) {
    const auto decision = world.look();
    const bool busy =
        world.observed.lingering > 0 ||
        std::any_of(world.observed.runs.begin(), world.observed.runs.end(), [](const auto& run) {
          return run.phase == RunPhase::Unfinished || run.driver_alive;
        });
    const auto starts = std::count_if(
        decision.actions.begin(), decision.actions.end(),
        [](const auto& action) { return std::holds_alternative<scheduler::StartRun>(action); });
    const bool allow = world.spec.policy.concurrency == Concurrency::Allow;
    world.apply(decision);
    if (allow || starts <= (busy ? 0 : 1)) return true;
    CHECK(starts <= (busy ? 0 : 1));
    return false;
  });
  SUCCEED();
}

TEST_CASE("Law 6: a clock that goes back starts no slot") {
  in_many_worlds([](Random& random, World& world) {
    world.step();
    world.step();
    World back = world;
    back.observed.lingering = 0;
    back.now = std::min(back.now, base::WallTime{world.state().accounted}) -
               std::chrono::seconds(random.below(100000));
    const auto decision = back.look();
    const bool by_hand = back.state().pending_trigger.has_value();
    if (by_hand || !starts_anything(decision)) return true;
    CHECK(tests::in_short(decision) == tests::Actions{});
    return false;
  });
  SUCCEED();
}

TEST_CASE("Law 7: suspended starts no slot but still prunes and counts") {
  in_many_worlds([](Random&, World& world) {
    world.step();
    World still = world;
    still.spec.policy.suspended = true;
    still.spec.policy.keep_succeeded = 0;
    still.spec.trigger = still.state().handled_trigger;
    still.observed.state->pending_trigger.reset();
    for (auto& run : still.observed.runs) {
      run.phase = RunPhase::Succeeded;
      run.driver_alive = false;
      run.stopping = false;
    }
    still.step();
    const auto decision = still.look();
    if (!starts_anything(decision) && still.observed.runs.empty() && still.state().tracked.empty())
      return true;
    CHECK_FALSE(starts_anything(decision));
    CHECK(still.observed.runs.empty());
    CHECK(still.state().tracked.empty());
    return false;
  });
  SUCCEED();
}

TEST_CASE("Law 8: any prefix of the actions may be lost") {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    World world = random_world(random);
    std::map<std::string, int> created;
    for (int step = 0; step < 25; ++step) {
      pass_time(random, world);
      disturb(random, world);
      const auto decision = world.look();
      std::set<std::string> before;
      for (const auto& run : world.observed.runs)
        before.insert(run.name);
      if (random.one_in(3)) {
        world.perform(decision, random.below(static_cast<uint32_t>(decision.actions.size()) + 1));
      } else {
        world.apply(decision);
      }
      for (const auto& run : world.observed.runs)
        if (!before.contains(run.name) && ++created[run.name] > 1)
          FAIL(run.name << " was created twice");
    }
    // Let everything end; then the counts must tell exactly what was created.
    for (auto& run : world.observed.runs) {
      run.stopping = false;
      run.driver_alive = false;
      if (run.phase == RunPhase::Unfinished) run.phase = RunPhase::Succeeded;
    }
    world.observed.lingering = 0;
    world.spec.policy.suspended = true;
    world.now += std::chrono::hours(24 * 100);
    world.step();
    world.step();
    world.spec.policy.suspended = false;  // what was not counted is adopted here at the latest
    world.step();
    world.step();
    const scheduler::Counts counts = world.state().counts;
    CHECK(counts.succeeded + counts.failed + world.state().tracked.size() == counts.started);
  }
}

TEST_CASE("Law 9: every slot ends as exactly one of started and skipped") {
  for (uint32_t seed = 1; seed <= 300; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    World world = random_world(random);
    uint64_t started = 0;
    uint64_t skipped = 0;
    const Instant from = world.state().accounted;
    Instant last_skipped = from;
    for (int step = 0; step < 25; ++step) {
      pass_time(random, world);
      const auto spec = world.spec;
      disturb(random, world);
      world.spec = spec;  // no edits: one schedule, one account
      const auto decision = world.look();
      for (const auto& action : decision.actions) {
        if (std::get_if<scheduler::StartRun>(&action) != nullptr) ++started;
        if (const auto* skip = std::get_if<scheduler::SkipRun>(&action)) {
          CHECK(skip->slots.count ==
                world.spec.schedule->count(skip->slots.first - 1s, skip->slots.last));
          CHECK(skip->slots.first > last_skipped);
          last_skipped = skip->slots.last;
          skipped += skip->slots.count;
        }
      }
      world.apply(decision);
      CHECK(started + skipped == world.spec.schedule->count(from, world.state().accounted));
    }
  }
}
