#pragma once

// LogSource: where the API server's pods/log gets its bytes: the process node while it knows the
// pod, the log archive afterwards. Options are those of the Kubernetes API; only the source knows
// how lines and their times are kept, so it applies them.
//
// Threads: open() from any thread; a reader belongs to one thread, except cancel().

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "kube/resource_type.h"

namespace kube {

struct LogOptions {
  // Empty only for a pod that the API no longer has: then a source that keeps one log of it gives
  // that one, and refuses with InvalidArgument if there are several.
  std::string container;
  bool follow = false;
  bool previous = false;    // of the container's run before this one
  bool timestamps = false;  // begin each line with its time, RFC 3339
  std::optional<int64_t> tail_lines;
  std::optional<int64_t> limit_bytes;
  std::optional<base::WallTime> since;
};

class LogReader {
 public:
  virtual ~LogReader() = default;
  // The next bytes, at most a few hundred KiB; nullopt at the end. Following, it blocks until there
  // is more or the container has ended. Cancelled after cancel().
  virtual base::Result<std::optional<std::string>> read() = 0;
  virtual void cancel() = 0;  // from any thread; wakes a blocked read()
};

class LogSource {
 public:
  virtual ~LogSource() = default;
  // NotFound: this source has no log of that container. `uid` is the pod's.
  virtual base::Result<std::unique_ptr<LogReader>> open(const ObjectKey& pod,
                                                        const std::string& uid,
                                                        const LogOptions& options) = 0;
};

}  // namespace kube
