#pragma once

// A cgroup (v2) per pod, where the machine lets us make one below our own: as root, or in a service
// with Delegate=yes, or in a user's session. It limits nothing; it is how a pod's processes are
// found whatever they do to their environment, session and parents. Without one everything works,
// by the other means of leftovers.h.
//
// Threads: no shared state.

#include <string>
#include <vector>

#include <sys/types.h>

namespace runner::node {

// Makes the cgroup of a pod below the one that this process is in. "" when that cannot be done.
std::string make_cgroup(const std::string& pod_uid);
// Moves a process into it; false when that fails.
bool enter_cgroup(const std::string& cgroup, pid_t process);
// Those in it and below; empty for "".
std::vector<pid_t> processes_in(const std::string& cgroup);
// SIGKILL to all in it and below, at once, where the kernel can (5.14).
void kill_cgroup(const std::string& cgroup);
// Removes it with what is below; it must be empty.
void remove_cgroup(const std::string& cgroup);

}  // namespace runner::node
