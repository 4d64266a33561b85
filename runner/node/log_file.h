#pragma once

// LogFile: what a container printed, kept within bounds. When the file reaches its limit it becomes
// "<path>.1". The one before is gone then, and the new one begins with a line that says how much is
// gone in all. At most twice the limit is on disk; the newest output is always there.
//
// The file is the plain output. When which byte came lies beside it in "<path>.times": pairs of
// offset and milliseconds since 1970, 64 bits each, in the machine's byte order, one per
// millisecond at most. It has the same limit: a log written byte by byte becomes "<path>.1"
// earlier. A failed write (full disk) drops that output; the log says so once there is room again.
// Threads: one writer; any reader.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/result.h"

namespace runner::node {

class LogFile {
 public:
  static base::Result<LogFile> open(const std::string& path, uint64_t limit);
  void append(std::string_view output, base::WallTime at);

 private:
  LogFile(std::string path, uint64_t limit) : path_(std::move(path)), limit_(limit) {}
  base::Status open_files(int flags);
  void write(std::string_view text, base::WallTime at);
  void rotate(base::WallTime at);

  std::string path_;
  uint64_t limit_;
  base::FileDescriptor file_;
  base::FileDescriptor times_;
  uint64_t size_ = 0;
  uint64_t times_size_ = 0;
  int64_t last_millis_ = -1;  // of the last entry of times_
  uint64_t dropped_ = 0;
  // Of output, without the lines that tell of it: in "<path>.1", and gone since it was opened.
  uint64_t before_ = 0;
  uint64_t gone_ = 0;
  uint64_t told_ = 0;  // bytes of that line in the file
};

// When the byte at this offset, and those up to the next entry's, came.
struct LogTime {
  uint64_t offset = 0;
  int64_t millis = 0;
};
std::vector<LogTime> read_log_times(const std::filesystem::path& log);

// The end of a log. Empty when it cannot be read.
std::string read_log_tail(const std::filesystem::path& log, size_t bytes);

}  // namespace runner::node
