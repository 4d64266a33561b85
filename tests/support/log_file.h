#pragma once

// LogFile: while it lives the service's log goes to a file of its own instead of standard error, at
// Info; then it is off.
//
// Threads: one; whoever logs may be on any.

#include <chrono>
#include <cstddef>
#include <fstream>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/support/catch.h"
#include "tests/support/folder.h"

namespace tests {

class LogFile {
 public:
  LogFile() {
    base::set_log_level(base::LogLevel::Info);
    const int file = ::open(path().c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    REQUIRE(file >= 0);
    saved_ = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    ::dup2(file, STDERR_FILENO);
    ::close(file);
  }
  ~LogFile() {
    base::flush_log(std::chrono::seconds(60));
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    base::set_log_level(base::LogLevel::Off);
  }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  [[nodiscard]] size_t lines_with(const std::string& text) const {
    REQUIRE(base::flush_log(std::chrono::seconds(60)));
    std::ifstream file(path());
    size_t count = 0;
    for (std::string line; std::getline(file, line);)
      if (line.find(text) != std::string::npos) ++count;
    return count;
  }

 private:
  [[nodiscard]] std::string path() const { return (folder_.path() / "log").string(); }

  Folder folder_;
  int saved_ = -1;
};

}  // namespace tests
