#include "tools/sparkctl/times.h"

#include <algorithm>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"

namespace sparkctl {
namespace {

int64_t whole_seconds(std::chrono::milliseconds time) {
  return std::max<int64_t>(std::chrono::floor<std::chrono::seconds>(time).count(), 0);
}

}  // namespace

std::string rough(std::chrono::milliseconds time) {
  constexpr int64_t kMinute = 60, kHour = 3600, kDay = 86'400, kYear = 365 * kDay;
  const int64_t seconds = whole_seconds(time);
  if (seconds < 2 * kMinute) return std::to_string(seconds) + "s";
  if (seconds < 2 * kHour) return std::to_string(seconds / kMinute) + "m";
  if (seconds < 2 * kDay) return std::to_string(seconds / kHour) + "h";
  if (seconds < 2 * kYear) return std::to_string(seconds / kDay) + "d";
  return std::to_string(seconds / kYear) + "y";
}

std::string exact(std::chrono::milliseconds time) {
  const int64_t seconds = whole_seconds(time);
  char text[64];
  if (seconds < 60) {
    std::snprintf(text, sizeof text, "%llds", static_cast<long long>(seconds));
  } else if (seconds < 3600) {
    std::snprintf(text, sizeof text, "%lldm%02llds", static_cast<long long>(seconds / 60),
                  static_cast<long long>(seconds % 60));
  } else {
    std::snprintf(text, sizeof text, "%lldh%02lldm%02llds", static_cast<long long>(seconds / 3600),
                  static_cast<long long>(seconds / 60 % 60), static_cast<long long>(seconds % 60));
  }
  return text;
}

std::string span_text(std::chrono::milliseconds time) {
  std::string text = exact(time);
  for (const std::string zero : {"m00s", "h00m"})
    if (text.ends_with(zero)) text.resize(text.size() - 3);
  return text;
}

std::string relative_to(base::WallTime time, base::WallTime now) {
  if (time - now >= std::chrono::seconds{1}) return "in " + rough(time - now);
  if (now - time >= std::chrono::seconds{1}) return rough(now - time) + " ago";
  return "now";
}

std::string local_text(base::WallTime time, const scheduler::TimeZone& zone) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  const auto instant = std::chrono::floor<std::chrono::seconds>(time);
  const auto local = zone.to_local(instant).time;
  const std::chrono::weekday day{std::chrono::floor<std::chrono::days>(local)};
  // "2026-11-23T02:00:00+01:00"
  std::string text = scheduler::format_local(instant, zone);
  const size_t date_end = text.find('T');
  text[date_end] = ' ';
  const size_t offset = text.find_first_of("+-Z", date_end);
  if (offset != std::string::npos) text.insert(offset, " ");
  return std::string(kDays[day.c_encoding()]) + " " + text;
}

std::optional<base::WallTime> time_at(const nlohmann::json& object,
                                      std::initializer_list<std::string_view> path) {
  const auto time = base::parse_rfc3339(base::string_at(object, path));
  return time ? std::optional(*time) : std::nullopt;
}

std::string age_at(const nlohmann::json& object, std::initializer_list<std::string_view> path,
                   base::WallTime now) {
  const auto time = time_at(object, path);
  return time ? rough(now - *time) : "";
}

}  // namespace sparkctl
