#include "runner/node/leftovers.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include <unistd.h>

#include "runner/node/cgroup.h"

namespace runner::node {
namespace {

// A pod that forks faster than we kill: its supervisor or the node comes back to it.
constexpr int kMostRounds = 100;

class Finder {
 public:
  Finder(const PodProcesses& pod, const std::vector<ProcessStat>& all) : pod_(pod) {
    for (const pid_t pid : processes_in(pod.cgroup))
      in_cgroup_.insert(pid);
    for (const ProcessIdentity& main : pod.sessions) {
      if (main.pid <= 0 || main.boot_id != boot_id()) continue;
      // The kernel gives a session's number to nobody else while somebody is in it. But if another
      // process leads it by now, it ended and began anew, and is not ours any more.
      const bool taken = std::any_of(all.begin(), all.end(), [&](const ProcessStat& stat) {
        return stat.pid == main.pid && stat.start_time != main.start_time;
      });
      if (!taken) sessions_.push_back(main);
    }
  }

  [[nodiscard]] base::Result<bool> belongs(const ProcessStat& stat) const {
    if (in_cgroup_.contains(stat.pid)) return true;
    for (const ProcessIdentity& main : sessions_)
      if (stat.session == main.pid && stat.start_time >= main.start_time) return true;
    ASSIGN_OR_RETURN(const std::string marker, read_marker(stat.pid));
    return pod_.marker.ends_with('/') ? marker.starts_with(pod_.marker) : marker == pod_.marker;
  }

 private:
  const PodProcesses& pod_;
  std::set<pid_t> in_cgroup_;
  std::vector<ProcessIdentity> sessions_;
};

}  // namespace

base::Result<std::vector<ProcessIdentity>> find_processes(const PodProcesses& pod) {
  ASSIGN_OR_RETURN(const std::vector<ProcessStat> all, list_processes());
  const Finder finder(pod, all);
  std::vector<ProcessIdentity> found;
  for (const ProcessStat& stat : all) {
    if (stat.state == 'Z' || stat.state == 'X' || stat.pid == ::getpid()) continue;
    ASSIGN_OR_RETURN(const bool ours, finder.belongs(stat));
    if (ours)
      found.push_back({.pid = stat.pid, .start_time = stat.start_time, .boot_id = boot_id()});
  }
  return found;
}

base::Result<std::vector<ProcessIdentity>> kill_until_no_new(const LookForProcesses& look,
                                                             const KillProcess& kill) {
  std::set<std::pair<pid_t, uint64_t>> killed;
  std::vector<ProcessIdentity> left;
  for (int round = 0; round < kMostRounds; ++round) {
    ASSIGN_OR_RETURN(left, look());
    bool any_new = false;
    for (const ProcessIdentity& process : left) {
      if (!killed.insert({process.pid, process.start_time}).second) continue;
      any_new = true;
      kill(process);
    }
    if (!any_new) break;
  }
  return left;
}

base::Result<std::vector<ProcessIdentity>> kill_processes(const PodProcesses& pod) {
  kill_cgroup(pod.cgroup);
  return kill_until_no_new(
      [&pod] { return find_processes(pod); },
      [](const ProcessIdentity& process) { send_signal(open_process(process), SIGKILL); });
}

std::string name_processes(const std::vector<ProcessIdentity>& processes) {
  constexpr size_t kNamed = 5;
  std::string text;
  for (size_t i = 0; i < std::min(kNamed, processes.size()); ++i)
    text += (i == 0 ? "" : ", ") + std::to_string(processes[i].pid);
  if (processes.size() > kNamed)
    text += " and " + std::to_string(processes.size() - kNamed) + " more";
  return text;
}

}  // namespace runner::node
