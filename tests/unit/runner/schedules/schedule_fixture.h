#pragma once

// A schedule controller against the model of the API: what the tests of ScheduleReconciler share.

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "config/names.h"
#include "runner/run_record.h"
#include "runner/schedules/reconciler.h"
#include "tests/support/catch.h"
#include "tests/support/fake_api.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_recorder.h"
#include "tests/support/permitted_api.h"

namespace tests {

using nlohmann::json;

inline base::WallTime wall(std::string_view text) {
  const auto time = base::parse_rfc3339(text);
  REQUIRE(time.has_value());
  return *time;
}

inline json schedule_object(const json& spec, const std::string& name = "job") {
  json object{{"apiVersion", config::kApiVersion},
              {"kind", config::kScheduleKind},
              {"metadata", {{"name", name}, {"namespace", "etl"}}},
              {"spec",
               {{"schedule", "0 * * * *"},
                {"template",
                 {{"type", "Python"},
                  {"sparkVersion", "4.0.1"},
                  {"mainApplicationFile", "local:///app/etl.py"},
                  {"driver", json::object()},
                  {"executor", json::object()}}}}}};
  object["spec"].update(spec);
  return object;
}

struct ScheduleWorld {
  FakeClock clock{base::WallTime{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}} +
                  std::chrono::minutes(510)};
  FakeApi api{clock};
  PermittedApi permitted{api};
  FakeCache cache{api};
  MemoryEvents events;
  MemoryRecorder recorder;
  runner::schedules::ScheduleReconciler reconciler{permitted, cache, events, recorder, clock, {}};
  const kube::ObjectKey key{"etl", "job"};
  int rounds = 0;  // that left something to do

  // Created at 08:30; looked at once.
  explicit ScheduleWorld(const json& spec = json::object()) {
    base::set_log_level(base::LogLevel::Off);
    apply(schedule_object(spec));
  }
  // The controller asked for nothing that its roles do not allow.
  ~ScheduleWorld() { CHECK(permitted.refused() == std::vector<std::string>()); }

  void apply(const json& object) {
    cache.follow();
    REQUIRE(api.create(config::scheduled_spark_applications(), object).has_value());
    reconcile();
  }

  // Until nothing is left to do at once.
  base::Result<kube::Reconciled> try_to_reconcile() {
    for (;;) {
      auto done = reconciler.reconcile(key);
      if (!done || !done->again) return done;
      REQUIRE(++rounds < 1'000);
    }
  }
  kube::Reconciled reconcile() {
    const auto done = try_to_reconcile();
    INFO((done ? "" : done.error().message));
    REQUIRE(done.has_value());
    return *done;
  }
  kube::Reconciled reconcile_at(std::string_view time) {
    clock.set_wall(wall(time));
    return reconcile();
  }
  // A new process: nothing in memory is left.
  void restart() {
    std::destroy_at(&reconciler);
    std::construct_at(&reconciler, permitted, cache, events, recorder, clock,
                      runner::schedules::ScheduleOptions{});
  }

  void edit(const std::string& pointer, const json& value) {
    api.set(config::scheduled_spark_applications(), key, pointer, value);
  }
  json schedule() const {
    const auto object = api.peek(config::scheduled_spark_applications(), key);
    return object == nullptr ? json() : *object;
  }
  json status() const { return schedule().value("status", json::object()); }
  std::string status_text(const std::string& field) const {
    return base::string_at(status(), {field});
  }
  json condition(const std::string& type) const {
    for (const json& one : status().value("conditions", json::array()))
      if (one["type"] == type) return one;
    return {};
  }

  std::vector<std::string> runs() const {
    std::vector<std::string> names;
    for (const auto& run : api.peek_all(config::spark_applications()))
      names.push_back(kube::key_of(*run).name);
    return names;
  }
  json run(const std::string& name) const {
    const auto object = api.peek(config::spark_applications(), {"etl", name});
    REQUIRE(object != nullptr);
    return *object;
  }

  // What the application controller does when a run ends: record, then tell, then let go.
  void end(const std::string& name, const std::string& state = "COMPLETED") {
    const kube::ObjectKey run_key{"etl", name};
    api.set(config::spark_applications(), run_key, "/status",
            {{"applicationState", {{"state", state}}},
             {"terminationTime",
              base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(clock.now()))}});
    REQUIRE(
        recorder
            .record_run(runner::run_record(run(name), runner::read_application(run(name)).status))
            .has_value());
    api.set(config::spark_applications(), run_key, "/metadata/finalizers", nullptr);
  }
  // The end of a run that was asked to go.
  void finish_stopping(const std::string& name) {
    end(name, "FAILED");
    api.erase(config::spark_applications(), {"etl", name});
  }

  size_t events_with(const std::string& start) const {
    return static_cast<size_t>(
        std::count_if(events.notes.begin(), events.notes.end(),
                      [&](const std::string& note) { return note.starts_with(start); }));
  }
};

using Names = std::vector<std::string>;

}  // namespace tests
