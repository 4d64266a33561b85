#pragma once

// Processes by identity. A pid alone names nobody for long: together with the start time from
// /proc and the machine's boot id it names one process for ever. Every process of a pod carries the
// pod's marker in its environment, which its descendants inherit, so that they are found even when
// they left the session and their supervisor is gone.
//
// What cannot be read is not taken for gone: who asks whether something lives is told "yes" or an
// error in doubt. Limits: Linux; what a marker does not find, see leftovers.h.
// Threads: no shared state.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/files.h"
#include "base/result.h"

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
// nullopt when there is no such process or it cannot be read.
std::optional<ProcessStat> read_stat(pid_t pid);
// All that can be seen. The second form fails when part of the table could not be read.
std::vector<ProcessStat> all_processes();
base::Result<std::vector<ProcessStat>> list_processes();
std::optional<ProcessIdentity> identify(pid_t pid);
// Zombies are dead: they hold nothing but their exit status. True in doubt.
bool is_alive(const ProcessIdentity& process);
// A handle on exactly this process; invalid when it is gone. Signals sent through it cannot hit a
// later owner of the pid.
base::FileDescriptor open_process(const ProcessIdentity& process);
// Sends the signal through a handle; false when the process is gone.
bool send_signal(const base::FileDescriptor& handle, int signal);

// The value of the marker in the environment of a process; empty when unmarked, or when it belongs
// to somebody else and cannot be read. The second form tells "cannot be read now" apart.
std::string marker_of(pid_t pid);
base::Result<std::string> read_marker(pid_t pid);
// All descendants of `root` in this snapshot, without root.
std::vector<pid_t> descendants(const std::vector<ProcessStat>& processes, pid_t root);

}  // namespace runner::node
