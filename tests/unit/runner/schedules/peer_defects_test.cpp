// The eighteen ways in which the Kubeflow operator's schedules go wrong (its defects as they were
// found in its source), each as the test that shows that ours do not.

#include <set>

#include "runner/schedules/reconciler.h"
#include "scheduler/run_name.h"
#include "tests/unit/runner/schedules/schedule_fixture.h"

using base::Code;
using nlohmann::json;
using tests::Names;
using tests::ScheduleWorld;
using tests::wall;

namespace {

std::optional<base::Error> unavailable() {
  return base::Error{Code::Unavailable, "503"};
}

json counts(uint64_t started, uint64_t succeeded, uint64_t failed, uint64_t skipped,
            uint64_t active) {
  return {{"started", started},
          {"succeeded", succeeded},
          {"failed", failed},
          {"skipped", skipped},
          {"active", active}};
}

}  // namespace

TEST_CASE("D1: without a concurrencyPolicy every run happens, and a typo is an error") {
  ScheduleWorld world;
  world.reconcile_at("2026-01-01T09:00:00Z");
  world.reconcile_at("2026-01-01T10:00:00Z");
  CHECK(world.runs().size() == 2);
  world.edit("/spec/concurrencyPolicy", "Forbd");
  world.reconcile_at("2026-01-01T10:30:00Z");
  CHECK(world.status_text("reason") ==
        "spec.concurrencyPolicy: \"Forbd\" is not one of Allow, Forbid, Replace");
}

TEST_CASE("D2: a lost status write starts nothing twice") {
  ScheduleWorld world;
  // The status can never be written while the run is created again and again.
  world.api.before = [](const tests::ApiCall& call) -> std::optional<base::Error> {
    return call.verb == "update" ? unavailable() : std::nullopt;
  };
  for (const char* time :
       {"2026-01-01T09:00:00Z", "2026-01-01T09:00:05Z", "2026-01-01T09:30:00Z"}) {
    world.clock.set_wall(wall(time));
    CHECK_FALSE(world.try_to_reconcile().has_value());
    world.restart();
  }
  CHECK(world.runs() == Names{"job-20260101t090000z"});
  world.api.before = nullptr;
  world.reconcile();
  CHECK(world.runs() == Names{"job-20260101t090000z"});
  CHECK(world.status()["counts"] == counts(1, 0, 0, 0, 1));
}

TEST_CASE("D3: a prune that fails replays no start") {
  ScheduleWorld world(json::object({{"successfulRunHistoryLimit", 0}}));
  world.reconcile_at("2026-01-01T09:00:00Z");
  world.end("job-20260101t090000z");
  world.api.before = [](const tests::ApiCall& call) -> std::optional<base::Error> {
    return call.verb == "delete" ? unavailable() : std::nullopt;
  };
  world.clock.set_wall(wall("2026-01-01T10:00:00Z"));
  CHECK_FALSE(world.try_to_reconcile().has_value());
  CHECK_FALSE(world.try_to_reconcile().has_value());
  CHECK(world.runs().size() == 2);
  // Somebody else has deleted it, and the cache does not know: that is success.
  world.api.before = [](const tests::ApiCall& call) -> std::optional<base::Error> {
    if (call.verb == "delete") return base::Error{Code::NotFound, "not found"};
    return std::nullopt;
  };
  world.reconcile();
  CHECK(world.runs().size() == 2);
  CHECK(world.status()["counts"] == counts(2, 1, 0, 0, 1));
}

TEST_CASE("D4: a negative history limit is an error, not a storm of runs") {
  ScheduleWorld world(json::object({{"failedRunHistoryLimit", -1}}));
  for (const char* time : {"2026-01-01T09:00:00Z", "2026-01-01T10:00:00Z"})
    world.reconcile_at(time);
  CHECK(world.runs().empty());
  CHECK(world.status_text("reason") == "spec.failedRunHistoryLimit: -1 is less than 0");
}

TEST_CASE("D5: an edit of schedule or zone takes effect at once") {
  ScheduleWorld world(json::object({{"schedule", "0 0 1 1 *"}}));
  CHECK(world.status_text("nextRun") == "2027-01-01T00:00:00Z");
  world.edit("/spec/schedule", "*/5 * * * *");
  CHECK(world.reconcile_at("2026-01-01T08:31:00Z").wake_at == wall("2026-01-01T08:35:00Z"));
  world.edit("/spec/schedule", "0 12 * * *");
  world.edit("/spec/timeZone", "Asia/Tokyo");
  CHECK(world.reconcile_at("2026-01-01T08:32:00Z").wake_at == wall("2026-01-02T03:00:00Z"));
  CHECK(world.runs().empty());
}

TEST_CASE("D6: a failed validation ends when the spec is fixed") {
  ScheduleWorld world(json::object({{"timeZone", "Mars/Olympus"}}));
  CHECK(world.status_text("scheduleState") == "FailedValidation");
  CHECK_THAT(world.status_text("reason"),
             Catch::StartsWith("spec.timeZone: unknown time zone \"Mars/Olympus\""));
  world.edit("/spec/timeZone", "UTC");
  world.reconcile_at("2026-01-01T08:40:00Z");
  CHECK(world.status_text("scheduleState") == "Scheduled");
  world.reconcile_at("2026-01-01T09:00:00Z");
  CHECK(world.runs().size() == 1);
}

TEST_CASE("D7: Forbid looks at every child, holds the newest slot, and tells of the others") {
  ScheduleWorld world(json::object({{"concurrencyPolicy", "Allow"}}));
  world.reconcile_at("2026-01-01T09:00:00Z");
  world.reconcile_at("2026-01-01T10:00:00Z");
  world.edit("/spec/concurrencyPolicy", "Forbid");
  // The newest child has ended, an older one has not.
  world.end("job-20260101t100000z");
  world.reconcile_at("2026-01-01T11:00:00Z");
  CHECK(world.runs().size() == 2);
  world.reconcile_at("2026-01-01T12:00:00Z");
  CHECK(world.events_with("Warning SlotSkipped: The slot 2026-01-01T11:00:00Z was skipped "
                          "(ForbidConcurrent)") == 1);
  world.end("job-20260101t090000z");
  world.reconcile_at("2026-01-01T12:10:00Z");
  CHECK(world.run("job-20260101t120000z").is_object());
  // Later events start nothing off schedule.
  world.end("job-20260101t120000z");
  world.restart();
  world.reconcile_at("2026-01-01T12:20:00Z");
  CHECK(world.status()["counts"] == counts(3, 3, 0, 1, 0));
}

TEST_CASE("D8: Replace stops every unfinished run and waits until they are gone") {
  ScheduleWorld world(json::object({{"concurrencyPolicy", "Allow"}}));
  world.reconcile_at("2026-01-01T09:00:00Z");
  world.reconcile_at("2026-01-01T10:00:00Z");
  world.edit("/spec/concurrencyPolicy", "Replace");
  world.reconcile_at("2026-01-01T11:00:00Z");
  CHECK(world.events_with("Normal RunStopped") == 2);
  CHECK(world.runs().size() == 2);
  world.finish_stopping("job-20260101t100000z");
  world.reconcile_at("2026-01-01T11:00:05Z");
  CHECK(world.runs() == Names{"job-20260101t090000z"});
  world.finish_stopping("job-20260101t090000z");
  world.reconcile_at("2026-01-01T11:00:10Z");
  CHECK(world.runs() == Names{"job-20260101t110000z"});
  CHECK(world.status()["counts"] == counts(3, 0, 2, 0, 1));
}

TEST_CASE("D9: a long schedule name gives runs whose names fit") {
  ScheduleWorld world;
  const std::string name(63, 'n');
  REQUIRE(world.api
              .create(config::scheduled_spark_applications(),
                      tests::schedule_object(json::object(), name))
              .has_value());
  world.clock.set_wall(wall("2026-01-01T09:00:00Z"));
  REQUIRE(world.reconciler.reconcile({"etl", name}).has_value());
  REQUIRE(world.runs().size() == 1);
  CHECK(world.runs()[0].size() == scheduler::kMaxRunName);
}

TEST_CASE("D10: a start that is refused ends on time, and never swallows later slots") {
  ScheduleWorld world(json::object({{"startingDeadlineSeconds", 600}}));
  world.api.before = [](const tests::ApiCall& call) -> std::optional<base::Error> {
    if (call.verb == "create") return base::Error{Code::Forbidden, "exceeded quota"};
    return std::nullopt;
  };
  const auto again = world.reconcile_at("2026-01-01T09:00:00Z");
  CHECK(again.wake_at <= wall("2026-01-01T09:00:30Z"));
  world.reconcile_at("2026-01-01T09:10:00.001Z");
  CHECK(world.status()["recentRuns"][0] == json{{"slot", "2026-01-01T09:00:00Z"},
                                                {"outcome", "Skipped"},
                                                {"reason", "CreateRefused"}});
  world.api.before = nullptr;
  world.reconcile_at("2026-01-01T10:00:00Z");
  CHECK(world.runs() == Names{"job-20260101t100000z"});
}

TEST_CASE("D11: a resume starts no surprise run, and bad specs show while suspended") {
  ScheduleWorld world;
  world.edit("/spec/suspend", true);
  world.reconcile_at("2026-01-01T08:40:00Z");
  CHECK(world.condition("Suspended")["status"] == "True");
  CHECK(world.status().contains("nextRun") == false);
  world.edit("/spec/schedule", "0 0 * * funday");
  world.reconcile_at("2026-01-01T12:00:00Z");
  CHECK(world.condition("Ready")["reason"] == "InvalidSpec");
  world.edit("/spec/schedule", "0 * * * *");
  world.reconcile_at("2026-01-01T12:01:00Z");
  world.edit("/spec/suspend", false);
  world.reconcile_at("2026-01-01T12:30:00Z");
  CHECK(world.runs().empty());
  CHECK(world.status()["counts"] == counts(0, 0, 0, 0, 0));
  world.reconcile_at("2026-01-01T13:00:00Z");
  CHECK(world.runs() == Names{"job-20260101t130000z"});
}

TEST_CASE("D12: history is pruned and told when a run ends") {
  ScheduleWorld world(
      json::object({{"successfulRunHistoryLimit", 1}, {"failedRunHistoryLimit", 0}}));
  world.reconcile_at("2026-01-01T09:00:00Z");
  world.reconcile_at("2026-01-01T10:00:00Z");
  world.reconcile_at("2026-01-01T11:00:00Z");
  world.end("job-20260101t100000z");
  world.end("job-20260101t090000z");
  world.end("job-20260101t110000z", "FAILED");
  world.reconcile_at("2026-01-01T11:10:00Z");
  // The newer slot stays, whichever ended last.
  CHECK(world.runs() == Names{"job-20260101t100000z"});
  CHECK(world.status()["pastSuccessfulRunNames"] == json{"job-20260101t100000z"});
  CHECK(world.status()["pastFailedRunNames"] == json::array());
  CHECK(world.status()["counts"] == counts(3, 2, 1, 0, 0));
}

TEST_CASE("D13: runs are ours by UID, whatever their labels say") {
  ScheduleWorld world(
      json::object({{"concurrencyPolicy", "Replace"}, {"failedRunHistoryLimit", 0}}));
  const json foreign{{"metadata",
                      {{"name", "copy"},
                       {"namespace", "etl"},
                       {"labels", {{"sparkoperator.k8s.io/scheduled-app-name", "job"}}}}},
                     {"spec", json::object()}};
  REQUIRE(world.api.create(config::spark_applications(), foreign).has_value());
  world.reconcile_at("2026-01-01T09:00:00Z");
  CHECK(world.runs() == Names{"copy", "job-20260101t090000z"});
  world.api.set(config::spark_applications(), {"etl", "copy"}, "/status",
                {{"applicationState", {{"state", "FAILED"}}}});
  world.reconcile_at("2026-01-01T09:10:00Z");
  CHECK(world.runs().size() == 2);
  CHECK(world.run("copy")["metadata"].contains("deletionTimestamp") == false);
}

TEST_CASE("D13: the parent's labels do not take a run out of its schedule") {
  ScheduleWorld world;
  world.edit("/metadata/labels",
             {{"sparkoperator.k8s.io/scheduled-app-name", "other"}, {"team", "data"}});
  world.reconcile_at("2026-01-01T09:00:00Z");
  CHECK(world.run("job-20260101t090000z")["metadata"]["labels"] ==
        json{{"sparkoperator.k8s.io/scheduled-app-name", "job"}, {"team", "data"}});
}

TEST_CASE("D14: a run knows its slot") {
  ScheduleWorld world;
  // Late by twenty minutes: the slot is still nine o'clock.
  world.reconcile_at("2026-01-01T09:20:00Z");
  const json annotations = world.run("job-20260101t090000z")["metadata"]["annotations"];
  CHECK(annotations["sparkoperator.k8s.io/scheduled-time"] == "2026-01-01T09:00:00Z");
  CHECK(annotations["sparkoperator.k8s.io/previous-scheduled-time"] == "2026-01-01T08:00:00Z");
}

TEST_CASE("D15: a schedule that is being deleted starts nothing") {
  ScheduleWorld world;
  world.edit("/metadata/finalizers", {"foregroundDeletion"});
  REQUIRE(world.api.remove(config::scheduled_spark_applications(), world.key).has_value());
  CHECK(world.reconcile_at("2026-01-01T09:00:00Z").wake_at == std::nullopt);
  CHECK(world.runs().empty());
}

TEST_CASE("D16: what does not happen is told") {
  ScheduleWorld world(json::object({{"schedule", "0 0 30 2 *"}}));
  CHECK(world.condition("NeverFires")["status"] == "True");
  CHECK(world.events_with("Warning NeverFires") == 1);
  world.edit("/spec/schedule", "0 * * * *");
  world.reconcile_at("2026-01-01T08:40:00Z");
  CHECK(world.condition("NeverFires")["status"] == "False");
  CHECK(world.status_text("nextRun") == "2026-01-01T09:00:00Z");
  world.reconcile_at("2026-01-01T11:00:00Z");
  CHECK(world.events_with("Warning SlotSkipped") == 1);
  CHECK(world.status()["counts"] == counts(1, 0, 0, 2, 1));
}

TEST_CASE("D17: schedules can be spread by H, each to its own minute, always the same") {
  std::set<std::string> minutes;
  for (const char* name : {"alpha", "beta", "gamma", "delta", "epsilon"}) {
    json object = tests::schedule_object({{"schedule", "H 3 * * *"}}, name);
    object["metadata"]["creationTimestamp"] = "2026-01-01T00:00:00Z";
    const auto parsed = config::parse_schedule_spec(object, "UTC");
    REQUIRE(parsed.has_value());
    const auto next = parsed->spec.schedule->next(
        std::chrono::floor<std::chrono::seconds>(wall("2026-01-01T00:00:00Z")));
    REQUIRE(next.has_value());
    minutes.insert(base::format_rfc3339(*next));
    const auto again = config::parse_schedule_spec(object, "UTC");
    CHECK(again->spec.schedule->next(
              std::chrono::floor<std::chrono::seconds>(wall("2026-01-01T00:00:00Z"))) == next);
  }
  CHECK(minutes.size() > 1);
}

TEST_CASE("D18: after a restart a schedule that is not due costs no call") {
  ScheduleWorld world;
  world.restart();
  const size_t before = world.api.calls.size();
  world.reconcile_at("2026-01-01T08:45:00Z");
  CHECK(world.api.calls.size() == before);
}
