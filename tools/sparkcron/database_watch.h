#pragma once

// DatabaseWatch: looks at a slow interval whether the databases in use still stand under their
// paths (DataDir::missing), logs when one is gone, and again now and then until somebody acts.
// /readyz asks DataDir itself.
//
// Threads: one of its own; ends with the object.

#include <functional>
#include <thread>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace sparkcron {

class DatabaseWatch {
 public:
  // `missing` and `clock` outlive it.
  DatabaseWatch(std::function<base::Status()> missing, base::Clock& clock);
  ~DatabaseWatch();
  DatabaseWatch(const DatabaseWatch&) = delete;
  DatabaseWatch& operator=(const DatabaseWatch&) = delete;

 private:
  void run();
  bool wait();

  const std::function<base::Status()> missing_;
  base::Clock& clock_;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace sparkcron
