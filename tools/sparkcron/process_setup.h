#pragma once

// What the service asks of its process before anything else starts: who may read its files, how
// many descriptors it has, how much memory, and what signals mean.
//
//   SIGTERM, SIGINT        stop in order; a second one ends the process at once (exit code 130)
//   SIGHUP, SIGUSR1/2      nothing: a closed terminal or a stray log rotation is no reason to stop
//   SIGPIPE, SIGXFSZ       nothing: the write fails with EPIPE or EFBIG, and its writer says so
//   SIGTTOU, SIGTTIN       nothing: a service in the background is not suspended for a log line
//   SIGQUIT, SIGABRT       the default: a core dump, for whoever wants to look
//   SIGXCPU                the default: somebody limited our CPU time and means it
//
// Drivers get none of this: the node starts them with default dispositions and umask 022.
//
// Threads: main only, before any other thread starts; wait_for_stop_signal() once.

#include <cstddef>

namespace sparkcron {

// Sets the umask to 077.
void make_files_private();

struct Limits {
  size_t descriptors = 0;  // the soft limit, raised as far as it goes
  size_t memory = 0;  // bytes that this process may use: of its cgroup, ulimit -v or the machine
};
Limits raise_limits();

// How much of that the HTTP server takes.
struct ServerShare {
  size_t max_connections = 0;
  size_t memory_budget = 0;
};
ServerShare share_of(const Limits& limits);

// Blocks the signals that end the service, for this thread and all it starts, and sees to the rest.
void set_up_signals();
// For a command that may end anywhere: they end the process again. Before any other thread starts.
void end_at_stop_signals();
// Waits for one of them; a second one during the stop ends the process at once.
void wait_for_stop_signal();

}  // namespace sparkcron
