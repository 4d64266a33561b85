#pragma once

// LogFile: what a container printed, kept within bounds. When the file reaches its limit it becomes
// "<path>.1" (the one before is gone) and a new one begins with a line that says so. At most twice
// the limit is on disk; the newest output is always there.
//
// On disk it is records with times (log_format.h). A failed write (full disk) drops that output and
// is said in the log once there is room again. Threads: one writer.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "runner/node/files.h"

namespace runner::node {

class LogFile {
 public:
  static base::Result<LogFile> open(const std::string& path, uint64_t limit);
  void append(std::string_view output, base::WallTime at);

 private:
  LogFile(std::string path, uint64_t limit, FileDescriptor file, uint64_t size)
      : path_(std::move(path)), limit_(limit), file_(std::move(file)), size_(size) {}
  void rotate(base::WallTime at);

  std::string path_;
  uint64_t limit_;
  FileDescriptor file_;
  uint64_t size_;
  uint64_t dropped_ = 0;
};

}  // namespace runner::node
