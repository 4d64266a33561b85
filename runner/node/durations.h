#pragma once

// Seconds that people write: any 64-bit number becomes a time that can be added to a clock's
// without passing its end. Less than nothing is nothing.
//
// Threads: pure.

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace runner::node {

// Longer than any machine runs.
inline constexpr std::chrono::seconds kLongestTime = std::chrono::hours(24 * 365 * 100);

std::chrono::seconds bounded_seconds(int64_t seconds);
// The whole number at this path; `otherwise` when there is none.
std::chrono::seconds seconds_at(const nlohmann::json& object,
                                std::initializer_list<std::string_view> path,
                                std::chrono::seconds otherwise);

}  // namespace runner::node
