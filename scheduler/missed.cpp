#include "scheduler/missed.h"

#include <algorithm>

namespace scheduler {
namespace {

using std::chrono::seconds;

constexpr seconds kSecond{1};
// Longer deadlines than this bound nothing, and would overflow.
constexpr seconds kLongest = std::chrono::hours(24 * 366 * 200);

// The newest instant that is more than `late` behind now.
Instant expired(base::WallTime now, seconds late) {
  return std::chrono::ceil<seconds>(now - std::min(late, kLongest)) - kSecond;
}

class Sorter {
 public:
  explicit Sorter(const MissedInput& input)
      : in_(input),
        concurrency_(rules_of(input.policy.concurrency)),
        missed_(rules_of(input.policy.missed)),
        low_(input.from),
        now_(std::chrono::floor<seconds>(input.now)) {}

  DueSlots sort() {
    if (now_ <= low_) return {};
    if (in_.policy.starting_deadline)
      skip_up_to(expired(in_.now, *in_.policy.starting_deadline), SkipReason::DeadlineExceeded);
    if (missed_.drops_late) {
      skip_late();
    } else {
      const bool all = missed_.catches_up && concurrency_.may_queue;
      keep_newest(all ? in_.policy.max_catch_up_runs : 1, blocked_reason(SkipReason::Superseded));
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] SkipReason blocked_reason(SkipReason otherwise) const {
    return in_.blocked ? concurrency_.blocked_as : otherwise;
  }

  void skip_late() {
    if (in_.blocked && !concurrency_.stops_others) {
      skip_up_to(now_, concurrency_.blocked_as);
      return;
    }
    Instant late = expired(in_.now, kOnTime);
    // A slot for which others are being stopped is not missed, however long they take.
    if (concurrency_.stops_others && in_.held)
      late = std::min(late, in_.held->slots.last - kSecond);
    skip_up_to(late, SkipReason::MissedSkipped);
    keep_newest(1, SkipReason::MissedSkipped);
  }

  // Keeps the newest `most` slots of what is left and skips the older ones.
  void keep_newest(size_t most, SkipReason reason) {
    std::vector<Instant> newest;
    for (Instant before = now_ + kSecond; newest.size() < most;) {
      const auto slot = in_.schedule.prev(before);
      if (!slot || *slot <= low_) break;
      newest.push_back(*slot);
      before = *slot;
    }
    if (newest.empty()) return;
    skip_up_to(newest.back() - kSecond, reason);
    for (auto slot = newest.rbegin(); slot != newest.rend(); ++slot)
      if (!was_started(*slot)) out_.runnable.push_back(*slot);
  }

  [[nodiscard]] bool was_started(Instant slot) const {
    return std::any_of(in_.started.begin(), in_.started.end(),
                       [&](const Span& span) { return span.first <= slot && slot <= span.last; });
  }

  void skip_up_to(Instant high, SkipReason reason) {
    high = std::min(high, now_);
    if (high <= low_) return;
    // What was held keeps its own reason: it says more than that something newer came.
    if (in_.held && in_.held->slots.last > low_) {
      const Instant split = std::min(high, in_.held->slots.last);
      const bool tells_more =
          reason == SkipReason::Superseded || in_.held->reason == SkipReason::CreateRefused;
      skip_around_started(low_, split, tells_more ? in_.held->reason : reason);
      low_ = split;
    }
    skip_around_started(low_, high, reason);
    low_ = high;
  }

  void skip_around_started(Instant low, Instant high, SkipReason reason) {
    for (const Span& started : in_.started) {
      if (started.last <= low || started.first > high) continue;
      skip(low, started.first - kSecond, reason);
      low = started.last;
    }
    skip(low, high, reason);
  }

  void skip(Instant low, Instant high, SkipReason reason) {
    if (high <= low) return;
    const uint64_t count = in_.schedule.count(low, high);
    if (count == 0) return;
    const auto first = in_.schedule.next(low);
    const auto last = in_.schedule.prev(high + kSecond);
    out_.skipped.push_back(
        {.slots = {.first = first.value_or(high), .last = last.value_or(high), .count = count},
         .reason = reason});
  }

  const MissedInput& in_;
  const ConcurrencyRules& concurrency_;
  const MissedRules& missed_;
  Instant low_;
  Instant now_;
  DueSlots out_;
};

}  // namespace

DueSlots missed(const MissedInput& input) {
  return Sorter(input).sort();
}

}  // namespace scheduler
