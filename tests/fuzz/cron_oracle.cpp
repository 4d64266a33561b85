#include "tests/fuzz/cron_oracle.h"

#include <algorithm>

#include <date/tz.h>

namespace oracle {
namespace {

using std::chrono::local_days;
using std::chrono::local_seconds;
using std::chrono::seconds;
using std::chrono::year_month_day;

struct Stretch {
  Instant begin, end;
  seconds offset;
};

Instant from_date(date::sys_seconds time) {
  return Instant{time.time_since_epoch()};
}

Stretch stretch_at(const date::time_zone& zone, Instant at) {
  const date::sys_info info = zone.get_info(date::sys_seconds{at.time_since_epoch()});
  return {.begin = from_date(info.begin), .end = from_date(info.end), .offset = info.offset};
}

bool any_of(const std::vector<Question::DayTest>& tests, year_month_day date) {
  return std::any_of(tests.begin(), tests.end(), [&](const auto& test) { return test(date); });
}

bool date_matches(const Question& question, local_days day) {
  const year_month_day date{day};
  if (!question.months.contains(static_cast<int>(static_cast<unsigned>(date.month()))))
    return false;
  if (!question.years.empty() && !question.years.contains(static_cast<int>(date.year())))
    return false;
  const bool by_day = any_of(question.days, date);
  const bool by_weekday = any_of(question.weekdays, date);
  if (question.days_restrict && question.weekdays_restrict && !question.both_days)
    return by_day || by_weekday;
  return by_day && by_weekday;
}

class Walk {
 public:
  explicit Walk(const Question& question)
      : question_(question), zone_(*date::locate_zone(question.zone)) {
    const bool fixed = question.fixed && question.hours.size() != 24;
    const bool vixie = question.policy == scheduler::DstPolicy::Vixie;
    catches_up_ = vixie && fixed;
    first_only_ = catches_up_ || question.policy == scheduler::DstPolicy::Once;
  }

  std::vector<Instant> slots(Instant until, size_t count) {
    std::vector<Instant> result;
    Instant at = question_.after + seconds{1};
    while (at <= until && result.size() < count) {
      const Stretch stretch = stretch_at(zone_, at);
      while (at < stretch.end && at <= until && result.size() < count) {
        const local_seconds wall{at.time_since_epoch() + stretch.offset};
        const seconds skip = skippable(wall);
        const bool catch_up = at == stretch.begin && made_up_for(stretch);
        if (catch_up || (skip == seconds{0} && !(first_only_ && came_before(wall, stretch))))
          result.push_back(at);
        at += std::max(skip, seconds{1});
      }
      at = std::min(at, stretch.end);
    }
    return result;
  }

 private:
  // Zero: this wall time matches. Otherwise, how far the next one is at least.
  [[nodiscard]] seconds skippable(local_seconds wall) const {
    const local_days day = std::chrono::floor<std::chrono::days>(wall);
    const auto time = static_cast<int>((wall - day).count());
    if (!date_matches(question_, day)) return seconds{86400 - time};
    if (!question_.hours.contains(time / 3600)) return seconds{3600 - time % 3600};
    if (!question_.minutes.contains(time / 60 % 60)) return seconds{60 - time % 60};
    if (!question_.seconds.contains(time % 60)) return seconds{1};
    return seconds{0};
  }

  // Whether an earlier instant showed the same wall time.
  [[nodiscard]] bool came_before(local_seconds wall, Stretch stretch) const {
    for (int i = 0; i < 3; ++i) {
      if (stretch.begin.time_since_epoch() < std::chrono::hours{-24 * 365 * 400}) return false;
      stretch = stretch_at(zone_, stretch.begin - seconds{1});
      const Instant earlier{wall.time_since_epoch() - stretch.offset};
      if (earlier >= stretch.begin && earlier < stretch.end) return true;
    }
    return false;
  }

  // Whether a stretch begins after a gap that swallowed a matching wall time.
  [[nodiscard]] bool made_up_for(const Stretch& stretch) const {
    if (!catches_up_) return false;
    const Stretch before = stretch_at(zone_, stretch.begin - seconds{1});
    const seconds gap = stretch.offset - before.offset;
    if (gap <= seconds{0} || gap > std::chrono::hours{3}) return false;
    const local_seconds first{stretch.begin.time_since_epoch() + before.offset};
    for (local_seconds wall = first; wall < first + gap;) {
      const seconds skip = skippable(wall);
      if (skip == seconds{0}) return true;
      wall += skip;
    }
    return false;
  }

  const Question& question_;
  const date::time_zone& zone_;
  bool catches_up_ = false;
  bool first_only_ = false;
};

}  // namespace

std::vector<Instant> slots(const Question& question, Instant until, size_t count) {
  return Walk(question).slots(until, count);
}

bool matches_fields(const Question& question, local_seconds wall) {
  const local_days day = std::chrono::floor<std::chrono::days>(wall);
  const auto time = static_cast<int>((wall - day).count());
  return date_matches(question, day) && question.hours.contains(time / 3600) &&
         question.minutes.contains(time / 60 % 60) && question.seconds.contains(time % 60);
}

}  // namespace oracle
