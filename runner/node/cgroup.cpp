#include "runner/node/cgroup.h"

#include <charconv>
#include <cstdlib>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"

namespace runner::node {
namespace {

bool write_into(const std::string& file, const std::string& text) {
  const base::FileDescriptor fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  return fd.valid() && base::write_all(fd.get(), text);
}

// Where cgroup2 is mounted: alone, or beside v1 in a folder of its own. "" when it is not.
std::string mount_point() {
  std::istringstream lines(base::read_file("/proc/self/mountinfo").value_or(""));
  for (std::string line; std::getline(lines, line);) {
    // "35 24 0:30 / /sys/fs/cgroup rw,… - cgroup2 cgroup2 rw"
    const size_t dash = line.find(" - cgroup2 ");
    if (dash == std::string::npos) continue;
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < 5; ++i)
      fields >> field;
    return field;
  }
  return {};
}

// "0::/user.slice/…" is the line of v2.
std::string own_cgroup() {
  std::istringstream lines(base::read_file("/proc/self/cgroup").value_or(""));
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("0::")) return line.substr(3);
  return {};
}

std::vector<std::string> folders_in(const std::string& cgroup) {
  std::vector<std::string> folders;
  const auto names = base::list_folder(cgroup);
  if (!names) return folders;
  for (const std::string& name : *names) {
    std::string path = cgroup + "/" + name;
    if (base::kind_of_path(path).value_or(base::PathKind::Missing) == base::PathKind::Folder)
      folders.push_back(std::move(path));
  }
  return folders;
}

}  // namespace

std::string make_cgroup(const std::string& pod_uid) {
  const std::string mount = mount_point();
  const std::string own = own_cgroup();
  if (mount.empty() || own.empty()) return {};
  std::string path = mount + (own == "/" ? "" : own) + "/sparkcron-" + pod_uid;
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return {};
  // Ours to look at and to fill?
  if (::access((path + "/cgroup.procs").c_str(), R_OK | W_OK) == 0) return path;
  ::rmdir(path.c_str());
  return {};
}

bool enter_cgroup(const std::string& cgroup, pid_t process) {
  return !cgroup.empty() && write_into(cgroup + "/cgroup.procs", std::to_string(process));
}

std::vector<pid_t> processes_in(const std::string& cgroup) {
  std::vector<pid_t> found;
  if (cgroup.empty()) return found;
  std::istringstream lines(base::read_file(cgroup + "/cgroup.procs").value_or(""));
  // 0 stands for a process of another namespace.
  for (pid_t pid = 0; lines >> pid;)
    if (pid > 0) found.push_back(pid);
  for (const std::string& below : folders_in(cgroup))
    for (const pid_t pid : processes_in(below))
      found.push_back(pid);
  return found;
}

void kill_cgroup(const std::string& cgroup) {
  // Only one that we made: the path comes from a file.
  if (cgroup.find("/sparkcron-") == std::string::npos) return;
  (void)write_into(cgroup + "/cgroup.kill", "1");
}

void remove_cgroup(const std::string& cgroup) {
  if (cgroup.find("/sparkcron-") == std::string::npos) return;
  for (const std::string& below : folders_in(cgroup))
    remove_cgroup(below);
  ::rmdir(cgroup.c_str());
}

}  // namespace runner::node
