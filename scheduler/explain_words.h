#pragma once

// The words that explain() is made of.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "scheduler/cron_expression.h"

namespace scheduler::words {

// "a, b and c"
std::string join(const std::vector<std::string>& parts, const std::string& last);
std::string ordinal(uint32_t number);  // "1st"
std::string two_digits(uint32_t number);
std::string clock(uint32_t hour, uint32_t minute);  // "09:30"
std::string weekday(uint32_t number);               // 0 and 7: "Sunday"
std::string month(uint32_t number);                 // 1: "January"
std::string duration(int64_t seconds);              // "1 h 30 min"
// The last value that an item reaches in its steps.
uint32_t last_of(const CronItem& item);
// "5", "1 through 5", "every 2nd from 1 through 9"
std::string range(const CronItem& item, const std::function<std::string(uint32_t)>& name);

}  // namespace scheduler::words
