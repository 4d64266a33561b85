#include "scheduler/run_name.h"

#include <set>

#include "tests/unit/scheduler/decide_fixture.h"

using scheduler::manual_run_name;
using scheduler::run_name;
using tests::at;

TEST_CASE("A run is named after its slot") {
  struct Case {
    std::string schedule;
    std::string name;
  };
  const Case cases[] = {
      {.schedule = "nightly-etl", .name = "nightly-etl-20261121t020000z"},
      {.schedule = "abcdefghijklmnopqrstuvwxyz012345",
       .name = "abcdefghijklmnopqrstuvwxyz012345-20261121t020000z"},
      {.schedule = "abcdefghijklmnopqrstuvwxyz0123456",
       .name = "abcdefghijklmnopqrstuvw-73ddcfba-20261121t020000z"},
      {.schedule = "team.etl", .name = "team-etl-6bede99f-20261121t020000z"},
      {.schedule = "7days", .name = "s-7days-fa2c9ac4-20261121t020000z"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.schedule) {
      CHECK(run_name(c.schedule, at("2026-11-21T02:00:00Z")) == c.name);
    }
  }
  CHECK(manual_run_name("nightly-etl", at("2026-11-21T02:00:07Z")) ==
        "nightly-etl-manual-20261121t020007z");
}

TEST_CASE("Names fit what is derived from them, and differ when schedules do") {
  std::set<std::string> names;
  for (size_t length = 1; length <= 253; ++length) {
    for (const char last : {'x', 'y', '0'}) {
      std::string schedule(length, 'a');
      schedule.back() = last;
      for (const std::string& name : {run_name(schedule, at("2026-11-21T02:00:00Z")),
                                      manual_run_name(schedule, at("2026-11-21T02:00:00Z"))}) {
        CHECK(name.size() + std::string("-prom-conf-vol").size() <= 63);
        CHECK(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos);
        CHECK((name.front() >= 'a' && name.front() <= 'z'));
        CHECK(names.insert(name).second);
      }
    }
  }
}
