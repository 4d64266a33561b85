#include "runner/node/pod_run.h"

#include <algorithm>
#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <spawn.h>
#include <unistd.h>

#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "runner/node/cgroup.h"
#include "runner/node/leftovers.h"
#include "runner/node/log_file.h"
#include "runner/node/processes.h"

namespace runner::node {
namespace {

using Json = nlohmann::json;
using base::Code;
using base::failure;
namespace fs = std::filesystem;

// posix_spawn, not fork: the service has threads. The supervisor gets no descriptor and no
// environment of ours.
base::Result<pid_t> spawn_detached(const std::vector<std::string>& arguments, const fs::path& log) {
  std::vector<char*> argv;
  for (const std::string& argument : arguments)
    argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::string path = "PATH=/usr/bin:/bin";
  char* environment[] = {path.data(), nullptr};
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::posix_spawn_file_actions_adddup2(&actions, 1, 2);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  sigset_t all;
  sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  const int problem = ::posix_spawn(&pid, arguments.front().c_str(), &actions, &attributes,
                                    argv.data(), environment);
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (problem != 0)
    return failure(base::system_error("start supervisor " + arguments.front(), problem));
  return pid;
}

std::vector<std::string> names_of(const Json& pod, const char* kind) {
  std::vector<std::string> names;
  const Json* containers = base::find(pod, {"spec", kind});
  if (containers == nullptr || !containers->is_array()) return names;
  for (const Json& container : *containers)
    names.push_back(base::string_at(container, {"name"}));
  return names;
}

}  // namespace

PodRun::PodRun(PodRecord record, PodFiles files)
    : record_(std::move(record)), files_(std::move(files)) {
  // In doubt nothing was launched: launching again finds the lock or the journal.
  launched_ = base::path_exists(files_.launch());
}

bool PodRun::over() const {
  return journal_.ended.has_value() || !journal_.lost.empty();
}

base::Status PodRun::launch(const Launch& launch, const std::vector<std::string>& supervisor) {
  RETURN_IF_ERROR(write_launch(files_, launch));
  // A crash here: the next service finds a launch file and no journal, and starts a supervisor.
  launched_ = true;
  return start_supervisor(supervisor);
}

base::Status PodRun::start_supervisor(const std::vector<std::string>& supervisor) {
  std::vector<std::string> arguments = supervisor;
  arguments.push_back(files_.folder.string());
  ASSIGN_OR_RETURN(const pid_t pid, spawn_detached(arguments, files_.supervisor_log()));
  // A crash here: the supervisor goes on by itself. If it has not taken its lock yet, the next
  // service starts a second one; whoever gets the lock begins, the other ends.
  started_ = identify(pid);
  return {};
}

base::Status PodRun::refresh(base::WallTime now) {
  if (!launched_ || over()) return {};
  // The lock before the journal: a supervisor that ends between the two looks has written its
  // journal to the end by then.
  ASSIGN_OR_RETURN(const bool locked, base::is_locked(files_.lock()));
  ASSIGN_OR_RETURN(journal_, read_journal(files_.journal()));
  const bool alive = locked || (started_ && is_alive(*started_)) ||
                     (journal_.supervisor && is_alive(*journal_.supervisor));
  // Neither begun nor alive: nothing has run yet, the node may start a supervisor again.
  needs_supervisor_ = !alive && !journal_.supervisor;
  if (over() || alive || !journal_.supervisor) return {};
  return mark_lost(now);
}

base::Status PodRun::end_processes() const {
  PodProcesses processes{.marker = record_.uid + "/", .sessions = {}, .cgroup = journal_.cgroup};
  for (const auto& [name, container] : journal_.containers)
    // What has ended was swept by the supervisor.
    if (!container.exit) processes.sessions.push_back(container.process);
  ASSIGN_OR_RETURN(const auto left, kill_processes(processes));
  if (!left.empty())
    return failure(Code::Unavailable, "processes of the pod have got SIGKILL and have not ended: " +
                                          name_processes(left));
  remove_cgroup(journal_.cgroup);
  return {};
}

base::Status PodRun::mark_lost(base::WallTime now) {
  const bool rebooted = journal_.supervisor->boot_id != boot_id();
  // Its children died with it; what they had started did not. The pod is over only when a look
  // finds none: killing is not instant.
  if (!rebooted) RETURN_IF_ERROR(end_processes());
  journal_.lost = rebooted ? "the machine was restarted while the pod ran"
                           : "the pod's supervisor process was killed; how the pod's processes "
                             "ended is not known";
  journal_.lost_at = now;
  base::log_warning("runner/node", "Lost track of a pod",
                    {{"pod", record_.key.to_string()}, {"why", journal_.lost}});
  // A crash before this is on disk: the next service finds the same and says so with its own time.
  ASSIGN_OR_RETURN(JournalWriter writer, JournalWriter::open(files_.journal()));
  return writer.lost(journal_.lost, now);
}

base::Status PodRun::sweep_if_in_doubt() const {
  return record_.in_doubt ? end_processes() : base::Status();
}

base::Status PodRun::stop(std::chrono::seconds grace) {
  if (!launched_ || over() || (asked_to_stop_ && *asked_to_stop_ <= grace)) return {};
  // The wish first, then the word: a supervisor that has not begun yet reads it when it does.
  const auto wished = write_stop(files_, {.grace = grace});
  // A crash here: the next service asks again. On a full disk the word alone: the pod's own grace
  // holds then, and what fills the disk may be the pod.
  const auto target = journal_.supervisor ? journal_.supervisor : started_;
  if (target) send_signal(open_process(*target), SIGTERM);
  RETURN_IF_ERROR(wished);
  asked_to_stop_ = grace;
  return {};
}

void PodRun::set_waiting(std::string reason, std::string message) {
  waiting_reason_ = std::move(reason);
  waiting_message_ = std::move(message);
}

std::string PodRun::termination_message(const std::string& container,
                                        const ContainerExit& exit) const {
  std::string message = base::read_tail(files_.container(container) / "termination-log", 4096);
  if (!message.empty()) return message;
  std::string policy;
  for (const char* kind : {"initContainers", "containers"}) {
    const Json* containers = base::find(record_.pod, {"spec", kind});
    if (containers == nullptr || !containers->is_array()) continue;
    for (const Json& one : *containers)
      if (base::string_at(one, {"name"}) == container)
        policy = base::string_at(one, {"terminationMessagePolicy"});
  }
  if (policy != "FallbackToLogsOnError" || exit.code == 0) return {};
  return last_lines(read_log_tail(files_.log(container), 8192));
}

Json PodRun::status() const {
  return make_status(record_.pod,
                     {.pod_ip = record_.address,
                      .host_ip = "127.0.0.1",
                      .start_time = record_.start_time,
                      .journal = journal_,
                      .waiting_reason = waiting_reason_,
                      .waiting_message = waiting_message_,
                      .message = [this](const std::string& container, const ContainerExit& exit) {
                        return termination_message(container, exit);
                      }});
}

PodLogs::Entry PodRun::log_entry() const {
  PodLogs::Entry entry{.uid = record_.uid,
                       .containers_folder = files_.folder / "containers",
                       .containers = names_of(record_.pod, "containers"),
                       .finished = {}};
  for (std::string& name : names_of(record_.pod, "initContainers"))
    entry.containers.push_back(std::move(name));
  for (const auto& [name, container] : journal_.containers)
    entry.finished[name] = container.exit.has_value() || over();
  return entry;
}

}  // namespace runner::node
