// `sparkctl cron`: what people and scripts see.
#include <sstream>

#include "base/rfc3339.h"
#include "tests/support/catch.h"
#include "tools/sparkctl/cron.h"

namespace {

struct Answer {
  int exit_code = 0;
  std::string out, err;
};

Answer run(std::vector<std::string> arguments, const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out, err;
  const sparkctl::CronContext context{.in = in,
                                      .out = out,
                                      .err = err,
                                      .now = std::chrono::floor<std::chrono::seconds>(
                                          base::parse_rfc3339("2026-03-07T12:00:00Z").value())};
  const int exit_code = sparkctl::cron_main(arguments, context);
  return {.exit_code = exit_code, .out = out.str(), .err = err.str()};
}

}  // namespace

TEST_CASE("next shows local time, UTC, distance and what the clock does") {
  const Answer answer = run({"next", "-n", "3", "--zone", "America/New_York", "30 2 * * *"});
  CHECK(answer.exit_code == 0);
  CHECK(answer.err.empty());
  CHECK(answer.out ==
        "2026-03-08T03:00:00-04:00  2026-03-08T07:00:00Z  in 19 h  made up for: its wall time "
        "does not exist on this day\n"
        "2026-03-09T02:30:00-04:00  2026-03-09T06:30:00Z  in 42 h\n"
        "2026-03-10T02:30:00-04:00  2026-03-10T06:30:00Z  in 2 d\n");
}

TEST_CASE("prev goes back, prefix and policy are obeyed") {
  const Answer answer = run({"prev", "-n", "2", "--dst", "kubernetes", "--before",
                             "2025-11-02T12:00:00Z", "TZ=America/New_York 30 1 * * *"});
  CHECK(
      answer.out ==
      "2025-11-02T01:30:00-05:00  2025-11-02T06:30:00Z  125 d ago  second time of this wall time\n"
      "2025-11-02T01:30:00-04:00  2025-11-02T05:30:00Z  125 d ago  first time of a wall time that "
      "comes twice\n");
}

TEST_CASE("never is said") {
  CHECK(run({"next", "0 0 30 2 *"}).out == "never\n");
  CHECK(run({"next", "0 0 0 1 1 * 2027"}).out ==
        "2027-01-01T00:00:00+00:00  2027-01-01T00:00:00Z  in 299 d\nand never again\n");
}

TEST_CASE("batch answers each line on one line") {
  const std::string input =
      "0 2 * * *\tAmerica/New_York\t2026-03-07T12:00:00Z\tVixie\t2\n"
      "0 2 * * *\tAmerica/New_York\t2026-03-07T12:00:00Z\tOnce\t1\r\n"
      "0 0 0 1 1 * 2027\t\t2026-01-01T00:00:00Z\t\t3\n"
      "0 0 30 2 *\tUTC\t2026-01-01T00:00:00Z\tVixie\t1\n"
      "75 * * * *\tUTC\t2026-01-01T00:00:00Z\tVixie\t1\n"
      "* * * * *\tMars\t2026-01-01T00:00:00Z\tVixie\t1\n"
      "* * * * *\tUTC\tnow\tVixie\t1\n"
      "* * * * *\tUTC\t2026-01-01T00:00:00Z\tNever\t1\n"
      "* * * * *\tUTC\t2026-01-01T00:00:00Z\tVixie\t0\n"
      "* * * * *\n";
  const Answer answer = run({"next", "--batch"}, input);
  CHECK(answer.exit_code == 0);
  CHECK(answer.out ==
        "2026-03-08T07:00:00Z;2026-03-09T06:00:00Z\n"
        "2026-03-09T06:00:00Z\n"
        "2027-01-01T00:00:00Z;NEVER\n"
        "NEVER\n"
        "INVALID: minute: 75 is out of range 0-59 (at 0)\n"
        "INVALID: unknown time zone \"Mars\" (a zone goes by the name of a place, such as "
        "Europe/Berlin)\n"
        "INVALID: \"now\" is not an RFC 3339 time such as 2026-03-08T07:00:00Z\n"
        "INVALID: dstPolicy \"Never\" is not Vixie, Kubernetes or Once\n"
        "INVALID: count \"0\" is not a number from 1 to 100000\n"
        "INVALID: expression, zone, after, dstPolicy and count expected, separated by tabs, got 1 "
        "fields\n");
}

TEST_CASE("check says it with its exit code") {
  CHECK(run({"check", "@daily"}).exit_code == 0);
  CHECK(run({"check", "@daily"}).out == "ok, next 2026-03-08T00:00:00+00:00\n");
  const Answer refused = run({"check", "* * * *"});
  CHECK(refused.exit_code == 1);
  CHECK(refused.err == "error: 5 fields, 6 (seconds first) or 7 (year last) expected, got 4\n");
  CHECK(run({"check", "0 0 30 2 *"}).err == "error: this schedule can never fire\n");
  CHECK(run({"check", "*/70 * * * *"}).err ==
        "warning: minute: step 70 leaves only 0 of 0-59 (at 0)\n");
  CHECK(
      run({"check", "-o", "json", "75 * * * *"}).out ==
      "{\n  \"expression\": \"75 * * * *\",\n  \"valid\": false,\n  \"error\": \"minute: 75 is out "
      "of range 0-59 (at 0)\"\n}\n");
}

TEST_CASE("wrong usage is exit code 2") {
  CHECK(run({}).exit_code == 2);
  CHECK(run({"next"}).exit_code == 2);
  CHECK(run({"next", "--dst", "maybe", "@daily"}).exit_code == 2);
  CHECK(run({"next", "--after", "soon", "@daily"}).exit_code == 2);
  CHECK(run({"--help"}).exit_code == 0);
}

TEST_CASE("slots as JSON carry what the text says") {
  const Answer answer =
      run({"next", "-n", "2", "-o", "json", "-z", "America/New_York", "30 2 8 3 *"});
  CHECK(answer.exit_code == 0);
  CHECK(answer.out == R"({
  "expression": "30 2 8 3 *",
  "zone": "America/New_York",
  "dstPolicy": "Vixie",
  "slots": [
    {
      "utc": "2026-03-08T07:00:00Z",
      "local": "2026-03-08T03:00:00-04:00",
      "relative": "in 19 h",
      "note": "made up for: its wall time does not exist on this day"
    },
    {
      "utc": "2027-03-08T07:30:00Z",
      "local": "2027-03-08T02:30:00-05:00",
      "relative": "in 365 d"
    }
  ],
  "complete": false,
  "warnings": []
}
)");
  const Answer refused = run({"next", "-o", "json", "x * * * *"});
  CHECK(refused.exit_code == 1);
  CHECK(refused.out.find(R"("valid": false)") != std::string::npos);
  CHECK(
      run({"explain", "-o", "json", "@daily"}).out.find(R"("explanation": "At 00:00 every day)") !=
      std::string::npos);
}

TEST_CASE("the seed decides H, the anchor @every, and -n how many") {
  const auto first_line = [](const std::vector<std::string>& arguments) {
    const std::string out = run(arguments).out;
    return out.substr(0, out.find('\n'));
  };
  const std::string one = first_line({"next", "--seed", "reports/nightly", "H H * * *"});
  CHECK(one == first_line({"next", "--seed", "reports/nightly", "H H * * *"}));
  CHECK(one != first_line({"next", "--seed", "reports/weekly", "H H * * *"}));
  CHECK(run({"next", "-n", "2", "--anchor", "2026-03-07T11:00:00Z", "@every 90m"}).out ==
        "2026-03-07T12:30:00+00:00  2026-03-07T12:30:00Z  in 30 min\n"
        "2026-03-07T14:00:00+00:00  2026-03-07T14:00:00Z  in 2 h\n");
  CHECK(run({"next", "-n", "1", "--after", "2026-03-07T11:59:50Z", "* * * * *"}).out ==
        "2026-03-07T12:00:00+00:00  2026-03-07T12:00:00Z  now\n");
}

TEST_CASE("help of every command has examples and exit codes") {
  for (const std::string command : {"next", "prev", "explain", "check", "calendar"}) {
    INFO(command);
    const Answer help = run({command, "--help"});
    CHECK(help.exit_code == 0);
    CHECK(help.out.find("Examples:\n  sparkctl cron " + command) != std::string::npos);
    CHECK(help.out.find("Exit codes: 0") != std::string::npos);
  }
}

TEST_CASE("explain speaks English") {
  struct Case {
    std::string expression, beginning;
  };
  const std::vector<Case> cases{
      {"30 9 * * 1-5", "At 09:30 on Monday through Friday, in UTC."},
      {"*/15 * * * *", "Every 15 minutes, in UTC."},
      {"* * * * *", "Every minute, in UTC."},
      {"0 3 * * *", "At 03:00 every day, in UTC."},
      {"0 0,12 L * *", "At 00:00 and 12:00 on the last day of the month, in UTC."},
      {"0 9 * * 1#1", "At 09:00 on the 1st Monday of the month, in UTC."},
      {"0 18 15W,LW 1 *",
       "At 18:00 on the working day nearest to day 15 of the month and the last working day "
       "(Monday "
       "to Friday) of the month in January, in UTC."},
      {"0 12 13 * 5", "At 12:00 on day 13 of the month, or on Friday (either is enough), in UTC."},
      {"0 12 13 * +5", "At 12:00 on day 13 of the month, but only on Friday, in UTC."},
      {"*/30 * * * *", "Every 30 minutes, in UTC."},
      {"*/7 * * * *", "Every 7 minutes, from minute 0 of the hour, in UTC."},
      {"3-40/8 * * * *", "Every 8 minutes, from minute 3 of the hour to minute 35, in UTC."},
      {"*/5 */6 * * *", "Every 5 minutes in every 6th hour, in UTC."},
      {"*/5 1-20/5 * * *", "Every 5 minutes in every 5th hour from 01:00 to 16:59, in UTC."},
      {"5,10 8-18 * * *", "At minutes 5 and 10 past the hour from 08:00 to 18:59, in UTC."},
      {"@every 90m",
       "Every 1 h 30 min, counted from 1970-01-01T00:00:00Z, whatever the clock does."},
      {"0 0 30 2 *",
       "At 00:00 on day 30 of the month in February, in UTC. There is no such time: it never "
       "fires."},
  };
  for (const Case& c : cases)
    CHECK(run({"explain", c.expression}).out == c.beginning + "\n");
  CHECK(run({"explain", "-z", "Europe/Berlin", "0 3 * * *"}).out ==
        "At 03:00 every day, in Europe/Berlin. If the clock jumps over such a time, it runs once "
        "right after the jump; if such a time comes twice, it runs the first time only.\n");
}

TEST_CASE("explain calls no interval what a step larger than its range makes") {
  struct Case {
    std::string expression, beginning;
  };
  const std::vector<Case> cases{
      {"*/90 * * * *", "At minute 0 past the hour, in UTC."},
      {"*/60 * * * *", "At minute 0 past the hour, in UTC."},
      {"*/45 * * * *", "At minutes 0 and 45 past the hour, in UTC."},
      {"0-10/7 * * * *", "At minutes 0 and 7 past the hour, in UTC."},
      {"5-9/4294967295 * * * *", "At minute 5 past the hour, in UTC."},
      {"*/120 * * * * *", "Every minute, in UTC."},
      {"*/5 */30 * * *", "Every 5 minutes from 00:00 to 00:59, in UTC."},
      {"*/5 */18 * * *", "Every 5 minutes in the hours 0 and 18, in UTC."},
      {"0 0 */40 * *", "At 00:00 on day 1 of the month, in UTC."},
      {"0 0 1 */20 *", "At 00:00 on day 1 of the month in January, in UTC."},
      {"0 0 * * */9", "At 00:00 on Sunday, in UTC."},
  };
  for (const Case& c : cases)
    CHECK(run({"explain", c.expression}).out == c.beginning + "\n");
}

TEST_CASE("two years are not two hundred") {
  struct Case {
    std::string year, relative;
  };
  const std::vector<Case> cases{
      {"2027", "in 299 d"}, {"2028", "in 664 d"}, {"2029", "in 2 years"}, {"2126", "in 99 years"}};
  for (const Case& c : cases)
    CHECK(run({"next", "-n", "1", "0 0 0 1 1 * " + c.year}).out.find(c.relative + "\n") !=
          std::string::npos);
}

TEST_CASE("calendar marks days") {
  const Answer answer =
      run({"calendar", "--zone", "America/New_York", "--month", "2026-11", "0 9 * * 1-5"});
  CHECK(answer.out ==
        "November 2026, America/New_York\n\n"
        "  Mo   Tu   We   Th   Fr   Sa   Su\n"
        "                                1\n"
        "[ 2] [ 3] [ 4] [ 5] [ 6]   7    8\n"
        "[ 9] [10] [11] [12] [13]  14   15\n"
        "[16] [17] [18] [19] [20]  21   22\n"
        "[23] [24] [25] [26] [27]  28   29\n"
        "[30]\n\n21 slots\non day 1 the clock is put back by 1 h\n");
  CHECK(run({"calendar", "--month", "2026-13", "@daily"}).exit_code == 1);
  const Answer apia =
      run({"calendar", "-z", "Pacific/Apia", "--month", "2011-12", "-o", "json", "0 12 * * *"});
  CHECK(apia.out.find("\"date\": \"2011-12-30\",\n      \"slots\": 0") != std::string::npos);
  CHECK(apia.out.find("\"slots\": 1,\n      \"first\": \"2011-12-30T22:00:00Z\"") !=
        std::string::npos);
}
