#pragma once

// LogArchive: what containers printed, kept after their pods are gone, for as long as the ledger
// knows the run. Files lie at <root>/<namespace>/<run>/<run uid>/<pod>/<pod uid>/<container>.log:
// the path alone says whose they are, so there is no index to lose.
//
// Of each log the newest max_log_bytes are kept, and of all logs the newest max_total_bytes; the
// times of the lines lie beside them. They are read as the node reads its own, with every option
// but `previous`. Errors: NotFound; InvalidArgument when no container is named and several are
// kept; Unavailable for a full disk, which leaves no half log.
// Threads: any.

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "kube/log_source.h"
#include "kube/resource_type.h"

namespace monitor {

struct LogArchiveOptions {
  std::filesystem::path root;  // <data-dir>/logs; created
  uint64_t max_log_bytes = uint64_t{16} << 20;
  uint64_t max_total_bytes = uint64_t{1} << 30;
};

struct FinishedLog {
  kube::ObjectKey run;
  std::string run_uid;
  kube::ObjectKey pod;  // in the run's namespace
  std::string pod_uid;
  std::string container;
  std::vector<std::filesystem::path> files;  // of one log, oldest first
};

class LogArchive final : public kube::LogSource {
 public:
  // The clock must outlive the archive and its readers.
  static base::Result<std::unique_ptr<LogArchive>> open(LogArchiveOptions options,
                                                        base::Clock& clock);

  // Copies; keeping the same log again replaces it.
  base::Status keep(const FinishedLog& log);
  // The run left the history. What cannot be removed is logged and tried again at the next start.
  void forget(const kube::ObjectKey& run, const std::string& run_uid);

  // `uid` may be empty: the newest pod of that name.
  base::Result<std::unique_ptr<kube::LogReader>> open(const kube::ObjectKey& pod,
                                                      const std::string& uid,
                                                      const kube::LogOptions& options) override;
  [[nodiscard]] uint64_t total_bytes() const;

 private:
  struct Kept {
    std::filesystem::path path;
    uint64_t bytes = 0;
    std::filesystem::file_time_type written;
  };
  struct Name {
    kube::ObjectKey pod;
    std::string pod_uid;
    std::string container;
    auto operator<=>(const Name&) const = default;
  };

  LogArchive(LogArchiveOptions options, base::Clock& clock)
      : options_(std::move(options)), clock_(clock) {}
  void scan() REQUIRES(mutex_);
  void make_room() REQUIRES(mutex_);
  void drop(std::map<Name, Kept>::iterator log) REQUIRES(mutex_);
  base::Result<std::filesystem::path> find(const kube::ObjectKey& pod, const std::string& uid,
                                           const std::string& container) const REQUIRES(mutex_);

  const LogArchiveOptions options_;
  base::Clock& clock_;
  mutable base::Mutex mutex_;
  std::map<Name, Kept> logs_ GUARDED_BY(mutex_);
  uint64_t total_ GUARDED_BY(mutex_) = 0;
};

}  // namespace monitor
