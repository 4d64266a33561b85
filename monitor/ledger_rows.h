#pragma once

// How records lie in the ledger's tables: the schema, and rows to values and back.
//
// Threads: a statement belongs to one thread.

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "base/sqlite/sqlite.h"
#include "runner/run_recorder.h"

namespace monitor {

std::span<const char* const> ledger_migrations();

// The columns of `runs`, in the order of read_run and bind_run.
extern const char* const kRunColumns;

runner::RunRecord read_run(const base::sqlite::Statement& row);
// Parameters 1 to 18. Long texts are cut: a row has a size that a bound on rows can rely on.
void bind_run(base::sqlite::Statement& statement, const runner::RunRecord& run);

// What stands for the UID of a run of which only a schedule's status tells; no UID looks so.
std::string seeded_uid(const runner::RunRecord& run);
bool is_seeded(const runner::RunRecord& run);

// True when recording `run` would leave the row of its UID as it is.
bool adds_nothing(const runner::RunRecord& known, const runner::RunRecord& run);

// From ns, schedule, schedule_uid, from_time, to_time, count, reason.
runner::SkipRecord read_skip(const base::sqlite::Statement& row);

// The row of all runs in `counts`: no UID is empty.
inline constexpr const char* kAllRuns = "";
// From started, succeeded, failed, skipped.
runner::RunCounts read_counts(const base::sqlite::Statement& row);
// Zero when there is no row.
base::Result<runner::RunCounts> select_counts(base::sqlite::Database& database,
                                              const std::string& schedule_uid);

// The wish that was handled last; nullopt: no status of that schedule was ever written.
base::Result<std::optional<std::string>> select_trigger(base::sqlite::Database& database,
                                                        const std::string& schedule_uid);

// 64 bits (FNV-1a) of a run's UID, kept of runs that were dropped; of a stretch that was skipped,
// by its schedule and first slot.
int64_t hash_of(const std::string& uid);
int64_t hash_of(const std::string& schedule_uid, std::chrono::sys_seconds from);

}  // namespace monitor
