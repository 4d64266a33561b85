#pragma once

// LogArchive: what containers printed, kept after their pods are gone, for as long as the ledger
// knows the run. Files lie at
// <root>/<namespace>/<schedule>/<run>/<run uid>/<pod>/<pod uid>/<file>, with "-" for a run of no
// schedule and the file's name as log_file_name() has it: the path alone says whose they are, so
// there is no index to lose. Folders are 0700, files 0600. They are packed (packed_log.h); what an
// earlier version kept plain, as <container>.log and its times beside it, is read as the node reads
// its own.
//
// Of each log the newest max_log_bytes are kept, before packing and with the lines' times. When
// there are too many, the oldest go: of a schedule that has more than its share, then of the
// schedule that has most, so that a flood pushes out only itself. All options but `previous` are
// heeded. Errors: NotFound; InvalidArgument when no container is named
// and several are kept; Unavailable for a full disk, which leaves no half log.
// Threads: any; readers do not wait for a log that is being copied.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "kube/log_source.h"
#include "kube/resource_type.h"
#include "monitor/log_store.h"

namespace monitor {

struct LogArchiveOptions {
  std::filesystem::path root;  // <data-dir>/logs; created
  uint64_t max_log_bytes = uint64_t{16} << 20;
  uint64_t max_schedule_bytes = uint64_t{256} << 20;
  uint64_t max_total_bytes = uint64_t{1} << 30;
  // What a log counts at least: for its files, its folders and its place in memory. So there are
  // never more than 65,536.
  uint64_t least_bytes = uint64_t{16} << 10;
  std::chrono::hours max_age{24 * 400};
};

struct FinishedLog {
  std::string schedule;  // "" = none
  kube::ObjectKey run;
  std::string run_uid;
  kube::ObjectKey pod;  // in the run's namespace
  std::string pod_uid;
  std::string container;
  int64_t attempt = 0;                       // as KeptLog
  std::vector<std::filesystem::path> files;  // of one log, oldest first
};

class LogArchive final : public kube::LogSource, public LogStore {
 public:
  // The clock must outlive the archive and its readers.
  static base::Result<std::unique_ptr<LogArchive>> open(LogArchiveOptions options,
                                                        base::Clock& clock);

  // Packs a copy; keeping the same log again replaces it.
  base::Status keep(const FinishedLog& log);
  base::Result<bool> has(const KeptLog& log) override;
  base::Status put(const KeptLog& log, const std::string& packed) override;
  base::Result<std::string> get(const WantedLog& wanted) override;
  // The run left the history. What cannot be removed is logged and tried again at the next start.
  void forget(const kube::ObjectKey& run, const std::string& run_uid);

  // `uid` may be empty: the newest pod of that name.
  base::Result<std::unique_ptr<kube::LogReader>> open(const kube::ObjectKey& pod,
                                                      const std::string& uid,
                                                      const kube::LogOptions& options) override;
  base::Result<std::unique_ptr<kube::LogReader>> open_run(const WantedLog& wanted,
                                                          const kube::LogOptions& options);
  // As counted. Never waits.
  [[nodiscard]] uint64_t total_bytes() const { return total_; }

 private:
  struct LogName {
    kube::ObjectKey pod;
    std::string pod_uid;
    std::string container;
    auto operator<=>(const LogName&) const = default;
  };
  struct ArchivedLog {
    std::filesystem::path path;
    kube::ObjectKey schedule;  // name "-": none
    std::string run;
    std::string run_uid;
    int64_t attempt = 0;
    uint64_t bytes = 0;
    base::WallTime written;
  };
  // What one schedule has.
  struct Share {
    uint64_t bytes = 0;
    std::set<std::pair<base::WallTime, LogName>> oldest_first;
  };

  LogArchive(LogArchiveOptions options, base::Clock& clock)
      : options_(std::move(options)), clock_(clock) {}
  void scan() REQUIRES(mutex_);
  void found(const std::filesystem::path& path, const std::vector<std::string>& parts)
      REQUIRES(mutex_);
  void add(const LogName& name, ArchivedLog log) REQUIRES(mutex_);
  void make_room() REQUIRES(mutex_);
  void drop_aged() REQUIRES(mutex_);
  void drop_oldest_of(const kube::ObjectKey& schedule) REQUIRES(mutex_);
  void take_out(const LogName& name) REQUIRES(mutex_);
  void drop(const LogName& name) REQUIRES(mutex_);
  [[nodiscard]] base::Result<std::filesystem::path> folder_of(const KeptLog& log) const;
  void add_kept(const KeptLog& log, const std::filesystem::path& path, uint64_t bytes)
      REQUIRES(files_mutex_);
  base::Result<std::filesystem::path> find_run(const WantedLog& wanted) const;
  base::Result<std::unique_ptr<kube::LogReader>> read(const std::filesystem::path& path,
                                                      const kube::LogOptions& options);
  base::Result<std::filesystem::path> find(const kube::ObjectKey& pod, const std::string& uid,
                                           const std::string& container) const REQUIRES(mutex_);

  const LogArchiveOptions options_;
  base::Clock& clock_;
  // Held while files come and go; taken before mutex_, which is never held while a log is copied.
  base::Mutex files_mutex_;
  mutable base::Mutex mutex_;
  std::map<LogName, ArchivedLog> logs_ GUARDED_BY(mutex_);
  std::map<kube::ObjectKey, Share> shares_ GUARDED_BY(mutex_);  // by schedule
  std::atomic<uint64_t> total_ = 0;
};

}  // namespace monitor
