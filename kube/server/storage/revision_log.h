#pragma once

// RevisionLog: the append-only table behind the API. Every write is one row; its row id is the
// resourceVersion. What a key holds now, what it held at an older revision and what happened since
// all follow from the rows, and compaction removes those that no promise needs any more.
//
// Kept are: the newest row of every living object, and every row newer than compacted() together
// with the row that it replaced. (After kine, which keeps Kubernetes in SQL the same way.)
//
// An append returns only when its rows would survive a crash and, with Durability::Full, a power
// failure. Errors: Unavailable (full disk, I/O error, file in use by another process), Corrupt
// (damaged, or no database), InvalidArgument (written by a newer sparkcron). After an error nothing
// was written, unless in_doubt(). Threads: one at a time.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/sqlite/sqlite.h"
#include "kube/server/storage/object.h"

namespace kube::server::storage {

struct Row {
  int64_t revision = 0;
  Change change = Change::Created;
  Key key;
  int64_t previous = 0;  // the revision that this one replaces; 0 for Created
  std::string text;
};

class RevisionLog {
 public:
  static base::Result<RevisionLog> open(const std::string& path,
                                        base::sqlite::Durability durability);

  // All rows from `first` on, oldest first.
  base::Status scan(int64_t first, const std::function<void(Row)>& visit);
  // All or nothing; revisions must ascend.
  base::Status append(std::span<const Row> rows);
  // After a failed sync: whether the last rows will be found by the next open() is unknown, and
  // what could be written after them is worth nothing. Only opening the file anew tells.
  [[nodiscard]] bool in_doubt() const { return database_->commit_in_doubt(); }
  // Whether the disk takes writes again: one small write that changes nothing.
  base::Status try_write() { return database_->try_write(); }
  // Forgets what was superseded at or before `revision`.
  base::Status compact(int64_t revision);
  // Gives a portion of the free pages back to the disk. True: more are left.
  base::Result<bool> shrink();
  // Watches and lists older than this get 410.
  [[nodiscard]] int64_t compacted() const { return compacted_; }

 private:
  RevisionLog(std::unique_ptr<base::sqlite::Database> database, base::sqlite::Statement insert,
              int64_t compacted)
      : database_(std::move(database)), insert_(std::move(insert)), compacted_(compacted) {}

  base::Status drop_rows(int64_t revision);

  std::unique_ptr<base::sqlite::Database> database_;  // at a fixed address: statements point to it
  base::sqlite::Statement insert_;
  int64_t compacted_;
};

}  // namespace kube::server::storage
