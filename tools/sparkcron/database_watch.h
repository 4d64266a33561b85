#pragma once

// DatabaseWatch: looks at a slow interval after the databases in use. Whether they still stand
// under their paths (DataDir::missing): it logs when one is gone, and again now and then until
// somebody acts; /readyz asks DataDir itself. And whether a disk that refused a write takes them
// again, so that /readyz recovers though nobody writes: no probe of a health check waits for a
// disk.
//
// Threads: one of its own; ends with the object.

#include <functional>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace sparkcron {

struct DatabaseChecks {
  std::function<base::Status()> missing;  // may be empty
  std::function<void()> try_write;        // does nothing while all is well
};

class DatabaseWatch {
 public:
  // What the checks use, and `clock`, outlive it.
  DatabaseWatch(DatabaseChecks checks, base::Clock& clock);
  ~DatabaseWatch();
  DatabaseWatch(const DatabaseWatch&) = delete;
  DatabaseWatch& operator=(const DatabaseWatch&) = delete;

 private:
  void run();
  bool wait();
  void look_for_missing();

  const DatabaseChecks checks_;
  base::Clock& clock_;
  int silence_ = 0;  // looks until the next complaint; of its own thread
  base::Mutex mutex_;
  base::CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace sparkcron
