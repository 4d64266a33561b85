// Laws that hold for every schedule, and the places where other engines break them.
#include "base/rfc3339.h"
#include "scheduler/schedule.h"
#include "scheduler/schedule_cursor.h"
#include "tests/support/catch.h"

namespace {

using scheduler::DstPolicy;
using scheduler::Instant;
using scheduler::Schedule;
using std::chrono::seconds;

Instant at(const std::string& text) {
  return std::chrono::floor<seconds>(base::parse_rfc3339(text).value());
}

Schedule schedule(std::string_view expression, std::string_view zone = "UTC",
                  DstPolicy policy = DstPolicy::Vixie) {
  auto parsed = Schedule::parse(expression, {.zone = zone, .dst_policy = policy});
  REQUIRE(parsed.has_value());
  return *parsed;
}

std::string next(const Schedule& schedule, const std::string& after) {
  const auto slot = schedule.next(at(after));
  return slot ? base::format_rfc3339(*slot) : "NEVER";
}

}  // namespace

TEST_CASE("next advances, prev comes back, count counts") {
  const std::vector<std::string> zones{
      "Pacific/Apia",    "Asia/Pyongyang",     "Australia/Lord_Howe", "Antarctica/Troll",
      "Pacific/Chatham", "Pacific/Kiritimati", "Africa/Casablanca",   "America/New_York"};
  const std::vector<std::string> expressions{"0 0 30 12 *",     "*/20 * * * *", "30 2 * * *",
                                             "15,45 1-3 * * *", "0 0 * * *",    "0 12 L * 5#5",
                                             "30 */7 * * * *"};
  const std::vector<std::string> starts{"2011-12-25T00:00:00Z", "2018-05-01T00:00:00Z",
                                        "1994-12-28T00:00:00Z", "2026-03-01T00:00:00Z",
                                        "2026-09-28T00:00:00Z", "2071-03-01T00:00:00Z"};
  for (const auto& zone : zones) {
    for (const auto& expression : expressions) {
      for (const DstPolicy policy : {DstPolicy::Vixie, DstPolicy::Kubernetes, DstPolicy::Once}) {
        const Schedule s = schedule(expression, zone, policy);
        for (const auto& start : starts) {
          INFO(expression << " in " << zone << " after " << start);
          const Instant from = at(start);
          Instant last = from;
          scheduler::ScheduleCursor cursor(s, from);
          for (uint64_t i = 1; i <= 60; ++i) {
            const auto slot = s.next(last);
            REQUIRE(slot.has_value());
            REQUIRE(*slot > last);
            REQUIRE(cursor.next() == slot);
            REQUIRE(s.prev(*slot + seconds{1}) == slot);
            REQUIRE(s.next(*slot - seconds{1}) == slot);
            REQUIRE(s.count(from, *slot) == i);
            REQUIRE(s.count(last, *slot - seconds{1}) == 0);
            if (i > 1) REQUIRE(s.prev(*slot) == last);
            last = *slot;
          }
        }
      }
    }
  }
}

TEST_CASE("a gap across midnight takes nothing from the next day") {
  // On 30 March 1919 it went from 23:30 to 00:30 in Toronto.
  const Schedule s = schedule("45 23 * * *", "America/Toronto");
  scheduler::ScheduleCursor cursor(s, at("1919-03-30T12:00:00Z"));
  for (const std::string slot :
       {"1919-03-31T04:30:00Z", "1919-04-01T03:45:00Z", "1919-04-02T03:45:00Z"}) {
    CHECK(next(s, base::format_rfc3339(at(slot) - seconds{1})) == slot);
    CHECK(cursor.next() == at(slot));
  }
  CHECK(next(s, "1919-03-31T04:30:00Z") == "1919-04-01T03:45:00Z");
}

TEST_CASE("the table of months agrees with the arithmetic of dates") {
  using namespace scheduler::civil;
  constexpr DayNumber kFarBefore = kMonthsBegin - 3 * kDaysOfEra, kStride = 11;
  for (DayNumber day = kFarBefore; day < kMonthsBegin + 4 * kDaysOfEra;
       day += day / kDaysOfEra == kMonthsBegin / kDaysOfEra ? 1 : kStride) {
    const Month* month = month_of(day_of_era(day));
    const Date date = date_of(day);
    REQUIRE(month->number() == date.month);
    REQUIRE(month->length() == month_length(date.year, date.month));
    REQUIRE(month->first_weekday() == weekday(day - date.day + 1));
    REQUIRE(day_of_era(day) - month->days_before() + 1 == date.day);
    REQUIRE(month->shape() < Month::kShapes);
  }
}

TEST_CASE("past the table, time repeats after 400 years") {
  const auto era = std::chrono::days{146097};
  for (const std::string expression : {"30 2 * * *", "*/30 * * * *", "0 0 29 2 *", "0 9 L * 1#1"}) {
    const Schedule s = schedule(expression, "America/New_York");
    Instant near = at("2099-01-01T00:00:00Z");
    Instant far = near + era;
    Instant farther = far + era;
    for (int i = 0; i < 500; ++i) {
      near = s.next(near).value();
      far = s.next(far).value();
      farther = s.next(farther).value();
      REQUIRE(far == near + era);
      REQUIRE(farther == far + era);
      REQUIRE(s.prev(far + seconds{1}) == far);
    }
  }
  const Schedule hourly = schedule("0 * * * *", "America/New_York");
  CHECK(hourly.count(at("2100-01-01T00:00:00Z"), at("2900-01-01T00:00:00Z")) ==
        2 * hourly.count(at("2100-01-01T00:00:00Z"), at("2500-01-01T00:00:00Z")));
}

TEST_CASE("what never fires is known exactly") {
  for (const std::string never :
       {"0 0 30 2 *", "0 0 31 2,4,6,9,11 *", "0 0 31W 4 *", "0 0 L-30 11 *", "0 0 30 2 +1",
        "0 0 0 29 2 * 2021-2023", "0 0 L-30 2 *", "0 0 2 * +1#3"}) {
    INFO(never);
    const Schedule s = schedule(never, "America/New_York");
    CHECK_FALSE(s.can_fire());
    CHECK_FALSE(s.next(at("2026-01-01T00:00:00Z")).has_value());
    CHECK_FALSE(s.prev(at("2026-01-01T00:00:00Z")).has_value());
    CHECK(s.count(at("1900-01-01T00:00:00Z"), at("2400-01-01T00:00:00Z")) == 0);
  }
  CHECK(schedule("0 0 29 2 *").can_fire());
  CHECK(schedule("0 0 0 1 1 * 1970").can_fire());
  // A day that its zone left out.
  CHECK_FALSE(schedule("0 0 0 30 12 * 2011", "Pacific/Apia").can_fire());
  CHECK(schedule("0 0 0 30 12 * 2011", "Pacific/Auckland").can_fire());
  // In a gap every year from 2007 on: the past had it, the future has not.
  const Schedule gap = schedule("30 2 8-14 3 +SUN", "America/New_York", DstPolicy::Kubernetes);
  CHECK(gap.can_fire());
  CHECK(next(gap, "2026-01-01T00:00:00Z") == "NEVER");
  CHECK(gap.prev(at("2026-01-01T00:00:00Z")) == at("2006-03-12T07:30:00Z"));
  // 29 February: not in 2100.
  CHECK(next(schedule("0 0 29 2 *"), "2096-03-01T00:00:00Z") == "2104-02-29T00:00:00Z");
  // Friday the 29th of February comes every 28 years, but for the centuries.
  CHECK(next(schedule("0 0 29 2 +FRI"), "2072-03-01T00:00:00Z") == "2092-02-29T00:00:00Z");
}

TEST_CASE("the limits of time are answered") {
  for (const std::string zone : {"UTC", "America/New_York", "Pacific/Apia"}) {
    for (const std::string expression : {"* * * * *", "@every 7s", "0 0 0 1 1 * 2199"}) {
      INFO(expression << " in " << zone);
      const Schedule s = schedule(expression, zone);
      CHECK_FALSE(s.next(Instant::max()).has_value());
      CHECK_FALSE(s.prev(Instant::min()).has_value());
      CHECK(s.next(Instant::min()).has_value());
      CHECK(s.prev(Instant::max()).has_value());
      CHECK(s.count(Instant::min(), Instant::max()) > 0);
      CHECK(s.count(Instant::max(), Instant::min()) == 0);
    }
  }
  CHECK(schedule("* * * * *").count(at("2000-01-01T00:00:00Z"), at("2100-01-01T00:00:00Z")) ==
        52'596'000);
}

TEST_CASE("@every keeps its phase in both directions") {
  const auto parsed = Schedule::parse(
      "@every 90m", {.zone = "America/New_York", .anchor = at("2026-03-08T00:10:00Z")});
  REQUIRE(parsed.has_value());
  CHECK(next(*parsed, "2026-03-08T00:10:00Z") == "2026-03-08T01:40:00Z");
  CHECK(next(*parsed, "2026-03-07T22:00:00Z") == "2026-03-07T22:40:00Z");
  CHECK(parsed->prev(at("2026-03-08T00:10:00Z")) == at("2026-03-07T22:40:00Z"));
  CHECK(parsed->count(at("2026-03-07T22:40:00Z"), at("2026-03-08T01:40:00Z")) == 2);
}

TEST_CASE("the zone of the expression wins, policies differ at the changes") {
  CHECK(next(schedule("CRON_TZ=Asia/Tokyo 0 3 * * *", "Europe/Berlin"), "2026-01-01T00:00:00Z") ==
        "2026-01-01T18:00:00Z");
  const std::string before_gap = "2026-03-08T00:00:00Z";
  const std::string zone = "America/New_York";
  CHECK(next(schedule("30 2 * * *", zone), before_gap) == "2026-03-08T07:00:00Z");
  CHECK(next(schedule("30 2 * * *", zone, DstPolicy::Once), before_gap) == "2026-03-09T06:30:00Z");
  const Schedule vixie = schedule("30 1 * * *", zone);
  const Schedule twice = schedule("30 1 * * *", zone, DstPolicy::Kubernetes);
  CHECK(next(vixie, "2026-11-01T05:30:00Z") == "2026-11-02T06:30:00Z");
  CHECK(next(twice, "2026-11-01T05:30:00Z") == "2026-11-01T06:30:00Z");
  // All 24 hours are an interval, however written.
  CHECK(next(schedule("30 0-23 * * *", zone), "2026-11-01T05:30:00Z") == "2026-11-01T06:30:00Z");
  CHECK(schedule("30 2 * * *", zone).is_catch_up(at("2026-03-08T07:00:00Z")));
  CHECK_FALSE(schedule("30 2 * * *", zone).is_catch_up(at("2026-03-09T06:30:00Z")));
}
