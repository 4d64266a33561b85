#pragma once

// Times as people read them.
//
// Threads: pure functions.

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "scheduler/time_zone.h"

namespace sparkctl {

// "45s", "12m", "7h", "3d", "2y".
std::string rough(std::chrono::milliseconds time);
// "1h02m03s".
std::string exact(std::chrono::milliseconds time);
// As people write a span of time: "12h", "1h30m", "90s" as "1m30s".
std::string span_text(std::chrono::milliseconds time);
// "in 3h", "3h ago", "now".
std::string relative_to(base::WallTime time, base::WallTime now);
// "Mon 2026-11-23 02:00:00 +01:00".
std::string local_text(base::WallTime time, const scheduler::TimeZone& zone);

// The RFC 3339 time at a path; nullopt when it is none.
std::optional<base::WallTime> time_at(const nlohmann::json& object,
                                      std::initializer_list<std::string_view> path);
// How long ago that was, rough; empty when there is none.
std::string age_at(const nlohmann::json& object, std::initializer_list<std::string_view> path,
                   base::WallTime now);

}  // namespace sparkctl
