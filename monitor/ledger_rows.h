#pragma once

// How records lie in the ledger's tables: the schema, and rows to values and back.
//
// Threads: a statement belongs to one thread.

#include <span>
#include <string>

#include "base/sqlite/sqlite.h"
#include "runner/run_recorder.h"

namespace monitor {

std::span<const char* const> ledger_migrations();

// The columns of `runs`, in the order of read_run and bind_run.
extern const char* const kRunColumns;

runner::RunRecord read_run(const base::sqlite::Statement& row);
// Parameters 1 to 16.
void bind_run(base::sqlite::Statement& statement, const runner::RunRecord& run);

// From ns, schedule, schedule_uid, from_time, to_time, count, reason.
runner::SkipRecord read_skip(const base::sqlite::Statement& row);

// 64 bits of a run's UID (FNV-1a), kept of runs that were dropped.
int64_t hash_of(const std::string& uid);

}  // namespace monitor
