#pragma once

// run_name: the name of the run of a slot, which is also its lock: equal slots give equal names, so
// creating a run twice is impossible.
//
// At most kMaxRunName characters, a DNS-1035 label: what is derived from it ("-driver-svc",
// "-ui-svc", "-prom-conf-vol", labels) fits 63. Longer schedule names, and those that are no label,
// are cut and get 8 digits of a hash of the whole name.
// Threads: pure functions.

#include <string>
#include <string_view>

#include "scheduler/schedule.h"

namespace scheduler {

inline constexpr size_t kMaxRunName = 49;  // 63 less the longest suffix

// "nightly-20261121t020000z".
std::string run_name(std::string_view schedule, Instant slot);
// "nightly-manual-20261121t020000z".
std::string manual_run_name(std::string_view schedule, Instant at);

}  // namespace scheduler
