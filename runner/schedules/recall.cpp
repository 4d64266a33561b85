#include "runner/schedules/recall.h"

#include <algorithm>

#include "scheduler/ahead.h"

namespace runner::schedules {

using scheduler::Instant;
using std::chrono::floor;
using std::chrono::seconds;

namespace {

std::optional<Instant> slot_of(const RunRecord& run) {
  if (!run.slot || run.manual) return std::nullopt;
  return floor<seconds>(*run.slot);
}

bool exists(const scheduler::Observed& observed, const std::string& uid) {
  return std::any_of(
      observed.runs.begin(), observed.runs.end(),
      [&](const scheduler::ObservedRun& run) { return run.uid == uid && !run.gone; });
}

}  // namespace

scheduler::State recalled_state(const Remembered& known, const std::vector<RunRecord>& ahead,
                                const scheduler::Spec& spec, const scheduler::Observed& observed,
                                Instant now) {
  scheduler::State state;
  state.fingerprint = spec.fingerprint;
  state.suspended = spec.policy.suspended || !spec.submittable;
  state.accounted = observed.edited_before
                        ? std::max(observed.created, now)
                        : std::max(observed.created, known.latest.value_or(observed.created));
  state.handled_trigger = known.trigger;
  state.counts = {.started = known.counts.started,
                  .succeeded = known.counts.succeeded,
                  .failed = known.counts.failed,
                  .skipped = known.counts.skipped};
  for (const RunRecord& run : known.unfinished)
    if (exists(observed, run.uid))
      state.tracked.push_back(
          {.name = run.name, .uid = run.uid, .slot = slot_of(run), .manual = run.manual});
  // Gone without a recorded end, as a decision that sees one go has it.
  const uint64_t settled = state.counts.succeeded + state.counts.failed + state.tracked.size();
  if (state.counts.started > settled) state.counts.failed += state.counts.started - settled;
  for (const RunRecord& run : ahead)
    if (const auto slot = slot_of(run); slot && *slot > state.accounted)
      scheduler::add_ahead(state.ahead, *slot, *spec.schedule);
  return state;
}

}  // namespace runner::schedules
