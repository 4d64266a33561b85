// What comes again of a status that somebody took away.

#include <string>

#include "tests/unit/runner/schedules/schedule_fixture.h"

using nlohmann::json;
using tests::Names;
using tests::ScheduleWorld;
using tests::wall;

namespace {

void lose_status(ScheduleWorld& world) {
  world.edit("/status", json::object());
}

}  // namespace

TEST_CASE("Counts of a status that was taken away come again from the records") {
  ScheduleWorld world(json::object({{"successfulRunHistoryLimit", 1}}));
  for (const char* time : {"2026-01-01T09:00:00Z", "2026-01-01T10:00:00Z"}) {
    world.reconcile_at(time);
    world.end(world.runs().back());
    world.reconcile();
  }
  const json before = world.status()["counts"];
  CHECK(before["succeeded"] == 2);
  CHECK(world.runs().size() == 1);  // the other has been pruned: only the records know it
  lose_status(world);
  world.reconcile();
  CHECK(world.status()["counts"] == before);
  CHECK(world.runs().size() == 1);
}

TEST_CASE("A run that goes on while the status is lost is counted once, when it ends") {
  ScheduleWorld world;
  world.reconcile_at("2026-01-01T09:00:00Z");
  lose_status(world);
  world.reconcile();
  CHECK(world.status()["counts"]["started"] == 1);
  CHECK(world.status()["counts"]["active"] == 1);
  world.end("job-20260101t090000z", "FAILED");
  world.reconcile();
  world.reconcile();
  CHECK(world.status()["counts"] ==
        json{{"started", 1}, {"succeeded", 0}, {"failed", 1}, {"skipped", 0}, {"active", 0}});
}

TEST_CASE("A wish that was handled is not granted again because the status is lost") {
  ScheduleWorld world;
  // The wish is written down in one round, the run made by the next.
  const auto wish = [&](const char* value, const char* at, const char* later) {
    world.edit("/metadata/annotations", {{"sparkoperator.k8s.io/trigger", value}});
    world.reconcile_at(at);
    world.reconcile_at(later);
  };
  wish("now", "2026-01-01T08:40:00Z", "2026-01-01T08:40:02Z");
  const Names granted{"job-manual-20260101t084000z"};
  CHECK(world.runs() == granted);
  lose_status(world);
  world.reconcile_at("2026-01-01T08:41:00Z");
  world.reconcile_at("2026-01-01T08:41:02Z");
  CHECK(world.runs() == granted);
  wish("again", "2026-01-01T08:42:00Z", "2026-01-01T08:42:02Z");
  CHECK(world.runs().size() == 2);
}

TEST_CASE(
    "A wish is not granted again though its run's process ended and then the status was lost") {
  ScheduleWorld world;
  world.edit("/metadata/annotations", {{"sparkoperator.k8s.io/trigger", "again"}});
  world.reconcile_at("2026-01-01T08:40:00Z");
  struct Crash {};
  world.api.after = [](const tests::ApiCall& call) -> std::optional<base::Error> {
    if (call.verb == "create") throw Crash{};
    return std::nullopt;
  };
  world.clock.advance(std::chrono::seconds(2));
  CHECK_THROWS_AS(world.reconcile(), Crash);
  world.api.after = nullptr;
  CHECK(world.runs() == Names{"job-manual-20260101t084000z"});
  lose_status(world);
  world.restart();
  world.reconcile_at("2026-01-01T08:41:00Z");
  world.reconcile_at("2026-01-01T08:41:02Z");
  CHECK(world.runs() == Names{"job-manual-20260101t084000z"});
  CHECK(world.status()["counts"]["started"] == 1);
}

TEST_CASE("Slots that came while the status was lost are owed as from the newest recorded one") {
  SECTION("of a schedule that nobody edited") {
    ScheduleWorld world;
    world.reconcile_at("2026-01-01T09:00:00Z");
    world.end("job-20260101t090000z");
    world.reconcile();
    lose_status(world);
    world.reconcile_at("2026-01-01T10:00:00Z");
    CHECK(world.status()["counts"]["started"] == 2);
    CHECK(world.runs().back() == "job-20260101t100000z");
  }
  SECTION("not of one that was edited at a time that nobody knows") {
    ScheduleWorld world;
    world.reconcile_at("2026-01-01T09:00:00Z");
    world.end("job-20260101t090000z");
    world.edit("/spec/schedule", "*/30 * * * *");
    world.reconcile();
    lose_status(world);
    world.reconcile_at("2026-01-01T10:00:05Z");
    CHECK(world.status()["counts"]["started"] == 1);
    world.reconcile_at("2026-01-01T10:30:00Z");
    CHECK(world.status()["counts"]["started"] == 2);
  }
}

TEST_CASE("What cannot be read or recorded makes no status from less") {
  ScheduleWorld world;
  world.reconcile_at("2026-01-01T09:00:00Z");
  world.end("job-20260101t090000z");
  world.reconcile();
  lose_status(world);
  world.recorder.before = [](const std::string& call) -> std::optional<base::Error> {
    if (call != "find_run") return std::nullopt;
    return base::Error{.code = base::Code::Unavailable, .message = "disk"};
  };
  CHECK_FALSE(world.try_to_reconcile().has_value());
  CHECK(world.status().empty());
  world.recorder.before = nullptr;
  world.reconcile();
  CHECK(world.status()["counts"]["succeeded"] == 1);
}
