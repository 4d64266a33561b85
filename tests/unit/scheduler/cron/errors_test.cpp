// What is refused, in which words; what is accepted with a warning. Offsets are bytes from 0.
#include "scheduler/schedule.h"
#include "tests/support/catch.h"

namespace {

using scheduler::Schedule;

struct Refusal {
  std::string_view expression;
  std::string_view message;
};

struct Warning {
  std::string_view expression;
  std::vector<std::string> warnings;
  std::string_view same_as;
};

std::vector<scheduler::Instant> first_slots(std::string_view expression) {
  const auto schedule = Schedule::parse(expression);
  REQUIRE(schedule.has_value());
  const scheduler::Instant from = std::chrono::sys_days{std::chrono::year{2026} / 1 / 1};
  return schedule->between(from, from + std::chrono::hours{24 * 400}, 100);
}

}  // namespace

TEST_CASE("a refusal names the field, what was found, what would be right, and where") {
  const std::vector<Refusal> refusals{
      {"75 * * * *", "minute: 75 is out of range 0-59 (at 0)"},
      {"* * * *", "5 fields, 6 (seconds first) or 7 (year last) expected, got 4"},
      {"", "5 fields, 6 (seconds first) or 7 (year last) expected, got 0"},
      {"  \t ", "5 fields, 6 (seconds first) or 7 (year last) expected, got 0"},
      {"* * * * * * * *", "5 fields, 6 (seconds first) or 7 (year last) expected, got 8"},
      {"  0   24 * * *", "hour: 24 is out of range 0-23 (at 6)"},
      {"0 0 0 * *", "day-of-month: 0 is out of range 1-31 (at 4)"},
      {"0 0 * 13 *", "month: 13 is out of range 1-12 (at 6)"},
      {"0 0 * * 8", "day-of-week: 8 is out of range 0-7 (at 8)"},
      {"61 0 0 * * *", "second: 61 is out of range 0-59 (at 0)"},
      {"0 0 0 1 1 * 1969", "year: 1969 is out of range 1970-2199 (at 12)"},
      {"99999999999999999999 * * * *", "minute: 99999999999999999999 is out of range 0-59 (at 0)"},
      {"5-3 * * * *", "minute: 5-3 is reversed, the lower value comes first (at 0)"},
      {"0 0 * * FRI-SUN",
       "day-of-week: FRI-SUN is reversed, the lower value comes first (Sunday at the end of a "
       "range is 7) (at 8)"},
      {"*/0 * * * *", "minute: step 0 is below 1 (at 2)"},
      {"*/ * * * *", "minute: a step expected after / (at 2)"},
      {"*/5/5 * * * *", "minute: step \"5/5\" is not a number (at 2)"},
      {"/5 * * * *", "minute: a value or * expected before \"/5\" (at 0)"},
      {"1- * * * *", "minute: a value expected (at 2)"},
      {"+5 * * * *", "minute: \"+5\" is not understood, 0-59 expected (at 0)"},
      {"*5 * * * *", "minute: \"*5\" is not understood, 0-59 expected (at 0)"},
      {"\x1b[2J * * * *", "minute: \"\\x1b[2J\" is not understood, 0-59 expected (at 0)"},
      {"0 0 * * \xe2\x80\xa8",
       "day-of-week: \"\\xe2\\x80\\xa8\" is not understood, 0-7 or SUN-SAT expected (at 8)"},
      {"0,x * * * *", "minute: \"x\" is not understood, 0-59 expected (at 2)"},
      {"0 0 * janu *", "month: \"janu\" is not understood, 1-12 or JAN-DEC expected (at 6)"},
      {"0 0 * * MONDAY",
       "day-of-week: \"MONDAY\" is not understood, 0-7 or SUN-SAT expected (at 8)"},
      {", * * * *", "minute: the list \",\" is empty (at 0)"},
      {"0 0 * * L", "day-of-week: L needs a weekday before it, such as 5L (at 8)"},
      {"0 0 * * W", "day-of-week: \"W\" is not understood, 0-7 or SUN-SAT expected (at 8)"},
      {"0 0 * * 5#6", "day-of-week: 6 is out of range 1-5 or L (at 10)"},
      {"0 0 * * 5#x", "day-of-week: \"x\" is not 1-5 or L (at 10)"},
      {"0 0 * * +", "day-of-week: a weekday expected after + (at 9)"},
      {"0 0 L-31 * *", "day-of-month: L-31 is out of range L-0 to L-30 (at 4)"},
      {"0 0 Lx * *", "day-of-month: \"Lx\" is not understood, L, L-3, LW or L-3W expected (at 4)"},
      {"0 0 1-5W * *",
       "day-of-month: \"1-5W\" is not understood, one day such as 15W expected (at 4)"},
      {"0 0 32W * *", "day-of-month: 32 is out of range 1-31 (at 4)"},
      {"H(5-3) * * * *", "minute: H(5-3) is reversed, the lower value comes first (at 0)"},
      {"H(5) * * * *", "minute: \"H(5)\" is not understood, H(a-b) expected (at 0)"},
      {"H(0-5)/9 * * * *", "minute: step 9 is larger than the range of 6 values (at 7)"},
      {"0 0 0 1 1 * H", "year: H is not possible here (at 12)"},
      {"@reboot",
       "\"@reboot\" is not one of @yearly, @annually, @monthly, @weekly, @daily, @midnight, "
       "@hourly and @every (at 0)"},
      {"@daily x", "nothing more expected after @daily (at 7)"},
      {"@every", "@every: one duration such as 1h30m expected (at 6)"},
      {"@every soon", "@every: \"soon\" is not a duration such as 1h30m (at 7)"},
      {"@every 500ms", "@every: \"500ms\" is shorter than one second (at 7)"},
      {"@every -5m", "@every: \"-5m\" is shorter than one second (at 7)"},
      {"@every 1.5s", "@every: \"1.5s\" is not a whole number of seconds (at 7)"},
      {"TZ=Mars/Olympus 0 0 * * *",
       "unknown time zone \"Mars/Olympus\" (a zone goes by the name of a place, such as "
       "Europe/Berlin) (at 3)"},
      {"CRON_TZ= 0 0 * * *", "a time zone such as Europe/Berlin expected after CRON_TZ= (at 8)"},
  };
  for (const Refusal& refusal : refusals) {
    INFO(refusal.expression);
    const auto schedule = Schedule::parse(refusal.expression);
    REQUIRE_FALSE(schedule.has_value());
    CHECK(schedule.error().code == base::Code::InvalidArgument);
    CHECK(schedule.error().message == refusal.message);
  }
  CHECK(Schedule::parse(std::string(2000, '*')).error().message ==
        "the expression is longer than 1024 bytes");
}

TEST_CASE("what nobody means is accepted with a warning and keeps its meaning") {
  const std::vector<Warning> cases{
      {"1,,2 * * * *", {"minute: the empty list item is ignored (at 2)"}, "1,2 * * * *"},
      {",1 * * * *", {"minute: the empty list item is ignored (at 0)"}, "1 * * * *"},
      {"1, * * * *", {"minute: the empty list item is ignored (at 2)"}, "1 * * * *"},
      {"*/70 * * * *", {"minute: step 70 leaves only 0 of 0-59 (at 0)"}, "0 * * * *"},
      {"*-5 * * * *", {"minute: \"-5\" after * is ignored (at 1)"}, "* * * * *"},
      {"0 ?-99 * * *", {"hour: \"-99\" after ? is ignored (at 3)"}, "0 * * * *"},
      {"20-35/16 3 * * *", {"minute: step 16 leaves only 20 of 20-35 (at 0)"}, "20 3 * * *"},
      {"0 0 * * *", {}, "0 0 * * *"},
  };
  for (const Warning& c : cases) {
    INFO(c.expression);
    std::vector<std::string> warnings;
    REQUIRE(Schedule::parse(c.expression, {}, &warnings).has_value());
    CHECK(warnings == c.warnings);
    CHECK(first_slots(c.expression) == first_slots(c.same_as));
  }
}

TEST_CASE("different spellings mean the same") {
  struct Pair {
    std::string_view one, other;
  };
  const std::vector<Pair> pairs{
      {"0 0 * * 7", "0 0 * * SUN"},
      {"0 0 * * 5-7", "0 0 * * 0,5,6"},
      {"0 0 * * 5/2", "0 0 * * 5"},  // ends at 6
      {"0 0 * * 7/2", "0 0 * * 0"},
      {"0 0 * Jan-MAR *", "0 0 * 1-3 *"},
      {"?  ? ? ? ?", "* * * * *"},
      {"0 5/6 * * *", "0 5,11,17,23 * * *"},
      {"@HOURLY", "0 * * * *"},
      {"@weekly", "0 0 * * 0"},
      {"@Annually", "0 0 1 1 *"},
      {"0 0 0 1 1 ? *", "0 0 1 1 *"},
      {"0 0 LW * *", "0 0 L-0W * *"},
      {"0 0 * * 5L", "0 0 * * fri#l"},
      // A star in the list takes the restriction away, a step brings it back.
      {"0 0 13,* * 5", "0 0 * * 5"},
      {"0 0 */1 * 5", "0 0 * * 5"},
      {"0 0 1-31 * 5", "0 0 * * *"},
      {"@every 90m", "@every 1h30m"},
      {"@every 1.5h", "@EVERY +5400s"},
  };
  for (const Pair& pair : pairs) {
    INFO(pair.one << " and " << pair.other);
    CHECK(first_slots(pair.one) == first_slots(pair.other));
  }
  CHECK(first_slots("0 0 */2 * 5") != first_slots("0 0 * * 5"));
}

TEST_CASE("H is stable, hangs on the seed and the field, and stays in its range") {
  const auto next = [](std::string_view expression, std::string_view seed) {
    const auto schedule = Schedule::parse(expression, {.seed = seed});
    REQUIRE(schedule.has_value());
    return *schedule->next(scheduler::Instant{});
  };
  CHECK(next("H H * * *", "team/etl") == next("h H * * *", "team/etl"));
  // Schedules hang on this value: it must never change.
  CHECK(next("H H * * *", "team/etl") == scheduler::Instant{std::chrono::seconds{22620}});
  CHECK(next("H H * * *", "team/etl") != next("H H * * *", "team/other"));
  for (int i = 0; i < 200; ++i) {
    const std::string seed = "ns/job" + std::to_string(i);
    const auto time = next("H(10-19) H(2-3) H * *", seed).time_since_epoch();
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(time - day).count();
    CHECK(day.count() < 28);
    CHECK((minutes / 60 == 2 || minutes / 60 == 3));
    CHECK((minutes % 60 >= 10 && minutes % 60 <= 19));
    const auto quarter = next("H/15 * * * *", seed).time_since_epoch();
    // Strictly after the epoch: an offset of 0 gives the second slot.
    CHECK(quarter <= std::chrono::minutes{15});
  }
}
