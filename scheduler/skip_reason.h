#pragma once

// SkipReason: why a slot did not start. The names are public: status, events, metrics.
//
// Threads: pure.

#include <optional>
#include <string_view>

namespace scheduler {

enum class SkipReason {
  Superseded,            // a newer slot took its place
  ForbidConcurrent,      // Forbid, and another run was unfinished
  DeadlineExceeded,      // later than startingDeadlineSeconds
  MissedSkipped,         // missed, and missedRunPolicy is Skip
  NamespaceTerminating,  // nothing can be created there any more
  CreateRefused,         // the API refused the run until a newer slot came or its time was over
};
const char* to_string(SkipReason reason);
std::optional<SkipReason> parse_skip_reason(std::string_view text);

}  // namespace scheduler
