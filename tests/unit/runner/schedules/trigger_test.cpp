// The trigger annotation: who wrote it, whether it is taken away, and what a crash leaves of it.

#include "runner/schedules/trigger.h"

#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "tests/unit/runner/schedules/schedule_fixture.h"

namespace tests {
namespace {

const std::string kAnnotation = config::kTriggerAnnotation;

struct Writer {
  std::string operation = "Update";
  bool has_template = false;
  bool has_schedule = true;  // with a template
};

json entry_of(const Writer& writer) {
  json fields{{"f:metadata", {{"f:annotations", {{"f:" + kAnnotation, json::object()}}}}}};
  if (writer.has_template) fields["f:spec"] = {{"f:template", json::object()}};
  if (writer.has_template && writer.has_schedule) fields["f:spec"]["f:schedule"] = json::object();
  return {{"manager", "m"}, {"operation", writer.operation}, {"fieldsV1", fields}};
}

void annotate(ScheduleWorld& world, const std::string& value, const Writer& writer = {}) {
  world.edit("/metadata/managedFields", json::array({entry_of(writer)}));
  world.edit("/metadata/annotations", {{kAnnotation, value}});
}

std::string annotation_of(const ScheduleWorld& world) {
  return base::string_at(world.schedule(), {"metadata", "annotations", kAnnotation});
}

struct Crash {};

// Ends the process at the given call of the API, before or after it.
struct Killer {
  Killer(ScheduleWorld& world, int call, bool after) {
    world.api.before = [this, call, after](const ApiCall&) -> std::optional<base::Error> {
      if (calls++ == call && !after) throw Crash{};
      return std::nullopt;
    };
    world.api.after = [this, call, after](const ApiCall&) -> std::optional<base::Error> {
      if (calls == call + 1 && after) throw Crash{};
      return std::nullopt;
    };
  }
  int calls = 0;
};

void work_through(ScheduleWorld& world) {
  for (int round = 0; round < 4; ++round) {
    world.clock.advance(std::chrono::seconds(1));
    world.reconcile();
  }
}

}  // namespace

TEST_CASE("A trigger that is written twice with the same value starts two runs") {
  ScheduleWorld world;
  annotate(world, "now");
  work_through(world);
  CHECK(world.runs().size() == 1);
  CHECK(annotation_of(world).empty());
  world.restart();
  work_through(world);
  CHECK(world.runs().size() == 1);
  annotate(world, "now");
  work_through(world);
  CHECK(world.runs().size() == 2);
  CHECK(world.status()["counts"]["started"] == 2);
}

TEST_CASE("Each trigger has one run, at whatever call the process is killed") {
  for (const bool after : {false, true}) {
    int calls = 1;
    for (int call = 0; call < calls; ++call) {
      ScheduleWorld world;
      annotate(world, "now");
      {
        Killer killer(world, call, after);
        try {
          work_through(world);
          calls = 0;
        } catch (const Crash&) {
          calls = call + 2;
        }
      }
      world.api.before = world.api.after = nullptr;
      world.restart();
      // Given again when the run of the first is there, though its status may not say so.
      if (!world.runs().empty()) annotate(world, "now");
      const size_t wanted = world.runs().empty() ? 1 : 2;
      work_through(world);
      INFO("killed at call " << call << (after ? ", after it" : ", before it"));
      CHECK(world.runs().size() == wanted);
      CHECK(world.status()["counts"]["started"] == wanted);
      CHECK(annotation_of(world).empty());
    }
  }
}

TEST_CASE("A trigger that is part of a manifest stays and asks once for each value") {
  ScheduleWorld world;
  const Writer writers[] = {{.operation = "Apply"}, {.has_template = true}};
  const Writer& writer = writers[GENERATE(0, 1)];
  annotate(world, "1", writer);
  work_through(world);
  annotate(world, "1", writer);
  work_through(world);
  CHECK(world.runs().size() == 1);
  CHECK(annotation_of(world) == "1");
  annotate(world, "2", writer);
  work_through(world);
  CHECK(world.runs().size() == 2);
  CHECK(annotation_of(world) == "2");
}

TEST_CASE("A trigger that the API does not let go is obeyed once, and that is told") {
  ScheduleWorld world;
  annotate(world, "now");
  world.api.before = [](const ApiCall& call) -> std::optional<base::Error> {
    if (call.verb == "patch") return base::Error{base::Code::Forbidden, "cannot patch"};
    return std::nullopt;
  };
  work_through(world);
  CHECK(world.runs().size() == 1);
  CHECK(annotation_of(world) == "now");
  CHECK(world.events_with("Warning TriggerStays: The trigger annotation \"now\" is obeyed "
                          "and stays: it cannot be taken away: cannot patch; a new value asks for "
                          "the next run") == 1);
  world.restart();
  work_through(world);
  CHECK(world.runs().size() == 1);
  SECTION("and once more when it was taken away and written again") {
    world.edit("/metadata/annotations", nullptr);
    work_through(world);
    annotate(world, "now");
    work_through(world);
    CHECK(world.runs().size() == 2);
  }
}

// The first of them stayed the last.
TEST_CASE("Of two runs that start within a second the status names the later one") {
  ScheduleWorld world;
  for (int i = 0; i < 2; ++i) {
    annotate(world, "now");
    world.reconcile();
    world.reconcile();
  }
  REQUIRE(world.runs().size() == 2);
  CHECK(world.status_text("lastRunName") == world.runs().back());
}

// The name of a run that was pruned was given again, and that run counted again, hundreds of times.
TEST_CASE("Many triggers within a second are as many runs, though the first are pruned") {
  ScheduleWorld world({{"schedule", "0 0 1 1 *"}, {"successfulRunHistoryLimit", 1}});
  for (int i = 0; i < 7; ++i) {
    if (i < 6) annotate(world, "now");
    world.reconcile();
    for (const std::string& name : world.runs())
      if (!world.run(name).contains("status")) world.end(name);
    world.reconcile();
  }
  CHECK(world.events_with("Normal RunStarted") == 6);
  CHECK(world.runs().size() == 1);
  CHECK(world.status()["counts"]["started"] == 6);
  CHECK(world.status()["counts"]["succeeded"] == 6);
}

// Who has patched a field of the template before could trigger once only.
TEST_CASE("A trigger of who has changed the template is taken away") {
  ScheduleWorld world;
  const Writer writer{.has_template = true, .has_schedule = false};
  annotate(world, "now", writer);
  work_through(world);
  annotate(world, "now", writer);
  work_through(world);
  CHECK(world.runs().size() == 2);
}

// It was taken away each time it came, for as long as its run waited.
TEST_CASE("A trigger that becomes part of a manifest while its run waits stays") {
  ScheduleWorld world({{"schedule", "0 0 1 1 *"}, {"concurrencyPolicy", "Forbid"}});
  annotate(world, "1");
  work_through(world);
  REQUIRE(world.runs().size() == 1);
  annotate(world, "now");
  work_through(world);
  REQUIRE(annotation_of(world).empty());
  annotate(world, "now", {.operation = "Apply"});
  work_through(world);
  CHECK(annotation_of(world) == "now");
  CHECK(world.runs().size() == 1);
  world.end(world.runs()[0]);
  work_through(world);
  work_through(world);
  CHECK(world.runs().size() == 2);
  CHECK(annotation_of(world) == "now");
}

TEST_CASE("A trigger that is put back at once, by who stamps the object, too, has one run") {
  ScheduleWorld world;
  annotate(world, "now");
  int stamp = 0;
  world.api.after = [&](const ApiCall& call) -> std::optional<base::Error> {
    if (call.verb == "patch" && annotation_of(world).empty()) {
      world.edit("/metadata/annotations",
                 {{kAnnotation, "now"}, {"stamp", std::to_string(++stamp)}});
      // What a webhook adds is nobody's.
      world.edit("/metadata/managedFields", json::array());
    }
    return std::nullopt;
  };
  for (int i = 0; i < 5; ++i)
    work_through(world);
  CHECK(world.runs().size() == 1);
  CHECK(stamp == 1);
}

TEST_CASE("A trigger that somebody writes again whenever it is gone has an end") {
  ScheduleWorld world({{"schedule", "0 0 1 1 *"}, {"concurrencyPolicy", "Allow"}});
  for (int i = 0; i < 40; ++i) {
    if (annotation_of(world).empty()) annotate(world, "now");
    world.clock.advance(std::chrono::milliseconds(300));
    world.reconcile();
  }
  CHECK(world.runs().size() <= 11);
  CHECK(annotation_of(world) == "now");
  CHECK(world.events_with("Warning TriggerStays: The trigger annotation \"now\" is obeyed "
                          "and stays: it was written again 10 times within a minute; a new value "
                          "asks for the next run") == 1);
}

// A webhook of others that was down kept slots from starting.
TEST_CASE("Slots do not wait for a trigger that cannot be taken away now") {
  ScheduleWorld world({{"schedule", "* * * * *"}, {"concurrencyPolicy", "Allow"}});
  annotate(world, "now");
  bool down = true;
  world.api.before = [&](const ApiCall& call) -> std::optional<base::Error> {
    if (down && call.verb == "patch")
      return base::Error{base::Code::Unavailable, "webhook is down"};
    return std::nullopt;
  };
  world.clock.advance(std::chrono::seconds(1));
  (void)world.try_to_reconcile();
  world.clock.advance(std::chrono::minutes(1));
  const auto done = world.try_to_reconcile();
  REQUIRE_FALSE(done);
  CHECK(done.error().message == "webhook is down");
  CHECK(world.runs().size() == 1);
  CHECK(annotation_of(world) == "now");
  down = false;
  work_through(world);
  CHECK(world.runs().size() == 2);
  CHECK(annotation_of(world).empty());
}

TEST_CASE("Whose annotation it is the API server tells") {
  const auto asked = [](const json& metadata) {
    return runner::schedules::is_nobodys_manifest({{"metadata", metadata}}, kAnnotation);
  };
  const json written{{"managedFields", json::array({entry_of({})})}};
  CHECK(asked(written));
  CHECK_FALSE(asked(json::object()));
  CHECK_FALSE(asked({{"managedFields", json::array({entry_of({.operation = "Apply"})})}}));
  CHECK_FALSE(asked({{"managedFields", json::array({entry_of({.has_template = true})})}}));
  CHECK(asked(
      {{"managedFields", json::array({entry_of({.has_template = true, .has_schedule = false})})}}));
  json applied = written;
  json& last = applied["annotations"]["kubectl.kubernetes.io/last-applied-configuration"];
  last = R"({"metadata": {"annotations": {"sparkoperator.k8s.io/trigger": "now"}}})";
  CHECK_FALSE(asked(applied));
  last = R"({"metadata": {"annotations": {}}})";
  CHECK(asked(applied));
  last = "no JSON";
  CHECK(asked(applied));
}

}  // namespace tests
