#include "runner/node/supervisor.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <functional>
#include <map>
#include <optional>
#include <thread>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "runner/node/cgroup.h"
#include "runner/node/child.h"
#include "runner/node/durations.h"
#include "runner/node/journal.h"
#include "runner/node/launch.h"
#include "runner/node/leftovers.h"
#include "runner/node/log_file.h"

namespace runner::node {
namespace {

using std::chrono::milliseconds;

// How often the machine's out-of-memory killer struck so far; nullopt where the kernel does not
// say.
uint64_t out_of_memory_kills() {
  const auto text = base::read_file("/proc/vmstat", 1 << 20);
  const size_t at = text ? text->find("\noom_kill ") : std::string::npos;
  return at == std::string::npos ? 0 : std::strtoull(text->c_str() + at + 10, nullptr, 10);
}

struct Container {
  const ContainerLaunch* launch = nullptr;
  Child child;
  LogFile log;
  uint64_t oom_kills_before = 0;
  std::string start_error;
  bool running = true;
};

class Supervisor {
 public:
  Supervisor(PodFiles files, Launch launch, JournalWriter journal, std::string cgroup)
      : files_(std::move(files)),
        launch_(std::move(launch)),
        journal_(std::move(journal)),
        cgroup_(std::move(cgroup)) {}

  int run();

 private:
  void start_next();
  bool start(const ContainerLaunch& launch);
  void poll_once();
  void drain(Container& container);
  void on_signals();
  void begin_stop(JournalWriter::StopCause cause, std::chrono::seconds grace);
  void reap();
  void finish(Container& container, const siginfo_t& info);
  void kill_leftovers(const Container& container);
  void kill_everything();
  void end_descendants();
  void keep(const std::function<base::Status()>& write);
  base::Status record_stop();
  void ring() const;
  [[nodiscard]] bool any_running(ContainerRole role) const;
  [[nodiscard]] bool any_alive() const;

  PodFiles files_;
  Launch launch_;
  JournalWriter journal_;
  const std::string cgroup_;
  base::FileDescriptor signals_;
  size_t next_ = 0;  // of launch_.containers
  std::map<std::string, Container> containers_;
  bool failed_ = false;  // an init container failed: nothing more starts
  bool stopping_ = false;
  struct UnrecordedStop {
    JournalWriter::StopCause cause;
    base::WallTime at;
  };
  std::optional<UnrecordedStop> unrecorded_stop_;  // the disk has refused it so far
  bool sidecars_told_ = false;
  std::optional<base::SteadyTime> kill_at_;
  milliseconds kill_pause_{100};
  base::Clock& clock_ = base::real_clock();
};

// A fact that must not be lost is tried until the disk takes it; the pod seems to run until then.
void Supervisor::keep(const std::function<base::Status()>& write) {
  for (bool told = false;; told = true) {
    const auto status = write();
    if (status) return;
    // Once: this output is bounded by nobody.
    if (!told)
      std::fprintf(stderr, "trying again until it works: %s\n", status.error().message.c_str());
    // The end of the grace waits for no disk: what is killed may be what fills it.
    if (kill_at_ && clock_.steady_now() >= *kill_at_) kill_everything();
    std::this_thread::sleep_for(milliseconds(500));
  }
}

void Supervisor::ring() const {
  if (launch_.bell.empty()) return;
  const base::FileDescriptor bell(::open(launch_.bell.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  // No node listens: it will read the journal when it comes back.
  if (bell.valid()) base::write_all(bell.get(), launch_.uid + "\n");
}

bool Supervisor::any_running(ContainerRole role) const {
  return std::any_of(containers_.begin(), containers_.end(), [&](const auto& entry) {
    return entry.second.running && entry.second.launch->role == role;
  });
}

bool Supervisor::any_alive() const {
  return std::any_of(containers_.begin(), containers_.end(),
                     [](const auto& entry) { return entry.second.running; });
}

bool Supervisor::start(const ContainerLaunch& launch) {
  auto log = LogFile::open(launch.log, launch_.log_limit);
  auto child = log ? Child::start(launch) : base::failure(log.error());
  if (!child) {
    // Nothing runs, but the pod has begun: this is its outcome.
    const base::WallTime now = clock_.now();
    keep([&] { return journal_.started(launch.name, {.process = {}, .started = now}); });
    keep([&] {
      return journal_.exited(launch.name,
                             {.code = 128, .start_error = child.error().message, .at = now});
    });
    return false;
  }
  // It waits to be released, and what it starts will be where it is.
  (void)enter_cgroup(cgroup_, child->identity().pid);
  // A crash here: the child sees our end of its pipe close and ends without having run.
  keep([&] {
    return journal_.started(launch.name, {.process = child->identity(), .started = clock_.now()});
  });
  // A crash here: the same; the journal says started, the node reports the exit as unknown.
  std::string error = child->release();
  containers_.emplace(launch.name, Container{.launch = &launch,
                                             .child = std::move(*child),
                                             .log = std::move(*log),
                                             .oom_kills_before = out_of_memory_kills(),
                                             .start_error = std::move(error)});
  return true;
}

void Supervisor::start_next() {
  while (next_ < launch_.containers.size() && !failed_ && !stopping_) {
    if (any_running(ContainerRole::Init)) return;
    const ContainerLaunch& launch = launch_.containers[next_++];
    if (!start(launch) && launch.role != ContainerRole::Main) failed_ = true;
    ring();
  }
}

void Supervisor::drain(Container& container) {
  char buffer[65536];
  const base::FileDescriptor& output = container.child.output();
  while (output.valid()) {
    const ssize_t got = ::read(output.get(), buffer, sizeof buffer);
    if (got > 0) {
      container.log.append({buffer, static_cast<size_t>(got)}, clock_.now());
      // One busy container must not keep the others waiting.
      if (got < static_cast<ssize_t>(sizeof buffer)) return;
      if (container.running) return;
    } else if (got == 0) {
      container.child.close_output();
    } else if (errno != EINTR) {
      return;
    }
  }
}

void Supervisor::begin_stop(JournalWriter::StopCause cause, std::chrono::seconds grace) {
  const base::SteadyTime until = clock_.steady_now() + bounded_seconds(grace.count());
  // A second request may shorten the time that is left, never lengthen it.
  kill_at_ = kill_at_ ? std::min(*kill_at_, until) : until;
  if (stopping_) return;
  stopping_ = true;
  // First: a disk that is full may wait for the very processes that fill it. A crash before the
  // record: they end without anybody knowing that they were asked to.
  for (auto& [name, container] : containers_)
    if (container.running) send_signal(open_process(container.child.identity()), SIGTERM);
  unrecorded_stop_ = UnrecordedStop{.cause = cause, .at = clock_.now()};
  static_cast<void>(record_stop());
}

// Tried again at every turn, so that the end of the grace is not missed.
base::Status Supervisor::record_stop() {
  if (!unrecorded_stop_) return {};
  RETURN_IF_ERROR(journal_.stopping(unrecorded_stop_->cause, unrecorded_stop_->at));
  unrecorded_stop_.reset();
  ring();
  return {};
}

void Supervisor::on_signals() {
  signalfd_siginfo info{};
  while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    if (info.ssi_signo != SIGTERM) continue;
    // SIGTERM without a request: somebody else's. Stop as the pod's own grace period says.
    const auto request = read_stop(files_);
    begin_stop(JournalWriter::StopCause::Asked, request ? request->grace : launch_.grace);
  }
}

void Supervisor::kill_leftovers(const Container& container) {
  // The main process is a zombie that we have not reaped: its session's number is nobody else's.
  const auto left = kill_processes({.marker = launch_.uid + "/" + container.launch->name,
                                    .sessions = {container.child.identity()},
                                    .cgroup = {}});
  // Whoever does not end now is one of our descendants: run() ends with them.
  if (!left) std::fprintf(stderr, "%s\n", left.error().message.c_str());
}

void Supervisor::kill_everything() {
  kill_cgroup(cgroup_);
  const std::vector<ProcessStat> all = all_processes();
  const std::vector<pid_t> below = descendants(all, ::getpid());
  for (const ProcessStat& stat : all)
    if (std::find(below.begin(), below.end(), stat.pid) != below.end())
      send_signal(
          open_process({.pid = stat.pid, .start_time = stat.start_time, .boot_id = boot_id()}),
          SIGKILL);
}

// What detached itself from every container: as a subreaper we are its parent. The looks become
// rarer: who does not end of SIGKILL waits for a device, and may do so for long.
void Supervisor::end_descendants() {
  constexpr milliseconds kSeldom{2000};
  bool told = false;
  for (milliseconds pause{2}; ::waitpid(-1, nullptr, WNOHANG) >= 0 || errno == EINTR;) {
    kill_everything();
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, kSeldom);
    if (pause < kSeldom || told) continue;
    told = true;
    std::vector<ProcessIdentity> left;
    for (const pid_t pid : descendants(all_processes(), ::getpid()))
      left.push_back({.pid = pid});
    keep([&] { return journal_.stuck(name_processes(left), clock_.now()); });
    ring();
  }
  remove_cgroup(cgroup_);
}

void Supervisor::finish(Container& container, const siginfo_t& info) {
  // When the main process of a container ends, the rest of it ends too.
  kill_leftovers(container);
  container.running = false;
  drain(container);
  ContainerExit exit{.start_error = container.start_error, .at = clock_.now()};
  if (!container.start_error.empty()) {
    exit.code = 128;
  } else if (info.si_code == CLD_EXITED) {
    exit.code = info.si_status;
  } else {
    exit.signal = info.si_status;
    exit.code = 128 + info.si_status;
    exit.out_of_memory =
        exit.signal == SIGKILL && !stopping_ && out_of_memory_kills() > container.oom_kills_before;
  }
  if (container.launch->role == ContainerRole::Init && exit.code != 0) failed_ = true;
  keep([&] { return record_stop(); });
  // A crash before this line: the exit status is lost with us, the node reports it as unknown.
  keep([&] { return journal_.exited(container.launch->name, exit); });
  ring();
}

void Supervisor::reap() {
  while (true) {
    siginfo_t info{};
    // Looked at first, reaped when finished: until then its pid and session are nobody else's.
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0) return;
    for (auto& [name, container] : containers_)
      if (container.running && container.child.identity().pid == info.si_pid)
        finish(container, info);
    ::waitpid(info.si_pid, nullptr, WNOHANG);
  }
}

void Supervisor::poll_once() {
  std::vector<pollfd> fds = {{.fd = signals_.get(), .events = POLLIN, .revents = 0}};
  for (const auto& [name, container] : containers_)
    if (container.child.output().valid())
      fds.push_back({.fd = container.child.output().get(), .events = POLLIN, .revents = 0});
  // SIGCHLD may be merged; a look now and then costs nothing.
  milliseconds wait(5000);
  if (kill_at_) wait = std::min(wait, *kill_at_ - clock_.steady_now());
  if (launch_.deadline && !stopping_) wait = std::min(wait, *launch_.deadline - clock_.now());
  ::poll(fds.data(), fds.size(), static_cast<int>(std::max(wait, milliseconds(0)).count()));
  on_signals();
  for (auto& [name, container] : containers_)
    drain(container);
  reap();
}

int Supervisor::run() {
  sigset_t handled;
  sigemptyset(&handled);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGPIPE})
    sigaddset(&handled, signal);
  ::sigprocmask(SIG_BLOCK, &handled, nullptr);
  signals_ = base::FileDescriptor(::signalfd(-1, &handled, SFD_CLOEXEC | SFD_NONBLOCK));
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);

  // A stop that was asked for before we listened.
  if (const auto request = read_stop(files_))
    begin_stop(JournalWriter::StopCause::Asked, request->grace);
  while (true) {
    start_next();
    const bool mains_done = (next_ == launch_.containers.size() || failed_ || stopping_) &&
                            !any_running(ContainerRole::Main) && !any_running(ContainerRole::Init);
    if (mains_done && !any_alive()) break;
    if (mains_done && !sidecars_told_) {
      sidecars_told_ = true;
      begin_stop(JournalWriter::StopCause::Asked, launch_.grace);
    }
    if (launch_.deadline && !stopping_ && clock_.now() >= *launch_.deadline)
      begin_stop(JournalWriter::StopCause::Deadline, launch_.grace);
    if (kill_at_ && clock_.steady_now() >= *kill_at_) {
      kill_everything();
      // Again, for what was being started; more and more seldom, for what does not end.
      kill_at_ = clock_.steady_now() + kill_pause_;
      kill_pause_ = std::min(kill_pause_ * 2, milliseconds(5000));
    }
    static_cast<void>(record_stop());
    poll_once();
  }
  keep([&] { return record_stop(); });
  end_descendants();
  keep([&] { return journal_.ended(clock_.now()); });
  ring();
  return 0;
}

}  // namespace

int supervise_main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: supervise POD_FOLDER (started by the node, not by people)\n");
    return 2;
  }
  const PodFiles files{.folder = argv[1]};
  // A limit of the size of files costs lines of a log, not the pod; containers get the default
  // back.
  ::signal(SIGXFSZ, SIG_IGN);
  ::setsid();
  const auto lock = base::lock_file(files.lock());
  // Another supervisor has this pod.
  if (!lock) return lock.error().code == base::Code::Conflict ? 0 : 1;
  const auto journal = read_journal(files.journal());
  if (!journal || journal->supervisor) return journal ? 0 : 1;
  auto launch = read_launch(files);
  auto writer = JournalWriter::open(files.journal());
  const auto self = identify(::getpid());
  if (!launch || !writer || !self) {
    std::fprintf(stderr, "%s\n", !launch ? launch.error().message.c_str() : "cannot begin");
    return 1;
  }
  // A crash before this line: nothing was started, and the node starts another supervisor.
  const std::string cgroup = make_cgroup(launch->uid);
  if (const auto begun = writer->begun(*self, cgroup); !begun) return 1;
  return Supervisor(files, std::move(*launch), std::move(*writer), cgroup).run();
}

}  // namespace runner::node
