#include "runner/schedules/recent.h"

#include <algorithm>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"

namespace runner::schedules {
namespace {

using nlohmann::json;
using std::chrono::seconds;

constexpr size_t kEnoughForUsual = 3;

std::optional<base::WallTime> time_at(const json& entry, const char* field) {
  const auto time = base::parse_rfc3339(base::string_at(entry, {field}));
  return time ? std::optional<base::WallTime>(*time) : std::nullopt;
}

// Of an even number the longer of the two in the middle.
std::optional<seconds> median(std::vector<seconds> durations) {
  if (durations.size() < kEnoughForUsual) return std::nullopt;
  const auto middle = durations.begin() + static_cast<std::ptrdiff_t>(durations.size() / 2);
  std::nth_element(durations.begin(), middle, durations.end());
  return *middle;
}

}  // namespace

RecentOutcomes recent_outcomes(const json& status) {
  RecentOutcomes recent;
  const json* entries = base::find(status, {"recentRuns"});
  if (entries == nullptr || !entries->is_array()) return recent;
  std::vector<seconds> durations;
  bool only_failures = true;
  for (const json& entry : *entries) {  // the newest first
    const std::string outcome = base::string_at(entry, {"outcome"});
    const auto started = time_at(entry, "started");
    if (outcome == "Skipped" || !started) continue;
    const auto ended = time_at(entry, "ended");
    if (!ended) {
      if (!recent.oldest_active || *started < *recent.oldest_active) recent.oldest_active = started;
      continue;
    }
    if (outcome == "Failed" && only_failures) ++recent.consecutive_failures;
    if (outcome != "Succeeded") continue;
    only_failures = false;
    durations.push_back(
        std::max(std::chrono::duration_cast<seconds>(*ended - *started), seconds{0}));
  }
  recent.usual_duration = median(std::move(durations));
  return recent;
}

}  // namespace runner::schedules
