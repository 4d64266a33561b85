#include "runner/schedules/stray.h"

#include "tests/unit/runner/schedules/schedule_fixture.h"

namespace tests {
namespace {

TEST_CASE("a run is a stray if its slot is accounted for, or its wish heard, and not by this run") {
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
  json counted_by_hand = by_hand;
  counted_by_hand["metadata"]["uid"] = "counted";
  json asked_for = schedule;
  asked_for["status"]["scheduling"]["pendingTrigger"] = {{"value", "2"},
                                                         {"at", "2026-01-01T09:00:00Z"}};
  json asked_again = schedule;
  asked_again["status"]["scheduling"]["pendingTrigger"] = {{"value", "3"},
                                                           {"at", "2026-01-01T09:00:07Z"}};
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
      {"by hand, counted with this run", schedule, counted_by_hand, false},
      {"by hand, not counted yet: a crash before the status", asked_for, by_hand, false},
      {"by hand, counted with another", schedule, by_hand, true},
      {"by hand, and another wish has taken its place", asked_again, by_hand, true},
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
