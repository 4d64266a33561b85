#include <csignal>
#include <cstdlib>
#include <thread>

#include <pthread.h>
#include <unistd.h>

#include "base/log.h"
#include "tools/sparkcron/commands.h"

namespace sparkcron {
namespace {

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

}  // namespace

void block_stop_signals() {
  const sigset_t set = stop_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // A reader of ours that goes away is an error code of write(), not the end.
  std::signal(SIGPIPE, SIG_IGN);
}

void wait_for_stop_signal() {
  const int number = wait_for_signal();
  base::log_info("sparkcron", "Stopping", {{"signal", number == SIGINT ? "SIGINT" : "SIGTERM"}});
  // Losing patience is allowed: everything acknowledged is on disk, and the next start goes on from
  // there.
  std::thread([] {
    wait_for_signal();
    base::log_warning("sparkcron", "Stopped at once by a second signal");
    std::_Exit(130);
  }).detach();
}

}  // namespace sparkcron
