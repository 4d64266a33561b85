#include "scheduler/explain_words.h"

#include <array>

namespace scheduler::words {

std::string join(const std::vector<std::string>& parts, const std::string& last) {
  std::string text;
  for (size_t i = 0; i < parts.size(); ++i) {
    if (i > 0) text += i + 1 == parts.size() ? " " + last + " " : ", ";
    text += parts[i];
  }
  return text;
}

std::string ordinal(uint32_t number) {
  const uint32_t tens = number % 100;
  const bool teen = tens >= 11 && tens <= 13;
  const char* ending = "th";
  if (!teen && number % 10 == 1) ending = "st";
  if (!teen && number % 10 == 2) ending = "nd";
  if (!teen && number % 10 == 3) ending = "rd";
  return std::to_string(number) + ending;
}

std::string two_digits(uint32_t number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

std::string clock(uint32_t hour, uint32_t minute) {
  return two_digits(hour) + ":" + two_digits(minute);
}

std::string weekday(uint32_t number) {
  constexpr std::array<const char*, 7> kNames{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                              "Thursday", "Friday", "Saturday"};
  return kNames[number % 7];
}

std::string month(uint32_t number) {
  constexpr std::array<const char*, 12> kNames{"January",   "February", "March",    "April",
                                               "May",       "June",     "July",     "August",
                                               "September", "October",  "November", "December"};
  return kNames[(number - 1) % 12];
}

std::string duration(int64_t seconds) {
  struct Unit {
    int64_t size;
    const char* name;
  };
  constexpr std::array<Unit, 4> kUnits{{{86400, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}}};
  std::string text;
  for (const Unit& unit : kUnits) {
    if (seconds < unit.size) continue;
    text += (text.empty() ? "" : " ") + std::to_string(seconds / unit.size) + unit.name;
    seconds %= unit.size;
  }
  return text;
}

uint32_t last_of(const CronItem& item) {
  return item.first + (item.last - item.first) / item.step * item.step;
}

std::string range(const CronItem& item, const std::function<std::string(uint32_t)>& name) {
  const uint32_t last = last_of(item);
  if (last == item.first) return name(item.first);
  if (item.step == 1) return name(item.first) + " through " + name(last);
  return "every " + ordinal(item.step) + " from " + name(item.first) + " through " + name(last);
}

}  // namespace scheduler::words
