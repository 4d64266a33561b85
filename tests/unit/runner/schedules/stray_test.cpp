#include "runner/schedules/stray.h"

#include "tests/unit/runner/schedules/schedule_fixture.h"

namespace tests {
namespace {

TEST_CASE("a run is a stray if its slot is accounted for, and not by this run") {
  const auto run = [](const std::string& uid, const std::string& slot) {
    return json{{"metadata",
                 {{"name", "job-1"},
                  {"namespace", "etl"},
                  {"uid", uid},
                  {"annotations", {{config::kScheduledTimeAnnotation, slot}}},
                  {"ownerReferences",
                   {{{"apiVersion", config::kApiVersion},
                     {"kind", config::kScheduleKind},
                     {"name", "job"},
                     {"uid", "schedule"},
                     {"controller", true}}}}}}};
  };
  const json schedule{
      {"metadata", {{"name", "job"}, {"namespace", "etl"}, {"uid", "schedule"}}},
      {"status",
       {{"scheduling",
         {{"schedule", "f"},
          {"accounted", "2026-01-01T09:00:00Z"},
          {"unfinished",
           {{{"name", "job-1"}, {"uid", "counted"}, {"slot", "2026-01-01T09:00:00Z"}}}},
          {"ahead", {{{"first", "2026-01-01T12:00:00Z"}, {"last", "2026-01-01T12:00:00Z"}}}}}}}}};
  json by_hand = run("new", "2026-01-01T09:00:00Z");
  by_hand["metadata"]["annotations"][config::kManualRunAnnotation] = "true";
  json of_nobody = run("new", "2026-01-01T09:00:00Z");
  of_nobody["metadata"].erase("ownerReferences");
  json of_another = schedule;
  of_another["metadata"]["uid"] = "another";
  json undecided = schedule;
  undecided.erase("status");
  struct Case {
    const char* name;
    json schedule;
    json run;
    bool stray;
  };
  const Case cases[] = {
      {"counted with this run", schedule, run("counted", "2026-01-01T09:00:00Z"), false},
      {"counted with another, or skipped", schedule, run("new", "2026-01-01T09:00:00Z"), true},
      {"long past", schedule, run("new", "2026-01-01T03:00:00Z"), true},
      {"not accounted for yet: a crash before the status", schedule,
       run("new", "2026-01-01T10:00:00Z"), false},
      {"started ahead by a wrong clock", schedule, run("new", "2026-01-01T12:00:00Z"), true},
      {"asked for by hand", schedule, by_hand, false},
      {"nobody's", schedule, of_nobody, false},
      {"of a schedule that is gone", of_another, run("new", "2026-01-01T09:00:00Z"), false},
      {"nothing was decided yet", undecided, run("new", "2026-01-01T09:00:00Z"), false},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      CHECK(runner::schedules::is_stray(c.schedule, c.run) == c.stray);
    }
  }
}

}  // namespace
}  // namespace tests
