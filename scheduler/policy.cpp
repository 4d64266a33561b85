#include "scheduler/policy.h"

namespace scheduler {

// No default in these: the compiler names the places that a new policy has to be told to.

const ConcurrencyRules& rules_of(Concurrency policy) {
  static constexpr ConcurrencyRules kAllow{.name = "Allow",
                                           .overlaps = true,
                                           .stops_others = false,
                                           .may_queue = true,
                                           .blocked_as = SkipReason::Superseded};
  static constexpr ConcurrencyRules kForbid{.name = "Forbid",
                                            .overlaps = false,
                                            .stops_others = false,
                                            .may_queue = true,
                                            .blocked_as = SkipReason::ForbidConcurrent};
  // Queued slots would only stop each other.
  static constexpr ConcurrencyRules kReplace{.name = "Replace",
                                             .overlaps = false,
                                             .stops_others = true,
                                             .may_queue = false,
                                             .blocked_as = SkipReason::Superseded};
  switch (policy) {
    case Concurrency::Allow:
      return kAllow;
    case Concurrency::Forbid:
      return kForbid;
    case Concurrency::Replace:
      return kReplace;
  }
  return kForbid;
}

const MissedRules& rules_of(MissedRuns policy) {
  static constexpr MissedRules kLatest{.name = "Latest", .catches_up = false, .drops_late = false};
  static constexpr MissedRules kSkip{.name = "Skip", .catches_up = false, .drops_late = true};
  static constexpr MissedRules kAll{.name = "All", .catches_up = true, .drops_late = false};
  switch (policy) {
    case MissedRuns::Latest:
      return kLatest;
    case MissedRuns::Skip:
      return kSkip;
    case MissedRuns::All:
      return kAll;
  }
  return kLatest;
}

}  // namespace scheduler
