#pragma once

// TimeZone: an IANA zone, immutable and shared; correct past the last tabulated transition, by the
// POSIX footer of the zone file.
//
// Threads: load() from any thread (results are shared and kept); const methods from any thread.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace scheduler {

// UTC, whole seconds: the only time type that crosses this library's boundary.
using Instant = std::chrono::sys_seconds;

struct LocalTime {
  std::chrono::local_seconds time;
  std::chrono::seconds offset;  // local = UTC + offset
  std::string abbreviation;     // "EST"
};

class TimeZone {
 public:
  // InvalidArgument: `unknown time zone "Mars/Olympus"`. "localtime", paths and "" are refused.
  static base::Result<std::shared_ptr<const TimeZone>> load(std::string_view name);
  virtual ~TimeZone() = default;
  [[nodiscard]] virtual const std::string& name() const = 0;
  [[nodiscard]] virtual LocalTime to_local(Instant instant) const = 0;
};

// "2026a", from the installed data; "unknown" if it does not say.
std::string tzdata_version();

// "2026-03-08T03:00:00-04:00": an instant as local time with offset.
std::string format_local(Instant instant, const TimeZone& zone);

}  // namespace scheduler
