#pragma once

#include <string>
#include <string_view>

namespace scheduler {

// What was found, for a message of one line: in quotes, with everything but printable ASCII as
// \xNN.
std::string quoted(std::string_view text);

}  // namespace scheduler
