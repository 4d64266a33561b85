#include "tools/sparkcron/process_setup.h"

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "base/guard.h"
#include "base/log.h"

namespace sparkcron {
namespace {

// More is of no use to us, and some programs that a driver starts walk through all of them.
constexpr rlim_t kMostDescriptors = 65'536;
// Files, pipes and pods' handles beside the connections.
constexpr size_t kOtherDescriptors = 512;
constexpr size_t kMostConnections = 4'096;
constexpr size_t kFewestConnections = 64;
constexpr size_t kMostBudget = size_t{256} << 20;
constexpr size_t kLeastBudget = size_t{32} << 20;
constexpr std::chrono::milliseconds kLastWords{1'000};

sigset_t stop_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

int wait_for_signal() {
  const sigset_t set = stop_signals();
  int number = 0;
  while (sigwait(&set, &number) != 0) {
  }
  return number;
}

constexpr size_t kLargestAnswer = size_t{64} << 10;  // of the kernel

// "max", or a number of bytes.
size_t read_limit(const std::string& path) {
  std::string text = base::read_file(path, kLargestAnswer).value_or("");
  text.resize(std::min(text.size(), text.find('\n')));
  uint64_t value = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool number = problem == std::errc() && end == text.data() + text.size() && value > 0;
  return number ? value : std::numeric_limits<size_t>::max();
}

// Of our own group and every one above it (cgroup v2; in a container the root is its own).
size_t cgroup_memory() {
  size_t least = read_limit("/sys/fs/cgroup/memory.max");
  std::istringstream in(base::read_file("/proc/self/cgroup", kLargestAnswer).value_or(""));
  std::string line;
  while (std::getline(in, line)) {
    if (!line.starts_with("0::/")) continue;
    for (std::string group = line.substr(3); group.size() > 1; group.resize(group.rfind('/')))
      least = std::min(least, read_limit("/sys/fs/cgroup" + group + "/memory.max"));
  }
  return least;
}

size_t memory_limit() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long page = ::sysconf(_SC_PAGESIZE);
  size_t least = cgroup_memory();
  if (pages > 0 && page > 0)
    least = std::min(least, static_cast<size_t>(pages) * static_cast<size_t>(page));
  rlimit space{};
  if (::getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY)
    least = std::min(least, static_cast<size_t>(space.rlim_cur));
  return least;
}

}  // namespace

void make_files_private() {
  ::umask(077);
}

Limits raise_limits() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
    const rlim_t wanted = std::min(files.rlim_max, kMostDescriptors);
    if (files.rlim_cur < wanted) {
      const rlim_t before = std::exchange(files.rlim_cur, wanted);
      if (::setrlimit(RLIMIT_NOFILE, &files) != 0) files.rlim_cur = before;
    }
  }
  return {.descriptors = static_cast<size_t>(std::min(files.rlim_cur, kMostDescriptors)),
          .memory = memory_limit()};
}

ServerShare share_of(const Limits& limits) {
  const size_t left =
      limits.descriptors > kOtherDescriptors ? limits.descriptors - kOtherDescriptors : 0;
  return {.max_connections = std::clamp(std::max(left, limits.descriptors / 2), kFewestConnections,
                                        kMostConnections),
          .memory_budget = std::clamp(limits.memory / 8, kLeastBudget, kMostBudget)};
}

void set_up_signals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  for (const int number : {SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ, SIGTTOU, SIGTTIN})
    std::signal(number, SIG_IGN);
}

void end_at_stop_signals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void wait_for_stop_signal() {
  const int number = wait_for_signal();
  base::log_info("sparkcron", "Stopping", {{"signal", number == SIGINT ? "SIGINT" : "SIGTERM"}});
  // Losing patience is allowed: everything acknowledged is on disk, and the next start goes on from
  // there.
  base::start_thread("stop", [] {
    wait_for_signal();
    base::log_warning("sparkcron", "Stopped at once by a second signal");
    base::flush_log(kLastWords);
    std::_Exit(130);
  }).detach();
}

}  // namespace sparkcron
