#pragma once

// WorkerPool: a fixed number of threads behind one bounded queue, first come first served.
//
// Threads: submit() from any thread; stop() once.

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace base::http {

class WorkerPool {
 public:
  WorkerPool(size_t threads, size_t max_queued);
  ~WorkerPool();

  // False when the queue is full or the pool was stopped; the task is dropped then.
  bool submit(std::function<void()> task);
  // Runs what is queued, then ends the threads. Not from a task.
  void stop();

 private:
  void run();

  const size_t max_queued_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> queue_ GUARDED_BY(mutex_);
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;  // constant until stop()
};

}  // namespace base::http
