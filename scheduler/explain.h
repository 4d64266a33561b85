#pragma once

// explain: a cron expression in plain English, for people who check what they wrote: every field,
// lists, steps, L, W and # forms, what H came to, and what happens when the clock changes.
//
// Threads: a pure function.

#include <string>
#include <string_view>

#include "base/result.h"
#include "scheduler/schedule.h"

namespace scheduler {

// "At 09:30 on Monday through Friday, in America/New_York. If the clock …". Errors as
// Schedule::parse().
base::Result<std::string> explain(std::string_view expression, const ScheduleOptions& options = {});

}  // namespace scheduler
