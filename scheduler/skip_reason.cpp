#include "scheduler/skip_reason.h"

#include <array>

namespace scheduler {
namespace {

constexpr std::array kReasons{SkipReason::Superseded,           SkipReason::ForbidConcurrent,
                              SkipReason::DeadlineExceeded,     SkipReason::MissedSkipped,
                              SkipReason::NamespaceTerminating, SkipReason::CreateRefused};

}  // namespace

const char* to_string(SkipReason reason) {
  switch (reason) {
    case SkipReason::Superseded:
      return "Superseded";
    case SkipReason::ForbidConcurrent:
      return "ForbidConcurrent";
    case SkipReason::DeadlineExceeded:
      return "DeadlineExceeded";
    case SkipReason::MissedSkipped:
      return "MissedSkipped";
    case SkipReason::NamespaceTerminating:
      return "NamespaceTerminating";
    case SkipReason::CreateRefused:
      return "CreateRefused";
  }
  return "Unknown";
}

std::optional<SkipReason> parse_skip_reason(std::string_view text) {
  for (const SkipReason reason : kReasons)
    if (text == to_string(reason)) return reason;
  return std::nullopt;
}

}  // namespace scheduler
