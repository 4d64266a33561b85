#pragma once

// Processes by identity. A pid alone names nobody for long: together with the start time from
// /proc and the machine's boot id it names one process for ever. Every process of a pod carries the
// pod's marker in its environment, which its descendants inherit, so that they are found even when
// they left the session and their supervisor is gone.
//
// Limits: Linux; a process that empties its own environment *and* outlives its supervisor is not
// found. Threads: no shared state.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "runner/node/files.h"

namespace runner::node {

struct ProcessIdentity {
  pid_t pid = 0;
  uint64_t start_time = 0;  // clock ticks since boot
  std::string boot_id;
  bool operator==(const ProcessIdentity&) const = default;
};

struct ProcessStat {
  pid_t pid = 0;
  pid_t parent = 0;
  pid_t session = 0;
  char state = '?';
  uint64_t start_time = 0;
};

// Name of the variable that marks a pod's processes; its value is "<pod uid>/<container>".
inline constexpr const char* kPodMarker = "SPARKCRON_POD";

const std::string& boot_id();
std::optional<ProcessStat> read_stat(pid_t pid);
std::vector<ProcessStat> all_processes();
std::optional<ProcessIdentity> identify(pid_t pid);
// Zombies are dead: they hold nothing but their exit status.
bool is_alive(const ProcessIdentity& process);
// A handle on exactly this process; invalid when it is gone. Signals sent through it cannot hit a
// later owner of the pid.
FileDescriptor open_process(const ProcessIdentity& process);
// Sends the signal through a handle; false when the process is gone.
bool send_signal(const FileDescriptor& handle, int signal);

// The value of the marker in the environment of a process; empty when unreadable or unmarked.
std::string marker_of(pid_t pid);
// SIGKILL to every living process whose marker begins with `prefix`; how many there were.
size_t kill_marked(const std::string& prefix);
// All descendants of `root` in this snapshot, without root.
std::vector<pid_t> descendants(const std::vector<ProcessStat>& processes, pid_t root);

}  // namespace runner::node
