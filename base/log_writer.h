#pragma once

// LogWriter: lines on their way to a file descriptor. Nobody who logs ever waits for a reader:
// lines go into a bounded queue, a thread of its own writes them. When the queue is full, or
// writing fails, lines are dropped and counted, and the next line that gets through is followed by
// a word about them.
//
// Threads: any. The thread starts with the first line and takes no signals.

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>

#include "base/mutex.h"

namespace base {

class LogWriter {
 public:
  struct Options {
    int fd = 2;  // not owned
    size_t max_bytes = size_t{4} << 20;
    // Called on the writing thread with the number of lines dropped since the last call; its push()
    // finds room.
    std::function<void(uint64_t)> on_dropped;
  };
  explicit LogWriter(Options options);
  // Waits for the line that is being written: see flush().
  ~LogWriter();

  void push(std::string line);  // with its line feed
  // Waits until all is written; false if that took longer.
  bool flush(std::chrono::milliseconds at_most);
  [[nodiscard]] uint64_t dropped() const { return dropped_; }

 private:
  void start() REQUIRES(mutex_);
  void run();
  bool write(const std::string& line) const;
  void tell_dropped();

  const Options options_;
  std::atomic<uint64_t> dropped_ = 0;
  uint64_t told_ = 0;  // of dropped_; of the writing thread
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::string> queue_ GUARDED_BY(mutex_);
  size_t bytes_ GUARDED_BY(mutex_) = 0;
  bool writing_ GUARDED_BY(mutex_) = false;
  bool stopping_ GUARDED_BY(mutex_) = false;
  bool started_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace base
