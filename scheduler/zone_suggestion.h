#pragma once

// zone_suggestion: what somebody may have meant by the name of a time zone that does not exist.
//
// Threads: pure, but for the reading of the list of zones.

#include <string>
#include <string_view>

namespace scheduler {

// " (did you mean Europe/Berlin?)", to be put behind an error; "" when nothing comes near. Other
// spellings ("utc", "america/new york"), cities ("Berlin"), abbreviations ("IST"), offsets
// ("GMT+8", whose zone has the other sign) and slips of the pen.
std::string zone_suggestion(std::string_view name);

}  // namespace scheduler
