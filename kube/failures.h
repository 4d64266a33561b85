#pragma once

// Failures: which keys of a controller fail now, since when, how often in a row and with what. A
// key is here from its first failure to its next success, so there are never more than objects.
//
// Threads: any.

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "kube/resource_type.h"

namespace kube {

struct Failure {
  ObjectKey key;
  base::Error error;       // the last one; its message is cut at 1 KiB
  base::SteadyTime since;  // of the first of them
  int count = 0;           // in a row
};

class Failures {
 public:
  explicit Failures(base::Clock& clock) : clock_(clock) {}

  // Notes one more; how many in a row it is.
  int failed(const ObjectKey& key, const base::Error& error);
  // What it failed with until now, if it did.
  std::optional<Failure> succeeded(const ObjectKey& key);

  [[nodiscard]] size_t size() const;
  // Keys that have failed for at least this long.
  [[nodiscard]] size_t lasting(std::chrono::milliseconds least) const;
  // The longest failing first.
  [[nodiscard]] std::vector<Failure> oldest(size_t most) const;

 private:
  base::Clock& clock_;
  mutable base::Mutex mutex_;
  std::map<ObjectKey, Failure> failures_ GUARDED_BY(mutex_);
};

}  // namespace kube
