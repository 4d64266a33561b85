#pragma once

// LogStore: where the logs of drivers are kept when their pods are gone: LogArchive on the volume,
// and on a cluster LogBucket in a store of objects. Each holds packed logs (packed_log.h).
//
// Errors: NotFound for a log that is not kept, Unavailable for a disk or a store that fails; the
// text says which and why, and holds no secret. Threads: any.

#include <memory>
#include <string>

#include "base/result.h"
#include "kube/log_source.h"
#include "kube/resource_type.h"

namespace monitor {

// One container's log.
struct KeptLog {
  std::string schedule;  // "" = none
  kube::ObjectKey run;
  std::string run_uid;
  kube::ObjectKey pod;  // in the run's namespace
  std::string pod_uid;
  std::string container;
};

class LogStore {
 public:
  virtual ~LogStore() = default;
  virtual base::Result<bool> has(const KeptLog& log) = 0;
  // Whole or not at all; the same log again replaces it.
  virtual base::Status put(const KeptLog& log, const std::string& packed) = 0;
  // The newest of a run of that name; "" = any container.
  virtual base::Result<std::string> get(const kube::ObjectKey& run,
                                        const std::string& container) = 0;
};

// Of a packed log what the options choose; Corrupt when it is none.
base::Result<std::unique_ptr<kube::LogReader>> open_packed(const std::string& packed,
                                                           const kube::LogOptions& options);

// The newest log of a run, from the first of two stores that has one, as pods/log would give it;
// `second` may be null.
base::Result<std::unique_ptr<kube::LogReader>> open_kept(LogStore& first, LogStore* second,
                                                         const kube::ObjectKey& run,
                                                         const kube::LogOptions& options);

}  // namespace monitor
