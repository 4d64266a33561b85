#pragma once

// LogStore: where the logs of drivers are kept when their pods are gone: LogArchive on the volume,
// and on a cluster LogBucket in a store of objects. Each holds packed logs (packed_log.h).
//
// Errors: NotFound for a log that is not kept, Unavailable for a disk or a store that fails; the
// text says which and why, and holds no secret. Threads: any.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

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
  int64_t attempt = 0;  // of the run, from 1 on; 0 = an earlier version made its pod
};

// Which log of a run's driver is wanted: of the runs of that name the newest one's.
struct WantedLog {
  kube::ObjectKey run;
  int64_t attempt = 0;    // 0 = the newest that is kept
  std::string container;  // "" = any
};

// The attempt that a driver's pod says it is of, 0 when it does not.
int64_t attempt_of(const nlohmann::json& pod);

// A file's name says its container and attempt: <container>.attempt-<number>.log.gz, without the
// middle part when the attempt is not known.
std::string log_file_name(const std::string& container, int64_t attempt);
struct LogFileName {
  std::string container;
  int64_t attempt = 0;
};
// nullopt: no log's name. What an earlier version kept plain, as <container>.log, is one.
std::optional<LogFileName> parse_log_file_name(const std::string& name);

// What a store has of the runs of one name, and which of that is wanted.
struct FoundLog {
  std::string run_uid;
  LogFileName file;
};
// Its index; NotFound says what is kept instead. `where` follows "is kept", as " in bucket x".
base::Result<size_t> choose_log(const WantedLog& wanted, const std::vector<FoundLog>& oldest_first,
                                const std::string& where);

class LogStore {
 public:
  virtual ~LogStore() = default;
  virtual base::Result<bool> has(const KeptLog& log) = 0;
  // Whole or not at all; the same log again replaces it.
  virtual base::Status put(const KeptLog& log, const std::string& packed) = 0;
  virtual base::Result<std::string> get(const WantedLog& wanted) = 0;
};

// Of a packed log what the options choose; Corrupt when it is none.
base::Result<std::unique_ptr<kube::LogReader>> open_packed(const std::string& packed,
                                                           const kube::LogOptions& options);

// The wanted log, from the first of two stores that has it, as pods/log would give it; `second` may
// be null.
base::Result<std::unique_ptr<kube::LogReader>> open_kept(LogStore& first, LogStore* second,
                                                         const WantedLog& wanted,
                                                         const kube::LogOptions& options);

}  // namespace monitor
