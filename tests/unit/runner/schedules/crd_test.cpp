#include "tests/support/crd.h"

#include <chrono>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/schedule_spec.h"
#include "runner/schedules/status.h"
#include "tests/support/catch.h"
#include "tests/unit/runner/schedules/schedule_fixture.h"

namespace runner::schedules {
namespace {

using nlohmann::json;
using scheduler::Instant;
using scheduler::RunPhase;
using scheduler::SkipReason;

const Instant kSlot{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}};

ScheduleRun run(const std::string& name, RunPhase phase) {
  ScheduleRun one;
  one.observed = {.name = name, .uid = name, .slot = kSlot, .phase = phase, .created = kSlot};
  one.state = "RUNNING";
  one.message = "why";
  if (phase != RunPhase::Unfinished) one.ended = kSlot;
  return one;
}

// Every field of what a decision can remember.
scheduler::State full_state() {
  return {.fingerprint = "0 * * * *",
          .suspended = true,
          .accounted = kSlot,
          .ahead = {{.first = kSlot, .last = kSlot}},
          .held = scheduler::HeldSlots{.slots = {.first = kSlot, .last = kSlot, .count = 2},
                                       .reason = SkipReason::ForbidConcurrent},
          .handled_trigger = "again",
          .pending_trigger = scheduler::PendingTrigger{.value = "more", .at = kSlot, .stays = true},
          .tracked = {{.name = "a", .uid = "a", .slot = kSlot, .manual = true}},
          .counts = {.started = 4, .succeeded = 1, .failed = 1, .skipped = 2}};
}

TEST_CASE("the CRD declares every field that a schedule's status can have") {
  const json object = tests::schedule_object({{"suspend", true}});
  const auto parsed = config::parse_schedule_spec(object, "UTC");
  REQUIRE(parsed);
  const scheduler::SkipRun skip{.slots = {.first = kSlot, .last = kSlot, .count = 2},
                                .reason = SkipReason::Superseded};
  scheduler::Decision decision;
  decision.actions = {skip};
  decision.state = full_state();
  decision.next_runs = {kSlot};
  json status =
      schedule_status({.schedule = object,
                       .now = kSlot,
                       .spec = parsed->spec,
                       .decision = decision,
                       .skips = {skip},
                       .runs = {run("a", RunPhase::Unfinished), run("b", RunPhase::Succeeded),
                                run("c", RunPhase::Failed)},
                       .trouble = {"CreateRefused", "quota"}});
  const auto wrong = [](const json& written) {
    return tests::undeclared("ScheduledSparkApplication", written);
  };
  CHECK(wrong(status) == std::vector<std::string>{});
  // Nothing was left out of the state: each field is written, and read as it was.
  const auto read = read_schedule_state(status);
  REQUIRE(read);
  CHECK(read->decided == full_state());
  CHECK(read->skips == std::vector{skip});
  // Nor of the lists for people.
  REQUIRE(status["active"].size() == 1);
  CHECK(status["active"][0].contains("state"));
  CHECK(status["recentRuns"].size() == 4);
  json schedule = object;
  schedule["status"] = status;
  CHECK(wrong(failing_status(schedule, kSlot, "the API is away")) == std::vector<std::string>{});
  CHECK(wrong(invalid_status(schedule, kSlot, "no cron")) == std::vector<std::string>{});
}

}  // namespace
}  // namespace runner::schedules
