// Which slots are due, by the CronJob controller's own expectations (tests/data). Replace differs
// on purpose: the old run is stopped first and the new one starts when its driver is dead.

#include <fstream>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "scheduler/decide.h"
#include "tests/unit/scheduler/decide_fixture.h"

using nlohmann::json;
using scheduler::Concurrency;
using tests::at;
using tests::World;

namespace {

json read_cases() {
  std::ifstream file(SPARKCRON_SOURCE_DIR "/tests/data/k8s_cronjob_policy.json");
  REQUIRE(file.good());
  return json::parse(file);
}

std::string text_or(const json& object, const char* name, std::string otherwise) {
  const std::string text = base::string_at(object, {name});
  return text.empty() ? std::move(otherwise) : text;
}

scheduler::Policy policy_of(const json& c) {
  scheduler::Policy policy;
  const std::string concurrency = text_or(c, "concurrencyPolicy", "Allow");
  if (concurrency == "Forbid") policy.concurrency = Concurrency::Forbid;
  if (concurrency == "Replace") policy.concurrency = Concurrency::Replace;
  if (const auto seconds = base::integer_at(c, {"startingDeadlineSeconds"}))
    policy.starting_deadline = std::chrono::seconds(*seconds);
  if (const auto seconds = base::integer_at(c, {"deadline"}))
    policy.starting_deadline = std::chrono::seconds(*seconds);
  policy.suspended = base::bool_at(c, {"suspend"}).value_or(false);
  policy.keep_succeeded = policy.keep_failed = 100;
  return policy;
}

// The CronJob that the case describes: created, perhaps with a last run behind it.
World world_of(const json& c, const std::string& created, const std::string& last) {
  World world(tests::make_spec(text_or(c, "schedule", ""), policy_of(c),
                               text_or(c, "timeZone", "UTC"), at(created)),
              created);
  world.step();
  if (!last.empty()) world.observed.state->accounted = at(last);
  if (base::bool_at(c, {"stillActive"}).value_or(false)) {
    world.observed.runs.push_back({.name = "job-before",
                                   .uid = "before",
                                   .slot = at(last),
                                   .phase = scheduler::RunPhase::Unfinished,
                                   .driver_alive = true,
                                   .created = tests::wall(last)});
    world.observed.state->tracked.push_back(
        {.name = "job-before", .uid = "before", .slot = at(last)});
  }
  world.now = tests::wall(text_or(c, "now", ""));
  return world;
}

std::optional<std::string> started_slot(const scheduler::Decision& decision) {
  for (const auto& action : decision.actions)
    if (const auto* run = std::get_if<scheduler::StartRun>(&action))
      return tests::text(run->slot.value_or(run->at));
  return std::nullopt;
}

}  // namespace

TEST_CASE("CronJob sync cases: what starts and when it looks again") {
  const json cases = read_cases();
  for (const json& c : cases["syncCronJob"]) {
    const std::string name = text_or(c, "name", "");
    const std::string zone = text_or(c, "timeZone", "UTC");
    const auto parsed = scheduler::Schedule::parse(text_or(c, "schedule", ""), {.zone = zone});
    DYNAMIC_SECTION(name) {
      if (!parsed) {
        CHECK(base::integer_at(c, {"expectWarnings"}) == 1);
        continue;
      }
      World world = world_of(c, text_or(c, "creationTimestamp", "2016-05-19T09:59:00Z"),
                             text_or(c, "lastScheduleTime", ""));
      const auto decision = world.look();
      const bool replacing =
          world.spec.policy.concurrency == Concurrency::Replace && !world.observed.runs.empty();
      if (replacing && base::bool_at(c, {"expectCreate"}).value_or(false)) {
        CHECK(tests::in_short(decision) == tests::Actions{"stop job-before"});
      } else {
        CHECK(started_slot(decision).has_value() == base::bool_at(c, {"expectCreate"}));
      }
      if (c["expectRequeueAfterSeconds"].is_number() && !decision.waiting) {
        REQUIRE(decision.wake_at.has_value());
        // Theirs is padded by 100 ms.
        const auto expected = std::chrono::milliseconds(
            std::llround(c["expectRequeueAfterSeconds"].get<double>() * 1000) - 100);
        CHECK(*decision.wake_at - world.now == expected);
      }
    }
  }
}

TEST_CASE("CronJob slot cases: the newest slot that is due") {
  const json cases = read_cases();
  for (const char* group : {"mostRecentScheduleTime", "nextScheduleTime"}) {
    for (const json& c : cases[group]) {
      const std::string name = text_or(c, "name", "");
      DYNAMIC_SECTION(group << ": " << name) {
        World world = world_of(c, text_or(c, "created", ""), text_or(c, "last", ""));
        // These ask for the slot, whatever the deadline says about starting it.
        if (!base::bool_at(c, {"includeDeadline"}).value_or(false))
          world.spec.policy.starting_deadline.reset();
        const char* field = c.contains("due") ? "due" : "mostRecent";
        std::string expected = text_or(c, field, "none");
        // Their estimate loses three slots here; the note in the file says so.
        if (c.contains("note")) expected = "2016-05-20T12:30:00Z";
        CHECK(started_slot(world.look()).value_or("none") == expected);
      }
    }
  }
}
