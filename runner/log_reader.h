#pragma once

// read_log_files: pods/log out of plain files, the oldest first, as the process node and the log
// archive keep them. Follows a file that grows and is rotated (renamed to the one before it) while
// it is read.
//
// Lines carry no times here, so `timestamps` and `since` are refused in words.
// Threads: read() on one thread, cancel() from any.

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "kube/log_source.h"

namespace runner {

struct LogFiles {
  std::vector<std::filesystem::path> paths;  // oldest first
  bool finished = false;                     // nothing will be added any more
};
// Where the log is now; asked again while following. An error there ends the reading: the pod has
// gone.
using LocateLog = std::function<base::Result<LogFiles>()>;

base::Result<std::unique_ptr<kube::LogReader>> read_log_files(LocateLog locate,
                                                              const kube::LogOptions& options,
                                                              base::Clock& clock);

}  // namespace runner
