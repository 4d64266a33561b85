#include "scheduler/observed.h"

#include <array>
#include <utility>

namespace scheduler {
namespace {

constexpr std::array kReasons{
    std::pair{SkipReason::Superseded, "Superseded"},
    std::pair{SkipReason::ForbidConcurrent, "ForbidConcurrent"},
    std::pair{SkipReason::DeadlineExceeded, "DeadlineExceeded"},
    std::pair{SkipReason::MissedSkipped, "MissedSkipped"},
    std::pair{SkipReason::NamespaceTerminating, "NamespaceTerminating"},
    std::pair{SkipReason::CreateRefused, "CreateRefused"},
};

}  // namespace

const char* to_string(SkipReason reason) {
  for (const auto& [value, text] : kReasons)
    if (value == reason) return text;
  return "Unknown";
}

std::optional<SkipReason> parse_skip_reason(std::string_view text) {
  for (const auto& [value, name] : kReasons)
    if (text == name) return value;
  return std::nullopt;
}

}  // namespace scheduler
