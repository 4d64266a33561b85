#include "runner/node/processes.h"

#include <charconv>
#include <csignal>
#include <filesystem>
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
    std::string text = read_file("/proc/sys/kernel/random/boot_id", 100).value_or("unknown");
    while (!text.empty() && text.back() == '\n')
      text.pop_back();
    return text;
  }();
  return id;
}

std::optional<ProcessStat> read_stat(pid_t pid) {
  const auto text = read_file(proc_path(pid, "stat"), 4096);
  if (!text) return std::nullopt;
  // "pid (name) S ppid pgrp session …": the name may hold blanks and parentheses, so count from the
  // last one. Start time is field 22.
  const size_t close = text->rfind(')');
  if (close == std::string::npos || close + 2 >= text->size()) return std::nullopt;
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
  return stat;
}

std::vector<ProcessStat> all_processes() {
  std::vector<ProcessStat> found;
  std::error_code problem;
  for (std::filesystem::directory_iterator entry("/proc", problem), end; !problem && entry != end;
       entry.increment(problem)) {
    const pid_t pid = pid_of_entry(entry->path().filename().string());
    if (pid == 0) continue;
    if (auto stat = read_stat(pid)) found.push_back(*stat);
  }
  return found;
}

std::optional<ProcessIdentity> identify(pid_t pid) {
  const auto stat = read_stat(pid);
  if (!stat) return std::nullopt;
  return ProcessIdentity{.pid = pid, .start_time = stat->start_time, .boot_id = boot_id()};
}

bool is_alive(const ProcessIdentity& process) {
  if (process.pid <= 0 || process.boot_id != boot_id()) return false;
  const auto stat = read_stat(process.pid);
  return stat && stat->start_time == process.start_time && stat->state != 'Z' && stat->state != 'X';
}

FileDescriptor open_process(const ProcessIdentity& process) {
  if (!is_alive(process)) return FileDescriptor();
  FileDescriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, process.pid, 0)));
  // The pid may have changed hands between the look and the open: look again at whom we hold.
  return is_alive(process) ? std::move(handle) : FileDescriptor();
}

bool send_signal(const FileDescriptor& handle, int signal) {
  return handle.valid() && ::syscall(SYS_pidfd_send_signal, handle.get(), signal, nullptr, 0) == 0;
}

std::string marker_of(pid_t pid) {
  const auto environment = read_file(proc_path(pid, "environ"), size_t{4} << 20);
  if (!environment) return {};
  const std::string name = std::string(kPodMarker) + "=";
  for (size_t at = 0; at < environment->size();) {
    const size_t end = std::min(environment->find('\0', at), environment->size());
    if (environment->compare(at, name.size(), name) == 0)
      return environment->substr(at + name.size(), end - at - name.size());
    at = end + 1;
  }
  return {};
}

size_t kill_marked(const std::string& prefix) {
  size_t killed = 0;
  for (const ProcessStat& stat : all_processes()) {
    if (stat.state == 'Z' || stat.pid == ::getpid()) continue;
    if (!marker_of(stat.pid).starts_with(prefix)) continue;
    const FileDescriptor handle =
        open_process({.pid = stat.pid, .start_time = stat.start_time, .boot_id = boot_id()});
    if (send_signal(handle, SIGKILL)) ++killed;
  }
  return killed;
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
