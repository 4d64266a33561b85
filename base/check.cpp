#include "base/check.h"

#include <cstdlib>
#include <string>

#include <poll.h>
#include <unistd.h>

#include "base/log.h"

namespace base {
namespace {

constexpr std::chrono::milliseconds kLastWords{500};

}  // namespace

// A full pipe must not keep a broken process alive.
void check_failed(const char* file, int line, const char* condition) {
  flush_log(kLastWords);
  const std::string text =
      std::string(file) + ":" + std::to_string(line) + ": CHECK failed: " + condition + "\n";
  pollfd ready{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  if (::poll(&ready, 1, static_cast<int>(kLastWords.count())) == 1 &&
      ::write(STDERR_FILENO, text.data(), text.size()) < 0) {
    // Nobody is there to hear it.
  }
  std::abort();
}

}  // namespace base
