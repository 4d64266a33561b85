#include "runner/node/bell.h"

#include <cerrno>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/guard.h"

namespace runner::node {

base::Result<std::unique_ptr<Bell>> Bell::create(const std::filesystem::path& path,
                                                 OnRing on_ring) {
  ::unlink(path.c_str());
  if (::mkfifo(path.c_str(), 0600) != 0)
    return base::failure(base::system_error("create " + path.string(), errno));
  // Open for writing too: without a writer a FIFO reads as ended.
  base::FileDescriptor fifo(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!fifo.valid()) return base::failure(base::system_error("open " + path.string(), errno));
  base::FileDescriptor wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake.valid()) return base::failure(base::system_error("create an eventfd", errno));
  return std::unique_ptr<Bell>(
      new Bell(path, std::move(fifo), std::move(wake), std::move(on_ring)));
}

Bell::Bell(std::filesystem::path path, base::FileDescriptor fifo, base::FileDescriptor wake,
           OnRing on_ring)
    : path_(std::move(path)),
      fifo_(std::move(fifo)),
      wake_(std::move(wake)),
      on_ring_(std::move(on_ring)),
      thread_(base::start_thread("bell", [this] { run(); })) {}

Bell::~Bell() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
  }
  ::eventfd_write(wake_.get(), 1);
  thread_.join();
  ::unlink(path_.c_str());
}

void Bell::watch(const std::string& uid, const ProcessIdentity& supervisor) {
  base::FileDescriptor handle = open_process(supervisor);
  if (!handle.valid()) {
    // Dead, perhaps not reaped yet.
    if (supervisor.pid > 0) ::waitpid(supervisor.pid, nullptr, WNOHANG);
    on_ring_(uid);
    return;
  }
  {
    base::MutexLock lock(mutex_);
    watched_[uid] = std::move(handle);
  }
  ::eventfd_write(wake_.get(), 1);
}

void Bell::run() {
  while (true) {
    std::vector<pollfd> fds = {{.fd = fifo_.get(), .events = POLLIN, .revents = 0},
                               {.fd = wake_.get(), .events = POLLIN, .revents = 0}};
    std::map<int, std::string> owners;
    {
      base::MutexLock lock(mutex_);
      if (stopping_) return;
      for (const auto& [uid, handle] : watched_) {
        fds.push_back({.fd = handle.get(), .events = POLLIN, .revents = 0});
        owners[handle.get()] = uid;
      }
    }
    if (::poll(fds.data(), fds.size(), -1) < 0) {
      if (errno == EINTR) continue;
      // The thread's guard says so and takes a breath before the next try.
      throw std::system_error(errno, std::generic_category(), "wait for supervisors");
    }
    eventfd_t ignored = 0;
    ::eventfd_read(wake_.get(), &ignored);
    if (fds[0].revents != 0) read_fifo();
    std::map<int, std::string> dead;
    for (size_t i = 2; i < fds.size(); ++i)
      if (fds[i].revents != 0) dead[fds[i].fd] = owners[fds[i].fd];
    read_deaths(dead);
  }
}

// One piece at a time: whoever writes without end keeps nobody from being seen.
void Bell::read_fifo() {
  char buffer[4096];
  const ssize_t got = ::read(fifo_.get(), buffer, sizeof buffer);
  if (got <= 0) return;
  partial_.append(buffer, static_cast<size_t>(got));
  size_t at = 0;
  for (size_t end = partial_.find('\n'); end != std::string::npos; end = partial_.find('\n', at)) {
    on_ring_(partial_.substr(at, end - at));
    at = end + 1;
  }
  partial_.erase(0, at);
  // Whatever writes endless lines is not a supervisor.
  if (partial_.size() > sizeof buffer) partial_.clear();
}

void Bell::read_deaths(const std::map<int, std::string>& readable) {
  for (const auto& [fd, uid] : readable) {
    siginfo_t info{};
    // Fails when it was the child of an earlier service: then init reaps it.
    ::waitid(P_PIDFD, static_cast<id_t>(fd), &info, WEXITED | WNOHANG);
    {
      base::MutexLock lock(mutex_);
      const auto found = watched_.find(uid);
      if (found != watched_.end() && found->second.get() == fd) watched_.erase(found);
    }
    on_ring_(uid);
  }
}

}  // namespace runner::node
