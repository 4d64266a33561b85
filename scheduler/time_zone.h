#pragma once

// TimeZone: an IANA zone, immutable and shared; correct past the last tabulated transition, by the
// POSIX footer of the zone file, for fat and slim files alike.
//
// The changes come from Howard Hinnant's date library, which reads the installed tzdata; that
// library ignores the footer, so the rest of time is ours. No libc time call is made.
//
// Threads: load() from any thread (results are shared and kept for the life of the process); const
// methods from any thread.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "scheduler/time_zone_offsets.h"

namespace scheduler {

// UTC, whole seconds: the only time type that crosses this library's boundary.
using Instant = std::chrono::sys_seconds;

struct LocalTime {
  std::chrono::local_seconds time;
  std::chrono::seconds offset;  // local = UTC + offset
  std::string abbreviation;     // "EST"
};

class TimeZone final {
 public:
  // InvalidArgument: `unknown time zone "utc" (did you mean UTC?)`. "localtime", paths and "" are
  // refused.
  static base::Result<std::shared_ptr<const TimeZone>> load(std::string_view name);
  TimeZone(std::string name, OffsetTable offsets)
      : name_(std::move(name)), offsets_(std::move(offsets)) {}

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] LocalTime to_local(Instant instant) const;
  [[nodiscard]] std::chrono::seconds offset_at(Instant instant) const;
  // The first instant after this one at which the offset or its abbreviation changes; far away if
  // there is none.
  [[nodiscard]] Instant next_change(Instant instant) const;
  [[nodiscard]] const OffsetTable& offsets() const { return offsets_; }

 private:
  std::string name_;
  OffsetTable offsets_;
};

// "2026a", from the installed data; "unknown" if it does not say.
std::string tzdata_version();

// "2026-03-08T03:00:00-04:00": an instant as local time with offset. Offsets with seconds (before
// standard time was introduced) are shown with them.
std::string format_local(Instant instant, const TimeZone& zone);

}  // namespace scheduler
