#pragma once

// Box: a place where one thread leaves a value that another waits for.

#include <optional>
#include <utility>

#include "base/mutex.h"

namespace tests {

template <class T>
class Box {
 public:
  void put(T value) {
    base::MutexLock lock(mutex_);
    value_ = std::move(value);
    changed_.notify_all();
  }
  T take() {
    base::MutexLock lock(mutex_);
    while (!value_)
      changed_.wait(lock);
    T value = std::move(*value_);
    value_.reset();
    return value;
  }

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  std::optional<T> value_ GUARDED_BY(mutex_);
};

}  // namespace tests
