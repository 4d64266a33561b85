// Names, formats and rules of zones; zdump_test.cpp has their changes.
#include "scheduler/time_zone.h"

#include "base/rfc3339.h"
#include "scheduler/cron_civil.h"
#include "tests/support/catch.h"

namespace {

using scheduler::Instant;
using scheduler::TimeZone;

}  // namespace

TEST_CASE("unknown, machine-dependent and path-like zones are refused") {
  for (const std::string name :
       {"", "localtime", "Local", "posixrules", "Mars/Olympus", "../../etc/passwd",
        "/etc/localtime", "posix/UTC", "right/UTC", "Europe//Berlin", "Europe/Berlin/", "Europe/..",
        "utc ", "america/new_york", "tzdata.zi", "EST5EDT,M3.2.0,M11.1.0"}) {
    INFO(name);
    const auto zone = TimeZone::load(name);
    REQUIRE_FALSE(zone.has_value());
    CHECK(zone.error().message.starts_with("unknown time zone \"" + name + "\""));
  }
  CHECK(TimeZone::load("Europe/Berlin").value() == TimeZone::load("Europe/Berlin").value());
  CHECK(scheduler::tzdata_version().size() == 5);
}

TEST_CASE("an unknown zone gets the name that was meant") {
  struct Case {
    std::string name, suggestion;
  };
  const std::vector<Case> cases{
      {"utc", " (did you mean UTC?)"},
      {"Z", " (did you mean UTC?)"},
      {"america/new_york", " (did you mean America/New_York?)"},
      {"America/New York", " (did you mean America/New_York?)"},
      {"Berlin", " (did you mean Europe/Berlin?)"},
      {"Europe/Berln", " (did you mean Europe/Berlin?)"},
      {"IST", " (did you mean Asia/Kolkata, Europe/Dublin or Asia/Jerusalem?)"},
      {"pst", " (did you mean America/Los_Angeles?)"},
      {"GMT+8",
       " (did you mean Etc/GMT-8? There the sign is the other way round: it is 8 hours ahead of "
       "UTC, all year)"},
      {"UTC-01:00",
       " (did you mean Etc/GMT+1? There the sign is the other way round: it is 1 hour behind UTC, "
       "all year)"},
      {"+0530", " (a zone goes by the name of a place, such as Asia/Kolkata)"},
      {"UTC+99", " (a zone goes by the name of a place, such as Asia/Kolkata)"},
      {"UTC+0", " (did you mean UTC?)"},
      {"Mars/Olympus", " (a zone goes by the name of a place, such as Europe/Berlin)"},
      {"abc", " (a zone goes by the name of a place, such as Europe/Berlin)"},
      {"", " (a zone goes by the name of a place, such as Europe/Berlin)"},
  };
  for (const Case& c : cases) {
    INFO(c.name);
    const auto zone = TimeZone::load(c.name);
    REQUIRE_FALSE(zone.has_value());
    CHECK(zone.error().message == "unknown time zone \"" + c.name + "\"" + c.suggestion);
  }
}

TEST_CASE("local times are shown with their offset") {
  struct Case {
    std::string zone, instant, local;
  };
  const std::vector<Case> cases{
      {"UTC", "2026-03-08T07:00:00Z", "2026-03-08T07:00:00+00:00"},
      {"America/New_York", "2026-03-08T07:00:00Z", "2026-03-08T03:00:00-04:00"},
      {"Asia/Kathmandu", "2026-03-08T07:00:00Z", "2026-03-08T12:45:00+05:45"},
      {"America/New_York", "1880-01-01T00:00:00Z", "1879-12-31T19:03:58-04:56:02"},
      {"America/New_York", "2999-07-01T12:00:00Z", "2999-07-01T08:00:00-04:00"},
  };
  for (const Case& c : cases) {
    const Instant instant =
        std::chrono::floor<std::chrono::seconds>(base::parse_rfc3339(c.instant).value());
    const auto zone = TimeZone::load(c.zone).value();
    CHECK(scheduler::format_local(instant, *zone) == c.local);
  }
  const auto zone = TimeZone::load("America/New_York").value();
  CHECK(zone->to_local(Instant{}).abbreviation == "EST");
}

TEST_CASE("POSIX rules") {
  struct Refusal {
    std::string text, message;
  };
  const std::vector<Refusal> refusals{
      {"EST5EDT,M13.2.0,M11.1.0",
       "\"EST5EDT,M13.2.0,M11.1.0\": month 13 is out of range 1-12 (at 9)"},
      {"", "\"\": a name of at least three letters expected (at 0)"},
      {"EST", "\"EST\": hour expected (at 3)"},
      {"EST5EDT", "\"EST5EDT\": , and a rule expected (at 7)"},
      {"<+03-3", "\"<+03-3\": > expected (at 6)"},
      {"EST5EDT,M3.2.0,M11.1.0x", "\"EST5EDT,M3.2.0,M11.1.0x\": nothing more expected (at 22)"},
      {"EST5EDT,M3.2.0/168,M11.1.0",
       "\"EST5EDT,M3.2.0/168,M11.1.0\": hour 168 is out of range 0-167 (at 15)"},
  };
  for (const Refusal& refusal : refusals) {
    INFO(refusal.text);
    const auto rule = scheduler::PosixTz::parse(refusal.text);
    REQUIRE_FALSE(rule.has_value());
    CHECK(rule.error().message == refusal.message);
  }
  // Daylight time all year, as RFC 9636 writes it.
  const auto always = scheduler::PosixTz::parse("XXX3EDT4,0/0,J365/23").value();
  for (int year = 2000; year < 2010; ++year) {
    REQUIRE(always.changes_in(year).size() == 1);
    CHECK(always.changes_in(year)[0].to_daylight);
  }
  CHECK(scheduler::PosixTz::parse("AAA3BBB3,0,0").value().changes_in(2024).empty());
  const auto julian = scheduler::PosixTz::parse("AAA0BBB,J60/0,J365/0").value();
  CHECK(julian.changes_in(2024)[0].at == scheduler::civil::seconds_of(2024, 3, 1));
  const auto counted = scheduler::PosixTz::parse("AAA0BBB,59/0,364/0").value();
  CHECK(counted.changes_in(2024)[0].at == scheduler::civil::seconds_of(2024, 2, 29));
}
