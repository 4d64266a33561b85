#pragma once

// RFC 3339 time stamps as Kubernetes writes them. Pure, no locale, no libc time call.

#include <chrono>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

namespace base {

// "2026-03-08T07:00:00Z".
std::string format_rfc3339(std::chrono::sys_seconds time);
// "2026-03-08T07:00:00.123456Z", as metav1.MicroTime; milliseconds are padded.
std::string format_rfc3339_micro(WallTime time);

// Accepts "Z" or a numeric offset and an optional fraction (truncated to milliseconds); years
// 0000–9999. Error: InvalidArgument, `"x" is not an RFC 3339 time such as 2026-03-08T07:00:00Z`.
Result<WallTime> parse_rfc3339(std::string_view text);

}  // namespace base
