#pragma once

// An application controller against the model of the API: what the tests of ApplicationReconciler
// share.
//
// Threads: one.

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "config/names.h"
#include "runner/applications/reconciler.h"
#include "tests/support/catch.h"
#include "tests/support/fake_api.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_recorder.h"
#include "tests/support/permitted_api.h"

namespace tests {

using nlohmann::json;

inline json application_object(const json& spec = json::object(), const std::string& name = "pi") {
  json object{{"apiVersion", config::kApiVersion},
              {"kind", config::kApplicationKind},
              {"metadata", {{"name", name}, {"namespace", "etl"}}},
              {"spec",
               {{"type", "Python"},
                {"sparkVersion", "4.0.1"},
                {"image", "spark:4"},
                {"mainApplicationFile", "local:///app/etl.py"},
                {"driver", json::object()},
                {"executor", json::object()}}}};
  object["spec"].merge_patch(spec);
  return object;
}

struct ApplicationWorld {
  FakeClock clock{base::WallTime{std::chrono::sys_days{std::chrono::year{2026} / 1 / 1}}};
  FakeApi api{clock};
  PermittedApi permitted{api};
  FakeCache cache{api};
  MemoryEvents events;
  MemoryRecorder recorder;
  runner::applications::ApplicationReconciler reconciler{permitted, cache, events,
                                                         recorder,  clock, {}};
  const kube::ObjectKey key{"etl", "pi"};
  const kube::ObjectKey driver_key{"etl", "pi-driver"};

  ApplicationWorld() {
    base::set_log_level(base::LogLevel::Off);
    cache.follow();
  }
  // The controller asked for nothing that its roles do not allow.
  ~ApplicationWorld() { CHECK(permitted.refused() == std::vector<std::string>()); }

  void apply(const json& spec = json::object()) {
    REQUIRE(api.create(config::spark_applications(), application_object(spec)).has_value());
  }
  base::Result<kube::Reconciled> reconcile() { return reconciler.reconcile(key); }
  // Until nothing changes any more.
  kube::Reconciled settle() {
    kube::Reconciled last;
    for (int i = 0; i < 10; ++i) {
      const json before = application();
      const auto done = reconcile();
      INFO((done ? "" : done.error().message));
      REQUIRE(done.has_value());
      last = *done;
      if (application() == before) return last;
    }
    FAIL("it does not settle");
    return last;
  }
  json application() const {
    const auto object = api.peek(config::spark_applications(), key);
    return object == nullptr ? json() : *object;
  }
  std::string state() const {
    return base::string_at(application(), {"status", "applicationState", "state"});
  }
  std::string error() const {
    return base::string_at(application(), {"status", "applicationState", "errorMessage"});
  }
  json driver(const std::string& name = "pi-driver") const {
    const auto pod = api.peek(kube::pods(), {"etl", name});
    return pod == nullptr ? json() : *pod;
  }
  void drivers_phase(const std::string& phase, const std::string& name = "pi-driver") {
    api.set(kube::pods(), {"etl", name}, "/status", {{"phase", phase}});
  }
  void edit(const std::string& pointer, const json& value) {
    api.set(config::spark_applications(), key, pointer, value);
  }
  // What is left when an application is deleted by force: its driver, not collected yet.
  void delete_by_force() { api.erase(config::spark_applications(), key); }
  size_t events_with(const std::string& part) const {
    return static_cast<size_t>(std::count_if(
        events.notes.begin(), events.notes.end(),
        [&](const std::string& note) { return note.find(part) != std::string::npos; }));
  }
  void refuse_pods(base::Code code, const std::string& message) {
    api.before = [=](const ApiCall& call) -> std::optional<base::Error> {
      if (call.verb == "create" && call.plural == "pods") return base::Error{code, message, {}};
      return std::nullopt;
    };
  }
};

}  // namespace tests
