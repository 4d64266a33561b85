#pragma once

// What is read from the zone files directly, because the date library does not offer it: the POSIX
// rule at the end of a file, and the version of the data.

#include <string>
#include <string_view>

#include "base/result.h"

namespace scheduler {

// Whether this may be the name of a zone at all: letters, digits, "_", "+", "-" in parts separated
// by "/". Names that mean "this machine's zone" and other views of the data (posix, right) are not.
bool is_zone_name(std::string_view name);

// The text between the last two newlines; empty if the file has none.
base::Result<std::string> read_zone_footer(const std::string& name);
base::Result<std::string> zone_footer(std::string_view content);

}  // namespace scheduler
