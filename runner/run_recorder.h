#pragma once

// RunRecorder: where the controllers write down what became of every slot, before anything is
// pruned. monitor::Ledger keeps it in SQLite; tests keep it in memory.
//
// A call that returns success is durable. Recording the same run again (by UID) updates its row;
// its outcome is counted once, whatever crashes lie between. A record without an end never
// overwrites one with an end, nor one without a state (a run that was only created) any other.
// Threads: any.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "kube/resource_type.h"

namespace runner {

struct RunRecord {
  kube::ObjectKey schedule;  // name empty: a SparkApplication of its own
  std::string schedule_uid;
  std::string name;
  std::string uid;
  std::optional<base::WallTime> slot;  // nullopt: not scheduled
  bool manual = false;
  base::WallTime created;
  std::optional<base::WallTime> submitted;
  std::optional<base::WallTime> started;  // the driver of the last attempt
  // The driver of the first attempt. The ledger keeps it: a record need not know.
  std::optional<base::WallTime> first_started;
  std::optional<base::WallTime> ended;  // set exactly when the state is final
  std::string state;                    // the peer's: SUBMITTED, RUNNING, COMPLETED, FAILED, …
  int attempts = 0;
  std::optional<int> exit_code;
  std::string message;
  std::string app_id;
  // That run now. The ledger keeps the most of one run, the attempts' together.
  int executors = 0;
};

// Why a run was created.
enum class Origin {
  Own,      // no schedule did it
  Slot,     // its slot had come
  CatchUp,  // its slot had passed a minute ago or more: nobody was there, or it had to wait
  Trigger,  // somebody asked for it
};
Origin origin_of(const RunRecord& run);
// "own", "slot", "catch-up", "trigger".
const char* to_string(Origin origin);

// A stretch of slots skipped for one reason; from == to for one slot.
struct SkipRecord {
  kube::ObjectKey schedule;
  std::string schedule_uid;
  std::chrono::sys_seconds from;
  std::chrono::sys_seconds to;
  uint64_t count = 1;
  std::string reason;  // Superseded, ForbidConcurrent, DeadlineExceeded, …
};

struct RunCounts {
  uint64_t started = 0;
  uint64_t succeeded = 0;
  uint64_t failed = 0;
  uint64_t skipped = 0;
  bool operator==(const RunCounts&) const = default;
};

// What the records know of a schedule about which a decision was written down before.
struct Remembered {
  RunCounts counts;
  std::string trigger;  // the wish that was handled last
  // The newest slot, not after the time asked about, that was started or skipped.
  std::optional<std::chrono::sys_seconds> latest;
  std::vector<RunRecord> unfinished;  // at most RunRecorder::kMaxRunsAfter
};

class RunRecorder {
 public:
  virtual ~RunRecorder() = default;
  virtual base::Status record_run(const RunRecord& run) = 0;
  // The run of this name of this schedule, if it was ever recorded; the latest, if there were more.
  virtual base::Result<std::optional<RunRecord>> find_run(const std::string& schedule_uid,
                                                          const std::string& name) = 0;
  // Recorded runs of slots after this one, the oldest first, none by hand; at most kMaxRunsAfter.
  static constexpr size_t kMaxRunsAfter = 1'000;
  virtual base::Result<std::vector<RunRecord>> runs_after(const std::string& schedule_uid,
                                                          base::WallTime slot) = 0;
  // Recording the same (schedule UID, from, to) again changes nothing.
  virtual base::Status record_skip(const SkipRecord& skip) = 0;
  // Of one schedule, by UID. `floor` is what the schedule's status already says: a ledger that was
  // lost starts again from there, so counts never go back. To be called after the status was
  // written; `trigger` is the wish that it says was handled.
  virtual base::Result<RunCounts> counts(const kube::ObjectKey& schedule,
                                         const std::string& schedule_uid, const RunCounts& floor,
                                         const std::string& trigger) = 0;
  // The wish that the next status will say was handled: its run exists. Should that status be lost,
  // the wish must not come up again.
  virtual base::Status handled(const std::string& schedule_uid, const std::string& trigger) = 0;
  // What a schedule without a status had; nullopt: counts() was never called for it.
  virtual base::Result<std::optional<Remembered>> remembered(const std::string& schedule_uid,
                                                             std::chrono::sys_seconds until) = 0;
};

}  // namespace runner
