#pragma once

// Ledger: what became of every slot, in one SQLite file that outlives the objects. One row per run,
// unique by UID; counts per schedule that never go back. Rows that retention has dropped leave a
// hash behind, so that a late repetition counts nothing.
//
// The file may be lost. Damaged (at the start or while in use), it is set aside as
// PATH.corrupt-<time>; removed or replaced, it is left alone. In both cases the ledger goes on with
// what stands under its path then, a new file if nothing does, and says so (log, condition(),
// on_begun_anew). It fills again from what there is: counts() lifts a schedule to the floor that
// its status gives, and the controllers record the runs that exist; nothing is counted twice.
//
// Errors: Unavailable for a full or failing disk, for one that is read-only, and for a file that
// was damaged again within a minute: the same call works once the disk does. At open() also
// Forbidden (permissions) and InvalidArgument (the file is of a newer version and stays as it is).
// Threads: any; writers take turns, readers have connections of their own and wait for no writer.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"
#include "kube/resource_type.h"
#include "monitor/ledger_reader.h"
#include "monitor/ledger_writer.h"
#include "monitor/notice.h"
#include "runner/run_recorder.h"

namespace monitor {

struct LedgerOptions {
  std::string path;  // <data-dir>/ledger.db
  LedgerRetention keep;
  // Called for each run that retention drops, without locks held: its logs may go, too.
  std::function<void(const kube::ObjectKey& run, const std::string& uid)> on_dropped;
  // Called after the ledger has lost its file, while in use or found damaged by open(), without
  // locks held, on the thread that found out: what exists should be recorded again. `what` is a
  // sentence for people.
  std::function<void(const std::string& what)> on_begun_anew;
  // What people want to be told is written down, for a Notifier that takes it away.
  Notices notices = Notices::None;
  // Called after there are new ones, without locks held.
  std::function<void()> on_notice;
};

// For /readyz and metrics.
struct LedgerCondition {
  base::Status last_write;     // how the last one ended
  uint64_t corruptions = 0;    // files set aside since the process started
  uint64_t vanished = 0;       // files found removed or replaced
  std::string last_set_aside;  // path; "" = none since the process started
};

class Ledger final : public runner::RunRecorder {
 public:
  static base::Result<std::unique_ptr<Ledger>> open(LedgerOptions options, base::Clock& clock);
  ~Ledger() override;

  base::Status record_run(const runner::RunRecord& run) override;
  base::Result<std::vector<runner::RunRecord>> runs_after(const std::string& schedule_uid,
                                                          base::WallTime slot) override;
  base::Result<std::optional<runner::RunRecord>> find_run(const std::string& schedule_uid,
                                                          const std::string& name) override;
  base::Status record_skip(const runner::SkipRecord& skip) override;
  // An ended run of which no more is known than what its schedule's status says: no UID, since its
  // object is gone. Nothing if a run of that schedule and name is known already; a record with its
  // UID that comes later takes its place. Either way it is counted once.
  base::Status seed_run(const runner::RunRecord& run);
  base::Result<runner::RunCounts> counts(const kube::ObjectKey& schedule,
                                         const std::string& schedule_uid,
                                         const runner::RunCounts& floor,
                                         const std::string& trigger) override;
  base::Status handled(const std::string& schedule_uid, const std::string& trigger) override;
  base::Result<std::optional<runner::Remembered>> remembered(
      const std::string& schedule_uid, std::chrono::sys_seconds until) override;

  [[nodiscard]] base::Result<History> history(const HistoryQuery& query);
  [[nodiscard]] base::Result<Summary> summary(const SummaryQuery& query);
  // By reason: for metrics.
  [[nodiscard]] base::Result<std::map<std::string, uint64_t>> skip_counts(
      const std::string& schedule_uid);
  // Of all runs ever, scheduled or not.
  [[nodiscard]] base::Result<runner::RunCounts> totals();
  // The oldest first.
  [[nodiscard]] base::Result<std::vector<Notice>> notices(size_t limit);
  base::Status drop_notice(int64_t id);
  // How many went.
  base::Result<uint64_t> drop_notices_before(base::WallTime time);
  [[nodiscard]] LedgerCondition condition() const;
  // Of the file and its write-ahead log, as the file system has them now; waits for no disk.
  [[nodiscard]] uint64_t file_bytes() const;
  // To be called now and then: after a write that failed, a small one that changes nothing, so that
  // condition() recovers with the disk though nobody records anything. Else nothing.
  void try_write();

 private:
  // One connection for what the controllers look up and one for what people ask, so that a long
  // answer holds up nobody.
  struct ReadSide {
    base::Mutex mutex;
    std::optional<LedgerReader> reader GUARDED_BY(mutex);
    uint64_t generation GUARDED_BY(mutex) = 0;  // of the file that it reads
  };
  // What is told when the locks are free again.
  struct News {
    std::vector<DroppedRun> dropped;
    std::string begun_anew;  // "" = no
    bool noticed = false;
  };
  using WriteStep = std::function<base::Status(LedgerWriter&, std::vector<DroppedRun>& dropped)>;

  Ledger(LedgerOptions options, base::Clock& clock);
  // Opens what stands under the path; sets it aside when it is damaged.
  base::Status connect(News& news) REQUIRES(writer_mutex_);
  base::Status open_connections() REQUIRES(writer_mutex_);
  void disconnect() REQUIRES(writer_mutex_);
  base::Status begin_anew(const base::Error& damage, News& news) REQUIRES(writer_mutex_);
  base::Status write_once(const WriteStep& step, News& news) REQUIRES(writer_mutex_);
  base::Status write(const WriteStep& step);
  template <class T>
  base::Result<T> read(ReadSide& side, const std::function<base::Result<T>(LedgerReader&)>& step);
  base::Status repair(const std::optional<base::Error>& damage, uint64_t generation);
  void tell(const News& news) const;
  void note(const base::Status& written);

  const LedgerOptions options_;
  base::Clock& clock_;
  base::Mutex writer_mutex_;
  std::unique_ptr<LedgerWriter> writer_ GUARDED_BY(writer_mutex_);  // null: to be opened
  uint64_t generation_ GUARDED_BY(writer_mutex_) = 0;               // raised with each file
  std::optional<base::SteadyTime> set_aside_at_ GUARDED_BY(writer_mutex_);
  ReadSide lookups_;
  ReadSide questions_;
  mutable base::Mutex condition_mutex_;
  LedgerCondition condition_ GUARDED_BY(condition_mutex_);
};

}  // namespace monitor
