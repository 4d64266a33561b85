#include "runner/node/child.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace runner::node {
namespace {

using base::failure;

struct Pipe {
  base::FileDescriptor read;
  base::FileDescriptor write;
};

base::Result<Pipe> make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0)
    return failure(base::system_error("create a pipe", errno));
  return Pipe{.read = base::FileDescriptor(fds[0]), .write = base::FileDescriptor(fds[1])};
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& text : strings)
    result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

// Everything between fork and exec: only calls that are safe there.
[[noreturn]] void become(const ContainerLaunch& launch, const std::vector<char*>& arguments,
                         const std::vector<char*>& environment, pid_t parent, int go, int output,
                         int exec_error) {
  const auto fail = [exec_error](int error) {
    if (::write(exec_error, &error, sizeof error) < 0) ::_exit(126);
    ::_exit(127);
  };
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  ::setsid();
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  for (int signal = 1; signal < NSIG; ++signal)
    ::signal(signal, SIG_DFL);
  // The machine's out-of-memory killer takes a pod before it takes the service.
  if (const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC); score >= 0) {
    if (::write(score, "500", 3) < 0) errno = 0;
    ::close(score);
  }
  const int null = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::dup2(null, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::umask(022);
  if (::chdir(launch.working_folder.c_str()) != 0) fail(errno);
  // End of file means that the supervisor died before it had written us down: then we never were.
  char permission = 0;
  if (::read(go, &permission, 1) != 1) ::_exit(127);
  ::environ = const_cast<char**>(environment.data());
  // execvp looks the program up in PATH of the pod's own environment.
  ::execvp(arguments[0], arguments.data());
  fail(errno);
  ::_exit(127);
}

}  // namespace

base::Result<Child> Child::start(const ContainerLaunch& launch) {
  ASSIGN_OR_RETURN(Pipe go, make_pipe());
  ASSIGN_OR_RETURN(Pipe output, make_pipe());
  ASSIGN_OR_RETURN(Pipe exec_error, make_pipe());
  // Prepared before the fork: no allocation after it.
  const std::vector<char*> arguments = pointers(launch.arguments);
  const std::vector<char*> environment = pointers(launch.environment);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return failure(base::system_error("fork", errno));
  if (pid == 0) {
    // Else our own copy of the writing end would keep the pipe open after the supervisor's death.
    ::close(go.write.get());
    become(launch, arguments, environment, parent, go.read.get(), output.write.get(),
           exec_error.write.get());
  }
  Child child;
  child.identity_ = identify(pid).value_or(ProcessIdentity{.pid = pid, .boot_id = boot_id()});
  child.go_ = std::move(go.write);
  child.exec_error_ = std::move(exec_error.read);
  child.output_ = std::move(output.read);
  ::fcntl(child.output_.get(), F_SETFL, O_NONBLOCK);
  return child;
}

std::string Child::release() {
  if (::write(go_.get(), "g", 1) != 1) return "the process ended before it could be released";
  go_.reset();
  // Closed by a successful exec.
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(exec_error_.get(), &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  exec_error_.reset();
  if (got != static_cast<ssize_t>(sizeof error)) return {};
  return std::generic_category().message(error);
}

}  // namespace runner::node
