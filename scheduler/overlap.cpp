#include "scheduler/overlap.h"

#include <algorithm>

namespace scheduler {

bool blocked(const Policy& policy, const Observed& observed) {
  if (rules_of(policy.concurrency).overlaps) return false;
  return observed.lingering > 0 ||
         std::any_of(observed.runs.begin(), observed.runs.end(), [](const ObservedRun& run) {
           return run.driver_alive || (!run.gone && run.phase == RunPhase::Unfinished);
         });
}

Overlap overlap(const Policy& policy, const Observed& observed, size_t candidates) {
  if (candidates == 0) return {};
  const ConcurrencyRules& rules = rules_of(policy.concurrency);
  if (rules.overlaps) return {.stop = {}, .start = candidates};
  if (!blocked(policy, observed)) return {.stop = {}, .start = 1};
  Overlap answer;
  if (rules.stops_others) {
    for (const ObservedRun& run : observed.runs)
      if (!run.gone && !run.stopping && run.phase == RunPhase::Unfinished)
        answer.stop.push_back({.name = run.name, .uid = run.uid});
    std::sort(answer.stop.begin(), answer.stop.end(),
              [](const StopRun& a, const StopRun& b) { return a.name < b.name; });
  }
  return answer;
}

}  // namespace scheduler
