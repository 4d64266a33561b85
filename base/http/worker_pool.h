#pragma once

// WorkerPool: a fixed number of threads behind one bounded queue, first come first served; but what
// runs together costs no more than a limit, so a costly task lets cheaper ones pass until it fits.
// A task that throws is logged and forgotten.
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
  struct Limits {
    size_t threads = 1;
    size_t max_queued = 1;
    size_t max_running_cost = 1;  // one task may always run
  };
  explicit WorkerPool(const Limits& limits);
  ~WorkerPool();

  // False when the queue is full or the pool was stopped; the task is dropped then.
  bool submit(std::function<void()> task, size_t cost = 0);
  // Runs what is queued, then ends the threads. Not from a task.
  void stop();

 private:
  struct Task {
    std::function<void()> run;
    size_t cost = 0;
  };
  void run();
  // The first in the queue that fits beside what runs; the end if there is none.
  std::deque<Task>::iterator next() REQUIRES(mutex_);

  const Limits limits_;
  Mutex mutex_;
  CondVar changed_;
  std::deque<Task> queue_ GUARDED_BY(mutex_);
  size_t running_cost_ GUARDED_BY(mutex_) = 0;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;  // constant until stop()
};

}  // namespace base::http
