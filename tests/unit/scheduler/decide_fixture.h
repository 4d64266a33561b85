#pragma once

// What the tests of decide_slots() share: instants as text, specs in one line, and World, which
// performs decisions the way the controller does.

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/rfc3339.h"
#include "scheduler/decide.h"
#include "scheduler/run_name.h"
#include "tests/support/catch.h"

namespace tests {

inline base::WallTime wall(std::string_view text) {
  const auto time = base::parse_rfc3339(text);
  REQUIRE(time.has_value());
  return *time;
}

inline scheduler::Instant at(std::string_view text) {
  return std::chrono::floor<std::chrono::seconds>(wall(text));
}

inline std::string text(scheduler::Instant time) {
  return base::format_rfc3339(time);
}

inline scheduler::Spec make_spec(std::string_view expression, scheduler::Policy policy = {},
                                 std::string_view zone = "UTC", scheduler::Instant anchor = {}) {
  auto schedule =
      scheduler::Schedule::parse(expression, {.zone = zone, .seed = "etl/job", .anchor = anchor});
  REQUIRE(schedule.has_value());
  return {.name = "job",
          .schedule = std::make_shared<const scheduler::Schedule>(*std::move(schedule)),
          .fingerprint = std::string(expression) + " | " + std::string(zone),
          .policy = policy,
          .trigger = ""};
}

// Actions in short: "start 2026-01-01T10:00:00Z", "skip 3 Superseded", "stop job-…", "delete
// job-…".
inline std::string in_short(const scheduler::Action& action) {
  if (const auto* run = std::get_if<scheduler::StartRun>(&action))
    return "start " + (run->slot ? text(*run->slot) : run->name);
  if (const auto* skip = std::get_if<scheduler::SkipRun>(&action))
    return "skip " + text(skip->slots.first) +
           (skip->slots.count > 1
                ? ".." + text(skip->slots.last) + " (" + std::to_string(skip->slots.count) + ")"
                : "") +
           " " + to_string(skip->reason);
  if (const auto* run = std::get_if<scheduler::StopRun>(&action)) return "stop " + run->name;
  return "delete " + std::get<scheduler::DeleteRun>(action).name;
}

inline std::vector<std::string> in_short(const scheduler::Decision& decision) {
  std::vector<std::string> actions;
  for (const auto& action : decision.actions)
    actions.push_back(in_short(action));
  return actions;
}

using Actions = std::vector<std::string>;

// A schedule and its runs, with a hand on the clock. Stopped runs linger until finish_stopping().
// Runs that are gone are known from the records, as in the product.
struct World {
  scheduler::Spec spec;
  scheduler::Observed observed;
  std::map<std::string, scheduler::ObservedRun> records;  // by name
  base::WallTime now{};
  int uids = 0;

  explicit World(scheduler::Spec wanted, std::string_view created)
      : spec(std::move(wanted)), now(wall(created)) {
    observed.created = at(created);
  }

  scheduler::Decision look() {
    for (const auto& run : observed.runs)
      records[run.name] = run;
    scheduler::Observed seen = observed;
    if (observed.state)
      for (const auto& tracked : observed.state->tracked)
        if (find(tracked.name) == nullptr) seen.runs.push_back(recorded(tracked.name));
    // Before a clock is believed that was set back, the records tell what ran ahead of it.
    if (observed.state && observed.state->accounted > now)
      for (const auto& [name, run] : records)
        if (run.slot && *run.slot > now && find(name) == nullptr)
          seen.runs.push_back(recorded(name));
    // A name that is free but was used before is not used again.
    for (;;) {
      scheduler::Decision decision = scheduler::decide_slots(now, spec, seen);
      const auto used = std::find_if(
          decision.actions.begin(), decision.actions.end(), [&](const scheduler::Action& action) {
            const auto* start = std::get_if<scheduler::StartRun>(&action);
            return start != nullptr && records.contains(start->name) &&
                   find(start->name) == nullptr;
          });
      if (used == decision.actions.end()) return decision;
      seen.runs.push_back(recorded(std::get<scheduler::StartRun>(*used).name));
    }
  }

  // Whoever takes a run away sees to it that its end is recorded.
  scheduler::ObservedRun recorded(const std::string& name) {
    scheduler::ObservedRun run = records.at(name);
    run.gone = true;
    run.driver_alive = false;
    if (run.phase == scheduler::RunPhase::Unfinished) run.phase = scheduler::RunPhase::Failed;
    return run;
  }

  // Decides at this time and performs everything.
  Actions step(std::string_view time) {
    now = wall(time);
    return step();
  }
  Actions step() {
    const scheduler::Decision decision = look();
    apply(decision);
    return in_short(decision);
  }

  void apply(const scheduler::Decision& decision) {
    perform(decision, decision.actions.size());
    observed.state = decision.state;
    for (scheduler::TrackedRun& run : observed.state->tracked)
      if (run.uid.empty()) run.uid = find(run.name)->uid;
  }

  // The first `count` actions, and no status: what a crash leaves behind.
  void perform(const scheduler::Decision& decision, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const scheduler::Action& action = decision.actions[i];
      if (const auto* start = std::get_if<scheduler::StartRun>(&action)) {
        if (find(start->name) != nullptr) continue;
        observed.runs.push_back({.name = start->name,
                                 .uid = "uid-" + std::to_string(++uids),
                                 .slot = start->slot,
                                 .manual = !start->slot,
                                 .phase = scheduler::RunPhase::Unfinished,
                                 .driver_alive = true,
                                 .created = now});
        records[start->name] = observed.runs.back();
      } else if (const auto* stop = std::get_if<scheduler::StopRun>(&action)) {
        if (auto* run = find(stop->name)) run->stopping = true;
      } else if (const auto* gone = std::get_if<scheduler::DeleteRun>(&action)) {
        std::erase_if(observed.runs, [&](const auto& run) { return run.uid == gone->uid; });
      }
    }
  }

  scheduler::ObservedRun* find(const std::string& name) {
    for (auto& run : observed.runs)
      if (run.name == name) return &run;
    return nullptr;
  }

  void end(std::string_view slot, scheduler::RunPhase phase = scheduler::RunPhase::Succeeded) {
    auto* run = find(scheduler::run_name(spec.name, at(slot)));
    REQUIRE(run != nullptr);
    run->phase = phase;
    run->driver_alive = false;
  }

  void finish_stopping() {
    std::erase_if(observed.runs, [](const auto& run) { return run.stopping; });
  }

  const scheduler::State& state() const { return *observed.state; }
};

// Created at half past eight, hourly.
inline World hourly(const scheduler::Policy& policy = {}) {
  World world(make_spec("0 * * * *", policy), "2026-01-01T08:30:00Z");
  world.step();
  return world;
}

}  // namespace tests
