#include "scheduler/decide.h"

#include <algorithm>

#include "scheduler/ahead.h"
#include "scheduler/missed.h"
#include "scheduler/overlap.h"
#include "scheduler/retention.h"
#include "scheduler/run_name.h"

namespace scheduler {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kSecond{1};

class SlotDecider {
 public:
  SlotDecider(base::WallTime now, const Spec& spec, const Observed& observed)
      : now_(now),
        second_(std::chrono::floor<seconds>(now)),
        spec_(spec),
        seen_(observed),
        state_(observed.state.value_or(State{})) {}

  Decision decide() {
    if (seen_.state) {
      count_ended();
      believe_the_clock();
      follow_edits();
    } else {
      begin();
    }
    count_runs_ahead();
    follow_trigger();
    start_and_skip();
    plan();
    for (const SkipRun& skip : skips_)
      state_.counts.skipped += skip.slots.count;
    out_.actions.insert(out_.actions.end(), stops_.begin(), stops_.end());
    out_.actions.insert(out_.actions.end(), skips_.begin(), skips_.end());
    out_.actions.insert(out_.actions.end(), starts_.begin(), starts_.end());
    for (const DeleteRun& surplus : retention(spec_.policy, counted_runs(), second_))
      out_.actions.emplace_back(surplus);
    out_.state = std::move(state_);
    return std::move(out_);
  }

 private:
  // No slots come due.
  [[nodiscard]] bool at_rest() const { return spec_.policy.suspended || !spec_.submittable; }

  // First sight of the schedule. When it was last edited is not known, only that it was.
  void begin() {
    state_.fingerprint = spec_.fingerprint;
    state_.suspended = at_rest();
    state_.accounted = seen_.created;
    if (seen_.edited_before) owe_nothing_so_far();
    for (const ObservedRun& run : seen_.runs)
      if (run.manual) adopt(run);
    // A manifest that was copied with its annotation asks for nothing.
    if (!seen_.trigger_is_wanted) state_.handled_trigger = spec_.trigger;
  }

  // Runs that ended, or vanished, since the last decision.
  void count_ended() {
    std::vector<TrackedRun> going_on;
    for (const TrackedRun& run : state_.tracked) {
      const ObservedRun* seen = find_run(run.uid);
      const bool vanished = seen == nullptr || (seen->gone && seen->phase == RunPhase::Unfinished);
      if (!vanished && seen->phase == RunPhase::Unfinished) {
        going_on.push_back(run);
      } else {
        end(run, vanished ? RunPhase::Failed : seen->phase, vanished);
      }
    }
    state_.tracked = std::move(going_on);
  }

  void end(const TrackedRun& run, RunPhase phase, bool gone) {
    ++(phase == RunPhase::Succeeded ? state_.counts.succeeded : state_.counts.failed);
    out_.ended.push_back({.run = run, .phase = phase, .gone = gone});
  }

  [[nodiscard]] bool edited() const { return state_.fingerprint != spec_.fingerprint; }
  [[nodiscard]] bool turned() const { return state_.suspended != at_rest(); }

  // A clock that was wrong once, or was set back, has accounted for slots that are still to come.
  // They are due again when it is their time, but for those that have been started. What was
  // written down about the others stands in the books as that clock saw it.
  void believe_the_clock() {
    if (state_.accounted <= second_) return;
    if (!edited() && !turned() && seen_.clock_behind_for < kClockBelieved) return;
    for (const ObservedRun& run : seen_.runs) {
      if (!is_slot_run(run) || *run.slot <= second_) continue;
      if (is_uncounted(run)) adopt(run);
      add_ahead(state_.ahead, *run.slot, *spec_.schedule);
    }
    if (state_.held && state_.held->slots.last > second_) state_.held.reset();
    state_.accounted = second_;
  }

  // Runs of slots ahead, which the clock had reached before it was set back, and a crash kept out
  // of the counts.
  void count_runs_ahead() {
    for (const ObservedRun& run : seen_.runs) {
      if (!is_uncounted(run) || *run.slot <= second_) continue;
      adopt(run);
      add_ahead(state_.ahead, *run.slot, *spec_.schedule);
    }
  }

  void follow_edits() {
    const bool is_edited = edited();
    const bool is_turned = turned();
    if (is_edited || at_rest()) drop_held();
    // A suspend, too: it may last, and what a crash kept out of the counts is counted now.
    if (is_edited || is_turned) owe_nothing_so_far();
    state_.fingerprint = spec_.fingerprint;
    state_.suspended = at_rest();
  }

  // Runs that a crash kept out of the counts are counted now or never.
  void owe_nothing_so_far() { account_up_to(second_); }

  // Slots that came due before an edit or a suspend end here. Their schedule may be no more, so
  // what is known of them is what was written down. Those that a crash had started all the same are
  // the oldest: slots start in order.
  void drop_held() {
    if (!state_.held) return;
    HeldSlots held = *state_.held;
    state_.held.reset();
    const Instant last = held.slots.last;
    const bool same = state_.fingerprint == spec_.fingerprint;
    for (const Instant slot : started_slots(last)) {
      if (slot < held.slots.first || held.slots.count == 0) continue;
      --held.slots.count;
      const Instant after = slot + kSecond;
      held.slots.first = std::min(same ? spec_.schedule->next(slot).value_or(after) : after, last);
    }
    account_up_to(last);
    if (held.slots.count > 0) skips_.push_back({.slots = held.slots, .reason = held.reason});
  }

  // The name of a run by hand holds the time, so it has to be written down before the run is
  // created: the decision after a crash must find the same name.
  void follow_trigger() {
    const std::string& wanted = spec_.trigger;
    if (shows_taken_up() && !asks_again()) return;
    // An annotation that stayed and is gone has its owner's leave to come again.
    if (wanted.empty() && !state_.pending_trigger) state_.handled_trigger.clear();
    if (!spec_.submittable || wanted.empty() || wanted == state_.handled_trigger) return;
    if (state_.pending_trigger && state_.pending_trigger->value == wanted) return;
    // A crash may have hidden that the run asked for before was created.
    if (const ObservedRun* run = pending_run()) {
      adopt(*run);
      trigger_handled();
    }
    state_.pending_trigger =
        PendingTrigger{.value = wanted, .at = free_second(), .stays = !seen_.trigger_may_go};
    trigger_is_new_ = true;
  }

  [[nodiscard]] bool shows_taken_up() const {
    const auto& pending = state_.pending_trigger;
    return pending && !pending->stays && pending->value == spec_.trigger;
  }

  // The annotation of a wish goes before its run is created. So beside the run it is another wish;
  // without one it is the same, or was written again while that waits, and one run is for both. By
  // then it may be part of a manifest.
  bool asks_again() {
    if (const ObservedRun* run = pending_run()) {
      adopt(*run);
      trigger_handled();
      return true;
    }
    if (seen_.trigger_was_refused || !seen_.trigger_may_go) {
      state_.pending_trigger->stays = true;
      trigger_is_new_ = true;
    } else {
      out_.take_trigger = true;
    }
    return false;
  }

  // Two wishes within a second, or in the same second of a clock that was set back, are two runs.
  [[nodiscard]] Instant free_second() const {
    Instant at = second_;
    const auto is_taken = [&](const std::string& name) {
      const auto has_name = [&](const auto& run) { return run.name == name; };
      return std::any_of(seen_.runs.begin(), seen_.runs.end(), has_name) ||
             std::any_of(state_.tracked.begin(), state_.tracked.end(), has_name);
    };
    while (is_taken(manual_run_name(spec_.name, at)))
      at += kSecond;
    return at;
  }

  void start_and_skip() {
    std::vector<StartRun> candidates;
    if (const auto by_hand = manual_candidate()) candidates.push_back(*by_hand);
    if (!at_rest()) {
      const DueSlots due = due_slots();
      skips_.insert(skips_.end(), due.skipped.begin(), due.skipped.end());
      for (const Instant slot : due.runnable)
        candidates.push_back({.name = run_name(spec_.name, slot), .slot = slot, .at = slot});
    }
    const size_t startable = drop_refused(candidates);
    Overlap answer = overlap(spec_.policy, seen_, candidates.size());
    stops_ = std::move(answer.stop);
    const size_t starting = std::min(answer.start, startable);
    for (size_t i = 0; i < starting; ++i)
      start(candidates[i]);
    hold({candidates.begin() + static_cast<std::ptrdiff_t>(starting), candidates.end()},
         starting < answer.start);
  }

  std::optional<StartRun> manual_candidate() {
    if (!state_.pending_trigger || trigger_is_new_ || out_.take_trigger) return std::nullopt;
    if (const ObservedRun* run = pending_run()) {
      adopt(*run);
      trigger_handled();
      return std::nullopt;
    }
    if (!spec_.submittable) return std::nullopt;
    return StartRun{.name = pending_name(), .slot = std::nullopt, .at = state_.pending_trigger->at};
  }

  [[nodiscard]] std::string pending_name() const {
    return state_.pending_trigger ? manual_run_name(spec_.name, state_.pending_trigger->at) : "";
  }

  // The run by hand that is pending, if it exists already: it was created just before a crash.
  [[nodiscard]] const ObservedRun* pending_run() const {
    const std::string name = pending_name();
    for (const ObservedRun& run : seen_.runs)
      if (!name.empty() && run.name == name) return &run;
    return nullptr;
  }

  void trigger_handled() {
    state_.handled_trigger = state_.pending_trigger->stays ? state_.pending_trigger->value : "";
    state_.pending_trigger.reset();
  }

  DueSlots due_slots() {
    return missed({.schedule = *spec_.schedule,
                   .policy = spec_.policy,
                   .from = state_.accounted,
                   .now = now_,
                   .started = started_spans(),
                   .held = state_.held,
                   .blocked = blocked(spec_.policy, seen_)});
  }

  // Takes out what can never be created; returns how many from the first may be tried now.
  size_t drop_refused(std::vector<StartRun>& candidates) {
    for (const Refusal& refusal : seen_.refusals) {
      const auto found =
          std::find_if(candidates.begin(), candidates.end(),
                       [&](const StartRun& run) { return run.name == refusal.name; });
      if (found == candidates.end()) continue;
      if (!refusal.for_good) return static_cast<size_t>(found - candidates.begin());
      if (found->slot) {
        skips_.push_back({.slots = {.first = *found->slot, .last = *found->slot, .count = 1},
                          .reason = refusal.reason});
      } else {
        trigger_handled();
      }
      candidates.erase(found);
    }
    return candidates.size();
  }

  void start(const StartRun& run) {
    starts_.push_back(run);
    ++state_.counts.started;
    state_.tracked.push_back(
        {.name = run.name, .uid = "", .slot = run.slot, .manual = !run.slot.has_value()});
    if (!run.slot) trigger_handled();
  }

  // What could not start waits; what is accounted for moves up to just before it.
  void hold(std::vector<StartRun> waiting, bool refused) {
    out_.waiting = !waiting.empty();
    std::erase_if(waiting, [](const StartRun& run) { return !run.slot; });
    if (waiting.empty()) {
      state_.held.reset();
      if (at_rest()) return;
      const auto newest = spec_.schedule->prev(second_ + kSecond);
      if (newest) account_up_to(*newest);
      return;
    }
    state_.held = HeldSlots{.slots = {.first = *waiting.front().slot,
                                      .last = *waiting.back().slot,
                                      .count = waiting.size()},
                            .reason = refused ? SkipReason::CreateRefused : overlap_reason()};
    account_up_to(*waiting.front().slot - kSecond);
  }

  [[nodiscard]] SkipReason overlap_reason() const {
    return rules_of(spec_.policy.concurrency).blocked_as;
  }

  void account_up_to(Instant slot) {
    adopt_up_to(slot);
    state_.accounted = std::max(state_.accounted, slot);
    forget_ahead(state_.ahead, state_.accounted);
  }

  // Runs whose slots are being accounted for, though no decision that was written down started
  // them: a crash fell between the creation and the status.
  void adopt_up_to(Instant last) {
    for (const ObservedRun& run : seen_.runs)
      if (is_uncounted(run) && *run.slot <= last) adopt(run);
  }

  void adopt(const ObservedRun& run) {
    const TrackedRun tracked{
        .name = run.name, .uid = run.uid, .slot = run.slot, .manual = run.manual};
    ++state_.counts.started;
    if (run.phase != RunPhase::Unfinished || run.gone) {
      end(tracked, run.phase == RunPhase::Succeeded ? run.phase : RunPhase::Failed,
          run.phase == RunPhase::Unfinished);
    } else {
      state_.tracked.push_back(tracked);
    }
  }

  [[nodiscard]] static bool is_slot_run(const ObservedRun& run) { return run.slot && !run.manual; }
  [[nodiscard]] bool is_uncounted(const ObservedRun& run) const {
    return is_slot_run(run) && !state_.has_counted(*run.slot);
  }

  [[nodiscard]] std::vector<Instant> started_slots(Instant last) const {
    std::vector<Instant> slots;
    for (const ObservedRun& run : seen_.runs)
      if (is_uncounted(run) && *run.slot <= last) slots.push_back(*run.slot);
    std::sort(slots.begin(), slots.end());
    slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
    return slots;
  }

  // What is due and has a run: uncounted ones of a crash, and what was started ahead of its time.
  [[nodiscard]] std::vector<Span> started_spans() const {
    std::vector<Span> spans = state_.ahead;
    for (const Instant slot : started_slots(second_))
      spans.push_back({.first = slot, .last = slot});
    std::sort(spans.begin(), spans.end(),
              [](const Span& a, const Span& b) { return a.first < b.first; });
    return spans;
  }

  // Only these may be pruned: the others still stand for something that is not in the counts.
  [[nodiscard]] std::vector<ObservedRun> counted_runs() const {
    std::vector<ObservedRun> counted;
    for (const ObservedRun& run : seen_.runs) {
      if (!is_uncounted(run) && run.name != pending_name()) counted.push_back(run);
    }
    return counted;
  }

  [[nodiscard]] const ObservedRun* find_run(const std::string& uid) const {
    for (const ObservedRun& run : seen_.runs)
      if (run.uid == uid) return &run;
    return nullptr;
  }

  [[nodiscard]] std::vector<Instant> next_runs() const {
    std::vector<Instant> next;
    std::optional<Instant> slot = std::max(state_.accounted, second_);
    while (next.size() < kNextRuns && (slot = spec_.schedule->next(*slot))) {
      for (const Span& span : state_.ahead)
        if (span.first <= *slot && *slot <= span.last) slot = span.last;
      if (!state_.has_counted(*slot)) next.push_back(*slot);
    }
    return next;
  }

  // When to look again, and what the user may expect.
  void plan() {
    out_.clock_behind = state_.accounted > second_;
    if (out_.clock_behind)
      wake_by(now_ + std::max(kClockBelieved - seen_.clock_behind_for, kSecond));
    if (trigger_is_new_) wake_by(now_ + milliseconds{1});
    if (at_rest()) return;
    out_.next_runs = next_runs();
    if (!out_.next_runs.empty()) wake_by(out_.next_runs.front());
    if (!state_.held) return;
    if (const auto deadline = spec_.policy.starting_deadline)
      wake_by(state_.held->slots.first + std::min(*deadline, seconds{std::chrono::hours(87600)}) +
              milliseconds{1});
    if (rules_of(spec_.policy.missed).drops_late)
      wake_by(state_.held->slots.first + kOnTime + milliseconds{1});
  }

  void wake_by(base::WallTime time) {
    if (time <= now_) return;
    if (!out_.wake_at || time < *out_.wake_at) out_.wake_at = time;
  }

  base::WallTime now_;
  Instant second_;
  const Spec& spec_;
  const Observed& seen_;
  State state_;
  Decision out_;
  std::vector<StopRun> stops_;
  std::vector<SkipRun> skips_;
  std::vector<StartRun> starts_;
  bool trigger_is_new_ = false;
};

}  // namespace

Decision decide_slots(base::WallTime now, const Spec& spec, const Observed& observed) {
  return SlotDecider(now, spec, observed).decide();
}

}  // namespace scheduler
