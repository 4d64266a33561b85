// Writes random expressions together with what they mean.
#include <array>
#include <memory>

#include <date/tz.h>

#include "tests/fuzz/cron_oracle.h"

namespace oracle {
namespace {

using std::chrono::day;
using std::chrono::local_days;
using std::chrono::weekday;
using std::chrono::year_month_day;
using std::chrono::year_month_day_last;

struct Bounds {
  int min, max;
};

class Writer {
 public:
  explicit Writer(Choices& choices) : choices_(choices) {}

  Question write() {
    const uint32_t shape = below(10);
    std::string text;
    if (shape < 4)
      text = number_field(question_.seconds, {0, 59}) + space();
    else
      question_.seconds = {0};
    const std::string minute = number_field(question_.minutes, {0, 59});
    const std::string hour = number_field(question_.hours, {0, 23});
    question_.fixed = !is_star(minute) && !is_star(hour);
    text += minute + space() + hour + space() + day_field() + space() + month_field() + space() +
            weekday_field();
    if (shape < 2) text += space() + year_field();
    question_.expression = text;
    question_.policy = std::array{scheduler::DstPolicy::Vixie, scheduler::DstPolicy::Kubernetes,
                                  scheduler::DstPolicy::Once}[below(3)];
    choose_time();
    return std::move(question_);
  }

 private:
  uint32_t below(uint32_t limit) { return choices_.below(limit); }
  int between(int low, int high) {
    return low + static_cast<int>(below(static_cast<uint32_t>(high - low + 1)));
  }
  bool one_in(uint32_t n) { return below(n) == 0; }
  std::string space() { return one_in(20) ? "  " : " "; }
  static bool is_star(const std::string& text) { return text[0] == '*' || text[0] == '?'; }
  std::string digits(int value) {
    return (value < 10 && one_in(12) ? "0" : "") + std::to_string(value);
  }

  static void fill(std::set<int>& values, int first, int last, int step) {
    for (int value = first; value <= last; value += step)
      values.insert(value);
  }

  // a, a-b, a-b/n, a/n, */n; not a plain star.
  std::string number_item(std::set<int>& values, Bounds bounds) {
    const int span = bounds.max - bounds.min;
    // Of the years, those that the zone files tabulate are worth asking about.
    const bool years = bounds.min == 1970;
    const int first = years ? between(1990, 2036) : between(bounds.min, bounds.max);
    const int last = between(first, bounds.max);
    const int step = one_in(8) ? between(1, span + 20) : between(1, std::max(1, span / 2));
    switch (below(6)) {
      case 0:
      case 1:
        values.insert(first);
        return digits(first);
      case 2:
        fill(values, first, last, 1);
        return digits(first) + "-" + digits(last);
      case 3:
        fill(values, first, last, step);
        return digits(first) + "-" + digits(last) + "/" + digits(step);
      case 4:
        fill(values, first, bounds.max, step);
        return digits(first) + "/" + digits(step);
      default: {
        // A step of 1 is a star after all: callers see it by the star bit that it leaves.
        const int wide = std::max(2, step);
        fill(values, bounds.min, bounds.max, wide);
        return (one_in(6) ? "?/" : "*/") + digits(wide);
      }
    }
  }

  std::string number_field(std::set<int>& values, Bounds bounds) {
    if (one_in(3)) {
      fill(values, bounds.min, bounds.max, 1);
      return std::array{"*", "*", "*", "?", "*/1"}[below(5)];
    }
    if (one_in(10)) {
      fill(values, bounds.min, bounds.max, 1);
      return std::to_string(bounds.min) + "-" + std::to_string(bounds.max);
    }
    std::string text;
    for (int left = one_in(3) ? between(2, 4) : 1; left > 0; --left) {
      text += (text.empty() ? "" : ",") + number_item(values, bounds);
      if (one_in(40)) text += ",";
    }
    return text;
  }

  std::string mixed_case(std::string name) {
    const uint32_t style = below(3);
    for (size_t i = 0; i < name.size(); ++i)
      if (style == 1 || (style == 2 && i == 0)) name[i] = static_cast<char>(name[i] - 'a' + 'A');
    return name;
  }

  std::string month_field() {
    if (!one_in(3)) {
      const int wild = between(0, 3);
      fill(question_.months, 1, 12, 1);
      return std::array{"*", "*", "?", "1-12"}[static_cast<size_t>(wild)];
    }
    if (one_in(2)) return number_field(question_.months, {1, 12});
    constexpr std::array kNames{"jan", "feb", "mar", "apr", "may", "jun",
                                "jul", "aug", "sep", "oct", "nov", "dec"};
    const int first = between(1, 12);
    const int last = one_in(2) ? first : between(first, 12);
    fill(question_.months, first, last, 1);
    const auto name = [&](int month) { return mixed_case(kNames[static_cast<size_t>(month - 1)]); };
    return last == first ? name(first) : name(first) + "-" + name(last);
  }

  std::string year_field() {
    if (one_in(3)) return one_in(2) ? "*" : "?";
    return number_item(question_.years, {1970, 2199});
  }

  static unsigned length(year_month_day date) {
    return static_cast<unsigned>(
        year_month_day_last{date.year(), date.month() / std::chrono::last}.day());
  }
  // Walks outward from a day until it finds Monday to Friday in the same month.
  static int nearest_working_day(year_month_day month, int target) {
    const auto last = static_cast<int>(length(month));
    if (target < 1 || target > last) return 0;
    for (const int away : {0, -1, 1, -2, 2}) {
      const int candidate = target + away;
      if (candidate < 1 || candidate > last) continue;
      const unsigned number =
          weekday{local_days{month.year() / month.month() / day(static_cast<unsigned>(candidate))}}
              .iso_encoding();
      if (number <= 5) return candidate;
    }
    return 0;
  }

  std::string day_special() {
    const int n = between(0, 30);
    const bool upper = one_in(2);
    const std::string l = upper ? "L" : "l";
    const std::string w = upper ? "W" : "w";
    switch (below(5)) {
      case 0:
        question_.days.emplace_back(
            [](year_month_day date) { return static_cast<unsigned>(date.day()) == length(date); });
        return l;
      case 1:
        question_.days.emplace_back([n](year_month_day date) {
          return static_cast<int>(static_cast<unsigned>(date.day())) ==
                 static_cast<int>(length(date)) - n;
        });
        return l + "-" + std::to_string(n);
      case 2:
        question_.days.emplace_back([](year_month_day date) {
          return static_cast<int>(static_cast<unsigned>(date.day())) ==
                 nearest_working_day(date, static_cast<int>(length(date)));
        });
        return l + w;
      case 3:
        question_.days.emplace_back([n](year_month_day date) {
          return static_cast<int>(static_cast<unsigned>(date.day())) ==
                 nearest_working_day(date, static_cast<int>(length(date)) - n);
        });
        return l + "-" + std::to_string(n) + w;
      default:
        question_.days.emplace_back([n](year_month_day date) {
          return static_cast<int>(static_cast<unsigned>(date.day())) ==
                 nearest_working_day(date, n + 1);
        });
        return std::to_string(n + 1) + w;
    }
  }

  std::string day_field() {
    if (one_in(2)) {
      question_.days.emplace_back([](year_month_day) { return true; });
      return one_in(3) ? "?" : "*";
    }
    question_.days_restrict = true;
    std::string text;
    for (uint32_t left = one_in(3) ? 2 : 1; left > 0; --left) {
      if (!text.empty()) text += ",";
      if (one_in(3)) {
        text += day_special();
        continue;
      }
      auto values = std::make_shared<std::set<int>>();
      text += number_item(*values, {1, 31});
      question_.days.emplace_back([values](year_month_day date) {
        return values->contains(static_cast<int>(static_cast<unsigned>(date.day())));
      });
    }
    if (one_in(20)) {
      // A star in a list takes the restriction away.
      question_.days_restrict = false;
      question_.days.emplace_back([](year_month_day) { return true; });
      text += ",*";
    }
    return text;
  }

  std::string weekday_name(int number) {
    constexpr std::array kNames{"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
    if (number == 7 || !one_in(3)) return std::to_string(number);
    return mixed_case(kNames[static_cast<size_t>(number)]);
  }

  std::string weekday_special() {
    const int d = between(0, 7);
    const int n = between(1, 6);
    const auto is_it = [d](year_month_day date) {
      return weekday{local_days{date}}.c_encoding() == static_cast<unsigned>(d % 7);
    };
    if (n == 6) {
      question_.weekdays.emplace_back([is_it](year_month_day date) {
        return is_it(date) && static_cast<unsigned>(date.day()) + 7 > length(date);
      });
      return weekday_name(d) + (one_in(2) ? "#L" : "L");
    }
    question_.weekdays.emplace_back([is_it, n](year_month_day date) {
      return is_it(date) && (static_cast<int>(static_cast<unsigned>(date.day())) - 1) / 7 == n - 1;
    });
    return weekday_name(d) + "#" + std::to_string(n);
  }

  std::string weekday_plain() {
    auto values = std::make_shared<std::set<int>>();
    question_.weekdays.emplace_back([values](year_month_day date) {
      const int number = static_cast<int>(weekday{local_days{date}}.c_encoding());
      return values->contains(number) || (number == 0 && values->contains(7));
    });
    const int first = between(0, 6);
    const int last = between(first, 7);
    switch (below(4)) {
      case 0:
        values->insert(first);
        return weekday_name(first);
      case 1:
        fill(*values, first, last, 1);
        return weekday_name(first) + "-" + weekday_name(last);
      case 2: {
        const int step = between(2, 4);
        fill(*values, first, last, step);
        return weekday_name(first) + "-" + weekday_name(last) + "/" + std::to_string(step);
      }
      default: {
        const int step = between(2, 9);
        fill(*values, first, 6, step);
        return weekday_name(first) + "/" + std::to_string(step);
      }
    }
  }

  std::string weekday_field() {
    if (!one_in(3)) {
      question_.weekdays.emplace_back([](year_month_day) { return true; });
      return one_in(3) ? "?" : "*";
    }
    question_.weekdays_restrict = true;
    question_.both_days = one_in(5);
    std::string text;
    for (uint32_t left = one_in(3) ? 2 : 1; left > 0; --left)
      text += (text.empty() ? "" : ",") + (one_in(3) ? weekday_special() : weekday_plain());
    return (question_.both_days ? "+" : "") + text;
  }

  // Mostly near a change of the clock.
  void choose_time() {
    const auto& difficult = difficult_zones();
    const auto& all = date::get_tzdb().zones;
    if (one_in(4)) {
      do
        question_.zone = all[below(static_cast<uint32_t>(all.size()))].name();
      while (question_.zone == "localtime" || question_.zone == "posixrules");
    } else {
      question_.zone = difficult[below(static_cast<uint32_t>(difficult.size()))];
    }
    const int year = one_in(4) ? between(1880, 2034) : between(1995, 2030);
    const date::sys_seconds start =
        date::sys_days{date::year{year} / between(1, 12) / between(1, 28)} +
        std::chrono::seconds{between(0, 86399)};
    question_.after = Instant{start.time_since_epoch()};
    if (one_in(3)) return;
    const date::sys_info info = date::locate_zone(question_.zone)->get_info(start);
    if (info.end >= date::sys_days{date::year{2037} / 1 / 1}) return;
    const int nearby = one_in(2) ? 3600 * 4 : 60;
    question_.after =
        Instant{info.end.time_since_epoch()} + std::chrono::seconds{between(-nearby, nearby)};
  }

  Choices& choices_;
  Question question_;
};

}  // namespace

const std::vector<std::string>& difficult_zones() {
  static const auto& zones = *new std::vector<std::string>{"America/New_York",
                                                           "Europe/London",
                                                           "Europe/Berlin",
                                                           "Australia/Lord_Howe",
                                                           "Antarctica/Troll",
                                                           "Pacific/Apia",
                                                           "Asia/Pyongyang",
                                                           "Pacific/Kiritimati",
                                                           "Pacific/Chatham",
                                                           "Africa/Casablanca",
                                                           "America/Havana",
                                                           "Africa/Cairo",
                                                           "America/Sao_Paulo",
                                                           "Asia/Amman",
                                                           "Europe/Dublin",
                                                           "America/Nuuk",
                                                           "Asia/Gaza",
                                                           "America/St_Johns",
                                                           "Asia/Kathmandu",
                                                           "Pacific/Kwajalein",
                                                           "America/Caracas",
                                                           "Asia/Tehran",
                                                           "Europe/Moscow",
                                                           "America/Metlakatla",
                                                           "UTC",
                                                           "Africa/Monrovia",
                                                           "Asia/Manila",
                                                           "America/Asuncion",
                                                           "Antarctica/Casey",
                                                           "Europe/Lisbon",
                                                           "Asia/Kolkata",
                                                           "America/Juneau"};
  return zones;
}

Question make_question(Choices& choices) {
  return Writer(choices).write();
}

}  // namespace oracle
