#pragma once

// How a container's output lies on disk: records of one line, each with its time, as container
// runtimes keep them:
//   2026-11-21T11:46:14.123456Z F a whole line\n
//   2026-11-21T11:46:14.123456Z P the beginning of a line whose rest follows\n
//
// Threads: pure.

#include <string>
#include <string_view>

#include "base/clock.h"

namespace runner::node {

struct LogRecord {
  std::string_view time;  // RFC 3339 with six digits
  bool whole = true;
  std::string_view text;  // without the newline
};

// Output as it came from a pipe; the end need not be the end of a line.
std::string format_records(std::string_view output, base::WallTime at);
// One line of the file, without its newline. A line that is no record is taken as text without
// time.
LogRecord parse_record(std::string_view line);

}  // namespace runner::node
