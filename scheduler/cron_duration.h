#pragma once

// Durations as Go writes them: "1h30m", "1.5h", "90s", "1500ms".

#include <cstdint>
#include <optional>
#include <string_view>

namespace scheduler {

// In nanoseconds; nullopt: not a duration, or longer than 292 years.
std::optional<int64_t> parse_go_duration(std::string_view text);

}  // namespace scheduler
