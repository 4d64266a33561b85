#include "tools/sparkcron/process_setup.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/catch.h"

namespace sparkcron {
namespace {

// In a process of its own: what is set up stays.
int exit_code_of(int (*body)()) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

TEST_CASE("SIGHUP and its like do not end the service") {
  CHECK(exit_code_of([] {
          set_up_signals();
          for (const int number : {SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ, SIGTTOU, SIGTTIN})
            ::raise(number);
          return 7;
        }) == 7);
}

TEST_CASE("a file that grew to its limit is a failed write, not the end") {
  CHECK(exit_code_of([] {
          set_up_signals();
          char name[] = "/tmp/sparkcron-limit-XXXXXX";
          const int file = ::mkstemp(name);
          ::unlink(name);
          const rlimit limit{.rlim_cur = 10, .rlim_max = 10};
          ::setrlimit(RLIMIT_FSIZE, &limit);
          const bool first = ::write(file, "0123456789", 10) == 10;
          const bool refused = ::write(file, "x", 1) < 0 && errno == EFBIG;
          return first && refused ? 7 : 1;
        }) == 7);
}

TEST_CASE("descriptors are raised to what the system allows") {
  CHECK(exit_code_of([] {
          rlimit files{};
          ::getrlimit(RLIMIT_NOFILE, &files);
          files.rlim_cur = 128;
          files.rlim_max = 700;
          ::setrlimit(RLIMIT_NOFILE, &files);
          const Limits limits = raise_limits();
          ::getrlimit(RLIMIT_NOFILE, &files);
          return limits.descriptors == 700 && files.rlim_cur == 700 && limits.memory > 0 ? 7 : 1;
        }) == 7);
}

TEST_CASE("connections and memory of requests follow the limits of the process") {
  CHECK(share_of({.descriptors = 65'536, .memory = size_t{64} << 30}).max_connections == 4'096);
  CHECK(share_of({.descriptors = 1'024, .memory = size_t{1} << 30}).max_connections == 512);
  CHECK(share_of({.descriptors = 64, .memory = size_t{1} << 30}).max_connections == 64);
  CHECK(share_of({.descriptors = 1'024, .memory = size_t{64} << 30}).memory_budget == 256 << 20);
  CHECK(share_of({.descriptors = 1'024, .memory = size_t{512} << 20}).memory_budget == 64 << 20);
  CHECK(share_of({.descriptors = 1'024, .memory = size_t{64} << 20}).memory_budget == 32 << 20);
}

}  // namespace
}  // namespace sparkcron
