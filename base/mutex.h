#pragma once

// Mutex, MutexLock and CondVar: the standard ones with clang's thread-safety annotations, which
// libstdc++ does not carry. Every field that a mutex guards is marked GUARDED_BY(mutex_); the tsan
// preset builds with -Wthread-safety as an error.

#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define SPARKCRON_ANNOTATE(x) __attribute__((x))
#else
#define SPARKCRON_ANNOTATE(x)
#endif

#define CAPABILITY(x) SPARKCRON_ANNOTATE(capability(x))
#define SCOPED_CAPABILITY SPARKCRON_ANNOTATE(scoped_lockable)
#define GUARDED_BY(x) SPARKCRON_ANNOTATE(guarded_by(x))
#define PT_GUARDED_BY(x) SPARKCRON_ANNOTATE(pt_guarded_by(x))
#define REQUIRES(...) SPARKCRON_ANNOTATE(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) SPARKCRON_ANNOTATE(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) SPARKCRON_ANNOTATE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) SPARKCRON_ANNOTATE(release_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS SPARKCRON_ANNOTATE(no_thread_safety_analysis)

namespace base {

class CAPABILITY("mutex") Mutex {
 public:
  Mutex() = default;
  Mutex(const Mutex&) = delete;
  Mutex& operator=(const Mutex&) = delete;
  void lock() ACQUIRE() { mutex_.lock(); }
  void unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class MutexLock;
  std::mutex mutex_;
};

// Holds the mutex for its own lifetime, except while waiting on a CondVar.
class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : lock_(mutex.mutex_) {}
  ~MutexLock() RELEASE() = default;
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  friend class CondVar;
  std::unique_lock<std::mutex> lock_;
};

// Waits may wake spuriously: always wait in a loop on the condition itself. Timed waits that code
// under test takes part in go through base::Clock.
class CondVar {
 public:
  void notify_one() { condition_.notify_one(); }
  void notify_all() { condition_.notify_all(); }
  void wait(MutexLock& lock) { condition_.wait(lock.lock_); }
  // False if the time was reached first.
  template <class Clock, class Duration>
  bool wait_until(MutexLock& lock, std::chrono::time_point<Clock, Duration> until) {
    return condition_.wait_until(lock.lock_, until) == std::cv_status::no_timeout;
  }

 private:
  std::condition_variable condition_;
};

}  // namespace base
