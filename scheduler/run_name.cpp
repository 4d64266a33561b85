#include "scheduler/run_name.h"

#include <array>
#include <cstdio>

#include "base/stable_hash.h"

namespace scheduler {
namespace {

bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}

// The schedule's name as a DNS-1035 label of at most `room` characters.
std::string label(std::string_view schedule, size_t room) {
  std::string text;
  if (schedule.empty() || !is_letter(schedule[0])) text = "s-";
  for (const char c : schedule)
    text += is_letter(c) || (c >= '0' && c <= '9') ? c : '-';
  if (text == schedule && text.size() <= room && text.back() != '-') return text;
  return text.substr(0, room - 9) + "-" + base::short_hash(schedule);
}

std::string stamp(Instant time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{day};
  const auto second = (time - day).count();
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "-%04d%02u%02ut%02d%02d%02dz",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(second / 3600),
                static_cast<int>(second / 60 % 60), static_cast<int>(second % 60));
  return text.data();
}

std::string name_with(std::string_view schedule, const std::string& suffix) {
  return label(schedule, kMaxRunName - suffix.size()) + suffix;
}

}  // namespace

std::string run_name(std::string_view schedule, Instant slot) {
  return name_with(schedule, stamp(slot));
}

std::string manual_run_name(std::string_view schedule, Instant at) {
  return name_with(schedule, "-manual" + stamp(at));
}

}  // namespace scheduler
