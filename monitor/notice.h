#pragma once

// Notice: something about a schedule or an application that people want to be told. The ledger
// writes it down in the transaction that counts what happened, so it is there once; Notifier posts
// it, and takes it away once it was received.
//
// Threads: plain values; the functions are pure, or belong to the thread of their database.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "base/sqlite/sqlite.h"
#include "kube/resource_type.h"
#include "runner/run_recorder.h"

namespace monitor {

enum class NoticeKind {
  Failed,     // a run failed for good
  Recovered,  // a run completed, after the one before had failed
  Missed,     // slots were skipped
};

struct Notice {
  int64_t id = 0;  // ascending; given by the ledger
  NoticeKind kind = NoticeKind::Failed;
  base::WallTime at;         // when it was written down
  kube::ObjectKey schedule;  // name empty: an application of its own
  std::string schedule_uid;
  std::string run;                      // of Failed and Recovered
  std::string run_uid;                  // likewise
  std::optional<base::WallTime> slot;   // of a run that has one; the first that was missed
  std::optional<base::WallTime> until;  // the last that was missed
  uint64_t count = 0;                   // how many were missed
  int attempts = 0;
  std::optional<int> exit_code;
  std::string message;  // why it failed; what slots were skipped for
};

// What is older when it is found out is history: a ledger that was lost is filled again.
inline constexpr std::chrono::hours kNewsworthy{1};
// The oldest go.
inline constexpr int64_t kMaxNotices = 10'000;

// What of a run's outcome people are told; nullopt: nothing. `before`: the state of the schedule's
// run that ended before it, "" = there is none.
std::optional<Notice> notice_of(const runner::RunRecord& run, std::string_view before,
                                base::WallTime now);
// Of `more` slots by which a stretch has grown.
std::optional<Notice> notice_of(const runner::SkipRecord& skip, uint64_t more, base::WallTime now);

// Whether the annotation config::kNotifyAnnotation wants it: "" = all, "none", or some of "failed",
// "recovered" and "missed", with commas. Other words count for nothing; of nothing but such, all is
// wanted.
bool is_wanted(std::string_view wish, NoticeKind kind);

// One sentence for people; a message of any length ends within it.
std::string sentence_of(const Notice& notice);
// {"text": …, "id": …, "kind": "Failed", "namespace": …, "schedule": …, …}: "text" is what Slack
// and those like it show. The id is the same when the same thing is told again.
nlohmann::json to_json(const Notice& notice);

// The ledger's table.
base::Status insert_notice(base::sqlite::Database& database, const Notice& notice);
// The oldest first.
base::Result<std::vector<Notice>> select_notices(base::sqlite::Database& database, size_t limit);
base::Status delete_notice(base::sqlite::Database& database, int64_t id);
// How many went.
base::Result<uint64_t> delete_notices_before(base::sqlite::Database& database, base::WallTime time);

}  // namespace monitor
