#include "runner/schedules/proof.h"

#include <algorithm>
#include <variant>

#include "scheduler/schedule.h"

namespace runner::schedules {
namespace {

using scheduler::Decision;
using scheduler::Observed;
using scheduler::StartRun;

// Slots, or a run by hand that was asked for: what is not seen now is not looked for again.
bool passes_something(const Observed& observed, const scheduler::State& after) {
  // Whether a trigger is a wish, and whose, only the API itself can tell.
  if (!observed.state)
    return observed.edited_before || after.accounted != observed.created ||
           !after.handled_trigger.empty() || after.pending_trigger;
  return after.accounted != observed.state->accounted || after.ahead != observed.state->ahead ||
         after.pending_trigger != observed.state->pending_trigger;
}

bool starts_slot(const Decision& decision, scheduler::Instant slot) {
  return std::any_of(decision.actions.begin(), decision.actions.end(),
                     [&](const scheduler::Action& action) {
                       const auto* start = std::get_if<StartRun>(&action);
                       return start != nullptr && start->slot == slot;
                     });
}

bool has_run(const Observed& observed, scheduler::Instant slot) {
  return std::any_of(
      observed.runs.begin(), observed.runs.end(),
      [&](const scheduler::ObservedRun& run) { return !run.manual && run.slot == slot; });
}

// Besides slots that are due: an edit, a suspend, a wish, a clock that was wrong, slots that wait.
bool is_plain(const scheduler::State& before, const scheduler::State& after) {
  return before.fingerprint == after.fingerprint && !before.suspended && !after.suspended &&
         before.accounted <= after.accounted && before.ahead == after.ahead && !before.held &&
         !after.held && before.handled_trigger == after.handled_trigger &&
         before.pending_trigger == after.pending_trigger;
}

}  // namespace

bool has_run_for_all(const scheduler::Spec& spec, const Observed& observed,
                     const Decision& decision) {
  if (!observed.state || !is_plain(*observed.state, decision.state)) return false;
  const bool skips = std::any_of(decision.actions.begin(), decision.actions.end(),
                                 [](const scheduler::Action& action) {
                                   return std::holds_alternative<scheduler::SkipRun>(action);
                                 });
  if (skips) return false;
  // Ends at the first slot that has none: not more steps than there are runs.
  auto slot = spec.schedule->next(observed.state->accounted);
  for (; slot && *slot <= decision.state.accounted; slot = spec.schedule->next(*slot))
    if (!starts_slot(decision, *slot) && !has_run(observed, *slot)) return false;
  return true;
}

Proof needed_proof(const scheduler::Spec& spec, const Observed& observed,
                   const Decision& decision) {
  const bool vanished = std::any_of(decision.ended.begin(), decision.ended.end(),
                                    [](const scheduler::EndedRun& run) { return run.gone; });
  const bool starts = std::any_of(
      decision.actions.begin(), decision.actions.end(),
      [](const scheduler::Action& action) { return std::holds_alternative<StartRun>(action); });
  const bool covered = has_run_for_all(spec, observed, decision);
  // A suspend, an edit or a run could be missing from the cache, and a run that a crash kept out of
  // the counts is counted when its slot passes or never.
  if (vanished || decision.take_trigger || (passes_something(observed, decision.state) && !covered))
    return Proof::Runs;
  if (!starts) return Proof::None;
  return covered && scheduler::rules_of(spec.policy.concurrency).overlaps ? Proof::Schedule
                                                                          : Proof::Runs;
}

}  // namespace runner::schedules
