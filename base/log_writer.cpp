#include "base/log_writer.h"

#include <cerrno>
#include <csignal>
#include <utility>

#include <poll.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/guard.h"

namespace base {
namespace {

// A line in the queue costs more than its bytes.
constexpr size_t kLineOverhead = 64;

}  // namespace

LogWriter::LogWriter(Options options) : options_(std::move(options)) {}

LogWriter::~LogWriter() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void LogWriter::push(std::string line) {
  MutexLock lock(mutex_);
  const size_t cost = line.size() + kLineOverhead;
  if (bytes_ + cost > options_.max_bytes) {
    ++dropped_;
    return;
  }
  bytes_ += cost;
  queue_.push_back(std::move(line));
  if (!started_) start();
  changed_.notify_all();
}

// The mask is inherited: a signal for the process must find the thread that waits for it.
void LogWriter::start() {
  started_ = true;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = start_thread("log", [this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

bool LogWriter::flush(std::chrono::milliseconds at_most) {
  const SteadyTime until = real_clock().steady_now() + at_most;
  MutexLock lock(mutex_);
  while (!queue_.empty() || writing_) {
    if (!real_clock().wait_until(lock, changed_, until) && real_clock().steady_now() >= until)
      return queue_.empty() && !writing_;
  }
  return true;
}

void LogWriter::run() {
  while (true) {
    std::string line;
    {
      MutexLock lock(mutex_);
      while (queue_.empty() && !stopping_)
        changed_.wait(lock);
      if (stopping_) return;
      line = std::move(queue_.front());
      queue_.pop_front();
      bytes_ -= line.size() + kLineOverhead;
      writing_ = true;
    }
    const bool written = write(line);
    if (written)
      tell_dropped();
    else
      ++dropped_;
    MutexLock lock(mutex_);
    writing_ = false;
    changed_.notify_all();
  }
}

bool LogWriter::write(const std::string& line) const {
  for (size_t at = 0; at < line.size();) {
    const ssize_t written = ::write(options_.fd, line.data() + at, line.size() - at);
    if (written > 0) {
      at += static_cast<size_t>(written);
    } else if (written < 0 && errno == EAGAIN) {
      // Somebody who shares the descriptor made it non-blocking.
      pollfd ready{.fd = options_.fd, .events = POLLOUT, .revents = 0};
      ::poll(&ready, 1, -1);
    } else if (written == 0 || errno != EINTR) {
      return false;
    }
  }
  return true;
}

void LogWriter::tell_dropped() {
  const uint64_t all = dropped_;
  const uint64_t fresh = all - std::exchange(told_, all);
  if (fresh > 0 && options_.on_dropped) options_.on_dropped(fresh);
}

}  // namespace base
