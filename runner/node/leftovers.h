#pragma once

// Leftovers: the processes of a pod that outlive what started them, found and killed through
// pidfds, so that no later owner of a pid is hit. In this order:
//
//   cgroup    where there is one (cgroup v2 below our own, writable): everything, whatever it did
//   marker    SPARKCRON_POD in the environment, which descendants inherit
//   session   a container's main process leads one; who is in it and started after it is the pod's
//
// What cannot be caught: without a cgroup, a process that emptied its environment *and* left the
// session *and* whose supervisor was killed by somebody else. While its supervisor lives it is
// found as a descendant. Threads: no shared state.

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "runner/node/processes.h"

namespace runner::node {

struct PodProcesses {
  std::string marker;                     // "<uid>/": of all containers; "<uid>/<name>": of one
  std::vector<ProcessIdentity> sessions;  // main processes of containers
  std::string cgroup;                     // folder; "" = none
};

// What lives of this pod, zombies and ourselves left out. Unavailable when the process table cannot
// be read: then nobody knows.
base::Result<std::vector<ProcessIdentity>> find_processes(const PodProcesses& pod);

// SIGKILL to all of them, again while new ones appear (a process may fork between the look and the
// signal). Returns who was there at the last look: they have the signal and end when the kernel
// lets them. One that does not end is not waited for.
base::Result<std::vector<ProcessIdentity>> kill_processes(const PodProcesses& pod);

// The loop of kill_processes over any look and any kill, for tests.
using LookForProcesses = std::function<base::Result<std::vector<ProcessIdentity>>()>;
using KillProcess = std::function<void(const ProcessIdentity&)>;
base::Result<std::vector<ProcessIdentity>> kill_until_no_new(const LookForProcesses& look,
                                                             const KillProcess& kill);

// "17, 18 and 3 more": for messages.
std::string name_processes(const std::vector<ProcessIdentity>& processes);

}  // namespace runner::node
