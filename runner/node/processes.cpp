#include "runner/node/processes.h"

#include <charconv>
#include <csignal>
#include <set>

#include <sys/syscall.h>
#include <unistd.h>

namespace runner::node {
namespace {

std::string proc_path(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + "/" + file;
}

// The pid of a /proc entry, 0 for the others.
pid_t pid_of_entry(const std::string& name) {
  pid_t pid = 0;
  const auto [end, problem] = std::from_chars(name.data(), name.data() + name.size(), pid);
  return problem == std::errc() && end == name.data() + name.size() ? pid : 0;
}

}  // namespace

const std::string& boot_id() {
  static const std::string id = [] {
    std::string text = base::read_file("/proc/sys/kernel/random/boot_id", 100).value_or("unknown");
    while (!text.empty() && text.back() == '\n')
      text.pop_back();
    return text;
  }();
  return id;
}

namespace {

// nullopt: there is no such process.
base::Result<std::optional<ProcessStat>> look_at(pid_t pid) {
  const auto text = base::read_file(proc_path(pid, "stat"), 4096);
  // Gone, or (with hidepid) somebody else's.
  if (!text &&
      (text.error().code == base::Code::NotFound || text.error().code == base::Code::Forbidden))
    return std::optional<ProcessStat>();
  RETURN_IF_ERROR(text);
  // "pid (name) S ppid pgrp session …": the name may hold blanks and parentheses, so count from the
  // last one. Start time is field 22.
  const size_t close = text->rfind(')');
  if (close == std::string::npos || close + 2 >= text->size()) return std::optional<ProcessStat>();
  ProcessStat stat{.pid = pid, .state = (*text)[close + 2]};
  size_t at = close + 4;
  for (int field = 4; field <= 22 && at < text->size(); ++field) {
    const size_t end = std::min(text->find(' ', at), text->size());
    uint64_t value = 0;
    std::from_chars(text->data() + at, text->data() + end, value);
    if (field == 4) stat.parent = static_cast<pid_t>(value);
    if (field == 6) stat.session = static_cast<pid_t>(value);
    if (field == 22) stat.start_time = value;
    at = end + 1;
  }
  return std::optional<ProcessStat>(stat);
}

}  // namespace

std::optional<ProcessStat> read_stat(pid_t pid) {
  return look_at(pid).value_or(std::nullopt);
}

base::Result<std::vector<ProcessStat>> list_processes() {
  ASSIGN_OR_RETURN(const std::vector<std::string> names, base::list_folder("/proc"));
  std::vector<ProcessStat> found;
  for (const std::string& name : names) {
    const pid_t pid = pid_of_entry(name);
    if (pid == 0) continue;
    ASSIGN_OR_RETURN(const auto stat, look_at(pid));
    if (stat) found.push_back(*stat);
  }
  return found;
}

std::vector<ProcessStat> all_processes() {
  return list_processes().value_or(std::vector<ProcessStat>());
}

std::optional<ProcessIdentity> identify(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat) return std::nullopt;
  return ProcessIdentity{.pid = pid, .start_time = stat->start_time, .boot_id = boot_id()};
}

bool is_alive(const ProcessIdentity& process) {
  if (process.pid <= 0 || process.boot_id != boot_id()) return false;
  const auto looked = look_at(process.pid);
  if (!looked) return true;
  const auto& stat = *looked;
  return stat && stat->start_time == process.start_time && stat->state != 'Z' && stat->state != 'X';
}

base::FileDescriptor open_process(const ProcessIdentity& process) {
  if (!is_alive(process)) return base::FileDescriptor();
  base::FileDescriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  // The pid may have changed hands between the look and the open: look again at whom we hold.
  return is_alive(process) ? std::move(handle) : base::FileDescriptor();
}

bool send_signal(const base::FileDescriptor& handle, int signal) {
  return handle.valid() && ::syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0) == 0;
}

base::Result<std::string> read_marker(pid_t pid) {
  const auto environment = base::read_file(proc_path(pid, "environ"), size_t{16} << 20);
  if (!environment) {
    // Gone, or somebody else's: not one of ours.
    if (environment.error().code == base::Code::NotFound ||
        environment.error().code == base::Code::Forbidden)
      return std::string();
    return base::failure(environment.error());
  }
  const std::string name = std::string(kPodMarker) + "=";
  for (size_t at = 0; at < environment->size();) {
    const size_t end = std::min(environment->find('\0', at), environment->size());
    if (environment->compare(at, name.size(), name) == 0)
      return environment->substr(at + name.size(), end - at - name.size());
    at = end + 1;
  }
  return std::string();
}

std::string marker_of(pid_t pid) {
  return read_marker(pid).value_or("");
}

std::vector<pid_t> descendants(const std::vector<ProcessStat>& processes, pid_t root) {
  std::set<pid_t> family = {root};
  std::vector<pid_t> found;
  // /proc is in order of pid, but a parent may have the higher number: repeat until nothing grows.
  for (bool grew = true; grew;) {
    grew = false;
    for (const ProcessStat& stat : processes) {
      if (!family.contains(stat.parent) || !family.insert(stat.pid).second) continue;
      found.push_back(stat.pid);
      grew = true;
    }
  }
  return found;
}

}  // namespace runner::node
