#include "base/http/worker_pool.h"

#include <algorithm>
#include <utility>

#include "base/guard.h"
#include "base/log.h"

namespace base::http {

WorkerPool::WorkerPool(const Limits& limits) : limits_(limits) {
  threads_.reserve(limits.threads);
  for (size_t i = 0; i < limits.threads; ++i)
    threads_.push_back(start_thread("http-worker", [this] { run(); }));
}

WorkerPool::~WorkerPool() {
  stop();
}

bool WorkerPool::submit(std::function<void()> task, size_t cost) {
  MutexLock lock(mutex_);
  if (stopping_ || queue_.size() >= limits_.max_queued) return false;
  queue_.push_back({.run = std::move(task), .cost = cost});
  changed_.notify_one();
  return true;
}

void WorkerPool::stop() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_)
    thread.join();
  threads_.clear();
}

std::deque<WorkerPool::Task>::iterator WorkerPool::next() {
  return std::find_if(queue_.begin(), queue_.end(), [this](const Task& task) REQUIRES(mutex_) {
    return running_cost_ == 0 || running_cost_ + task.cost <= limits_.max_running_cost;
  });
}

void WorkerPool::run() {
  while (true) {
    Task task;
    {
      MutexLock lock(mutex_);
      while (next() == queue_.end() && !(stopping_ && queue_.empty()))
        changed_.wait(lock);
      if (queue_.empty()) return;
      const auto chosen = next();
      task = std::move(*chosen);
      queue_.erase(chosen);
      running_cost_ += task.cost;
    }
    if (const Status done = guarded("handle a request", task.run); !done)
      log_error("base/http", "A handler threw", {{"error", done.error().message}});
    task.run = nullptr;  // what it held goes before its cost does
    MutexLock lock(mutex_);
    running_cost_ -= task.cost;
    // What did not fit beside it may fit now, or the end has come.
    if (task.cost > 0 || stopping_) changed_.notify_all();
  }
}

}  // namespace base::http
