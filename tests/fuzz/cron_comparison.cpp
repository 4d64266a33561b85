#include "tests/fuzz/cron_comparison.h"

#include <algorithm>

#include "base/rfc3339.h"
#include "scheduler/schedule_cursor.h"

namespace oracle {
namespace {

using scheduler::Schedule;
using std::chrono::seconds;

constexpr size_t kAnswers = 4;
constexpr auto kHorizon = std::chrono::hours{24 * 366 * 3};

std::string text(const std::optional<Instant>& slot) {
  return slot ? base::format_rfc3339(*slot) : "NEVER";
}

class Comparison {
 public:
  Comparison(const Question& question, const Schedule& schedule)
      : question_(question), schedule_(schedule) {
    const Instant end{std::chrono::sys_days{std::chrono::year{2036} / 12 / 30}};
    until_ = std::min(question.after + kHorizon, end);
    expected_ = slots(question, until_, kAnswers);
  }

  std::string run() {
    if (!compare_next() || !compare_prev() || !compare_count() || !compare_cursor()) {
      return "\"" + question_.expression + "\" in " + question_.zone + ", policy " +
             std::to_string(static_cast<int>(question_.policy)) + ", after " +
             text(question_.after) + ": " + problem_;
    }
    return "";
  }

 private:
  bool same(const std::string& what, const std::string& expected, const std::string& found) {
    if (expected == found) return true;
    problem_ = what + ": expected " + expected + ", got " + found;
    return false;
  }

  bool compare_next() {
    Instant at = question_.after;
    for (const Instant slot : expected_) {
      if (!same("next(" + text(at) + ")", text(slot), text(schedule_.next(at)))) return false;
      at = slot;
    }
    if (expected_.size() == kAnswers) return true;
    const std::optional<Instant> beyond = schedule_.next(at);
    return !beyond || *beyond > until_ || same("next(" + text(at) + ")", "later", text(beyond));
  }

  bool compare_prev() {
    for (size_t i = 0; i < expected_.size(); ++i) {
      const Instant slot = expected_[i];
      const Instant following = i + 1 < expected_.size() ? expected_[i + 1] : slot + seconds{1};
      const Instant middle = slot + (following - slot + seconds{1}) / 2;
      for (const Instant before : {slot + seconds{1}, middle, following})
        if (!same("prev(" + text(before) + ")", text(slot), text(schedule_.prev(before))))
          return false;
    }
    // Before the first one lies nothing that is after `after`.
    const Instant first = expected_.empty() ? until_ : expected_.front();
    const std::optional<Instant> earlier = schedule_.prev(first);
    return !earlier || *earlier <= question_.after ||
           same("prev(" + text(first) + ")", "earlier", text(earlier));
  }

  bool compare_count() {
    for (size_t i = 0; i < expected_.size(); ++i) {
      const uint64_t to = schedule_.count(question_.after, expected_[i]);
      const uint64_t before = schedule_.count(question_.after, expected_[i] - seconds{1});
      if (!same("count to " + text(expected_[i]), std::to_string(i + 1), std::to_string(to)) ||
          !same("count before " + text(expected_[i]), std::to_string(i), std::to_string(before)))
        return false;
    }
    return expected_.size() == kAnswers ||
           same("count to the end", std::to_string(expected_.size()),
                std::to_string(schedule_.count(question_.after, until_)));
  }

  bool compare_cursor() {
    scheduler::ScheduleCursor cursor(schedule_, question_.after);
    std::optional<Instant> at = question_.after;
    for (int step = 0; step < 40 && at; ++step) {
      const std::optional<Instant> found = cursor.next();
      const std::optional<Instant> expected = schedule_.next(*at);
      if (!same("cursor after " + text(at), text(expected), text(found))) return false;
      at = expected;
    }
    return true;
  }

  const Question& question_;
  const Schedule& schedule_;
  Instant until_;
  std::vector<Instant> expected_;
  std::string problem_;
};

}  // namespace

std::string compare(const Question& question) {
  const auto schedule =
      Schedule::parse(question.expression, {.zone = question.zone, .dst_policy = question.policy});
  if (!schedule) return "\"" + question.expression + "\": " + schedule.error().message;
  return Comparison(question, *schedule).run();
}

}  // namespace oracle
