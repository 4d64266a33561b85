// Runs whose driver does not run yet, and drivers' pods that the template names.

#include <set>
#include <string>

#include <nlohmann/json.hpp>

#include "base/stable_hash.h"
#include "kube/object.h"
#include "runner/schedules/run.h"
#include "tests/unit/runner/schedules/schedule_fixture.h"

namespace tests {
namespace {

constexpr const char* kRun = "job-20260101t090000z";

void set_state(ScheduleWorld& world, const std::string& state, const std::string& message = "") {
  json status{{"applicationState", {{"state", state}}}};
  if (!message.empty()) status["applicationState"]["errorMessage"] = message;
  world.api.set(config::spark_applications(), {"etl", kRun}, "/status", status);
}

std::string pod_of(const json& run) {
  return base::string_at(run, {"spec", "driver", "podName"});
}

json template_with(const json& spec) {
  json object = schedule_object(json::object())["spec"]["template"];
  object.merge_patch(spec);
  return {{"template", object}};
}

}  // namespace

TEST_CASE("A run is Pending until its driver runs, and says what it waits for") {
  struct Case {
    std::string state;
    std::string message;
    std::string outcome;
  };
  const Case cases[] = {
      {.state = "", .message = "", .outcome = "Pending"},
      {.state = "", .message = "waiting: failed calling webhook", .outcome = "Pending"},
      {.state = "SUBMISSION_FAILED", .message = "exceeded quota: small", .outcome = "Pending"},
      {.state = "SUBMITTED",
       .message = "ImagePullBackOff: Back-off pulling image \"spark:5\"",
       .outcome = "Pending"},
      {.state = "PENDING_RERUN", .message = "driver failed", .outcome = "Pending"},
      {.state = "RUNNING", .message = "", .outcome = "Running"},
      {.state = "UNKNOWN", .message = "its node is silent", .outcome = "Running"},
  };
  ScheduleWorld world;
  world.reconcile_at("2026-01-01T09:00:00Z");
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.state + " " + c.message) {
      set_state(world, c.state, c.message + (c.message.empty() ? "" : "\nlines of a log"));
      world.reconcile();
      const json recent = world.status()["recentRuns"][0];
      CHECK(recent["outcome"] == c.outcome);
      CHECK(base::string_at(recent, {"reason"}) == c.message);
      CHECK(world.status()["counts"]["active"] == 1);
    }
  }
}

TEST_CASE(
    "A run whose driver is held holds Forbid, and the slot after it starts when it has ended") {
  ScheduleWorld world({{"concurrencyPolicy", "Forbid"}});
  world.reconcile_at("2026-01-01T09:00:00Z");
  set_state(world, "SUBMISSION_FAILED", "exceeded quota: small");
  world.reconcile_at("2026-01-01T10:00:00Z");
  CHECK(world.runs() == Names{kRun});
  CHECK(world.condition("Ready")["reason"] == "Waiting");
  world.end(kRun);
  world.reconcile_at("2026-01-01T10:10:00Z");
  CHECK(world.runs() == Names{kRun, "job-20260101t100000z"});
}

TEST_CASE(
    "A driver pod's name that the template fixes is made unique for each run, and told once") {
  ScheduleWorld world(template_with({{"driver", {{"podName", "etl-driver"}}}}));
  world.reconcile_at("2026-01-01T09:00:00Z");
  world.reconcile_at("2026-01-01T10:00:00Z");
  const std::string hash = base::short_hash("job/etl-driver");
  std::set<std::string> pods;
  for (const std::string& name : world.runs())
    pods.insert(pod_of(world.run(name)));
  CHECK(pods == std::set<std::string>{"etl-driver-" + hash + "-20260101t090000z",
                                      "etl-driver-" + hash + "-20260101t100000z"});
  CHECK(world.events_with(
            "Warning ScheduleWarning: spec.template.driver.podName: every run needs a "
            "driver pod of its own; the names of theirs begin with etl-driver and end with "
            "the time of the slot") == 1);
}

TEST_CASE("A driver pod's name in sparkConf, a long one, one by hand and an impossible one") {
  const auto run_of = [](const json& spec, const scheduler::StartRun& start) {
    const json schedule = schedule_object(template_with(spec));
    const auto parsed = config::parse_schedule_spec(schedule, "UTC");
    REQUIRE(parsed.has_value());
    return runner::schedules::build_run(schedule, *parsed->spec.schedule, start);
  };
  const auto at = std::chrono::floor<std::chrono::seconds>(wall("2026-01-01T09:00:00Z"));
  const scheduler::StartRun slot{.name = kRun, .slot = at, .at = at};
  const scheduler::StartRun by_hand{
      .name = "job-manual-20260101t090000z", .slot = std::nullopt, .at = at};

  const json conf{{"sparkConf", {{"spark.kubernetes.driver.pod.name", "p"}}}};
  CHECK(run_of(conf, slot)["spec"]["sparkConf"]["spark.kubernetes.driver.pod.name"] ==
        "p-" + base::short_hash("job/p") + "-20260101t090000z");
  const json name{{"driver", {{"podName", "p"}}}};
  CHECK(pod_of(run_of(name, by_hand)) ==
        "p-" + base::short_hash("job-manual/p") + "-manual-20260101t090000z");
  scheduler::StartRun of_another = slot;
  of_another.name = "copy-20260101t090000z";
  CHECK(pod_of(run_of(name, slot)) != pod_of(run_of(name, of_another)));

  const std::string a = std::string(60, 'x') + ".a";
  const std::string b = std::string(60, 'x') + ".b";
  const std::string long_a = pod_of(run_of({{"driver", {{"podName", a}}}}, slot));
  CHECK(long_a.size() <= 63);
  CHECK(long_a.starts_with("xxxx"));
  CHECK(long_a.ends_with("-20260101t090000z"));
  CHECK(long_a != pod_of(run_of({{"driver", {{"podName", b}}}}, slot)));
  CHECK(pod_of(run_of({{"driver", {{"podName", a}}}}, by_hand)).size() <= 63);

  // Refused as it was written, not as we would change it.
  CHECK(pod_of(run_of({{"driver", {{"podName", "a/b"}}}}, slot)) == "a/b");
  CHECK(pod_of(run_of({{"driver", {{"podName", ""}}}}, slot)).empty());
  CHECK_FALSE(run_of(json::object(), slot)["spec"]["driver"].contains("podName"));
}

}  // namespace tests
