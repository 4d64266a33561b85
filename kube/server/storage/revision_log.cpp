#include "kube/server/storage/revision_log.h"

#include <array>

namespace kube::server::storage {
namespace {

using base::sqlite::Database;
using base::sqlite::Statement;
using base::sqlite::Transaction;

// No AUTOINCREMENT: the store numbers the rows itself, and the newest row is never compacted, so a
// number is never given twice.
constexpr std::array<const char*, 1> kMigrations = {R"sql(
  CREATE TABLE revisions (
    revision  INTEGER PRIMARY KEY,
    change    INTEGER NOT NULL,
    resource  TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name      TEXT NOT NULL,
    previous  INTEGER NOT NULL,
    object    TEXT NOT NULL
  );
  CREATE TABLE horizon (compacted INTEGER NOT NULL);
  INSERT INTO horizon VALUES (0);
)sql"};

// Free pages are handed back in small portions, so that no single write waits long; a few are kept
// for the next writes.
constexpr int kPagesPerVacuum = 256;
constexpr int64_t kFreePages = 64;

base::Result<int64_t> single_integer(Database& database, std::string_view sql) {
  ASSIGN_OR_RETURN(auto statement, database.prepare(sql));
  ASSIGN_OR_RETURN(const bool row, statement.step());
  if (!row) return base::failure(base::Code::Internal, "no row from: " + std::string(sql));
  return statement.integer(0);
}

// The mode is a property of the file that can be chosen only before the first table, or by VACUUM.
base::Status use_incremental_vacuum(Database& database) {
  ASSIGN_OR_RETURN(const int64_t mode, single_integer(database, "PRAGMA auto_vacuum"));
  if (mode == 2) return {};
  RETURN_IF_ERROR(database.execute("PRAGMA auto_vacuum = INCREMENTAL"));
  return database.execute("VACUUM");
}

// What a person can do about it.
base::Error explain(base::Error error, const std::string& path) {
  if (error.message.find("locked") != std::string::npos) {
    error.message += " (in use by another sparkcron?)";
  } else if (error.code == base::Code::Corrupt) {
    error.message += " (the file is damaged: put a backup in its place, or move " + path +
                     " away to begin with an empty one)";
  }
  return error;
}

// Two servers on one file would both number rows from their own memory. The lock is taken by the
// first write and held until the database is closed.
base::Status take_exclusive_lock(Database& database) {
  RETURN_IF_ERROR(database.execute("PRAGMA locking_mode = EXCLUSIVE"));
  auto locked = [&]() -> base::Status {
    ASSIGN_OR_RETURN(auto transaction, Transaction::begin(database));
    RETURN_IF_ERROR(database.execute("UPDATE horizon SET compacted = compacted"));
    return transaction.commit();
  }();
  return locked;
}

// All that the log beside the file holds is written into the file, and synced there. What an
// earlier process could not sync, and the system remembers all the same, is durable only by this.
base::Status settle(Database& database) {
  return database.execute("PRAGMA wal_checkpoint(TRUNCATE)");
}

base::Status prepare(Database& database) {
  RETURN_IF_ERROR(use_incremental_vacuum(database));
  RETURN_IF_ERROR(database.migrate(kMigrations));
  RETURN_IF_ERROR(take_exclusive_lock(database));
  return settle(database);
}

}  // namespace

base::Result<RevisionLog> RevisionLog::open(const std::string& path,
                                            base::sqlite::Durability durability) {
  auto opened = Database::open(path, durability);
  if (!opened) return base::failure(explain(opened.error(), path));
  auto owned = std::make_unique<Database>(std::move(*opened));
  Database& database = *owned;
  if (auto ready = prepare(database); !ready) return base::failure(explain(ready.error(), path));
  ASSIGN_OR_RETURN(const int64_t compacted,
                   single_integer(database, "SELECT compacted FROM horizon"));
  ASSIGN_OR_RETURN(auto insert,
                   database.prepare("INSERT INTO revisions (revision, change, resource, namespace, "
                                    "name, previous, object) VALUES (?, ?, ?, ?, ?, ?, ?)"));
  return RevisionLog(std::move(owned), std::move(insert), compacted);
}

base::Status RevisionLog::scan(int64_t first, const std::function<void(Row)>& visit) {
  ASSIGN_OR_RETURN(
      auto statement,
      database_->prepare("SELECT revision, change, resource, namespace, name, previous, "
                         "object FROM revisions WHERE revision >= ? ORDER BY revision"));
  statement.bind(1, first);
  while (true) {
    auto row = statement.step();
    if (!row) return base::failure(explain(row.error(), database_->path()));
    if (!*row) return {};
    visit({.revision = statement.integer(0),
           .change = static_cast<Change>(statement.integer(1)),
           .key = {.resource = std::string(statement.text(2)),
                   .ns = std::string(statement.text(3)),
                   .name = std::string(statement.text(4))},
           .previous = statement.integer(5),
           .text = std::string(statement.text(6))});
  }
}

base::Status RevisionLog::append(std::span<const Row> rows) {
  ASSIGN_OR_RETURN(auto transaction, Transaction::begin(*database_));
  for (const Row& row : rows) {
    insert_.reset();
    RETURN_IF_ERROR(insert_.bind(1, row.revision)
                        .bind(2, static_cast<int64_t>(row.change))
                        .bind(3, row.key.resource)
                        .bind(4, row.key.ns)
                        .bind(5, row.key.name)
                        .bind(6, row.previous)
                        .bind(7, row.text)
                        .run());
  }
  // A crash before this commit: the next start sees none of the rows, and nobody was told of them.
  return transaction.commit();
}

base::Status RevisionLog::compact(int64_t revision) {
  if (revision <= compacted_) return {};
  if (auto dropped = drop_rows(revision); !dropped)
    return base::failure(explain(dropped.error(), database_->path()));
  compacted_ = revision;
  return {};
}

base::Status RevisionLog::drop_rows(int64_t revision) {
  ASSIGN_OR_RETURN(auto transaction, Transaction::begin(*database_));
  for (const char* sql :
       {"DELETE FROM revisions WHERE revision IN (SELECT previous FROM revisions WHERE revision > "
        "?1 AND revision <= ?2 AND previous > 0)",
        "DELETE FROM revisions WHERE revision > ?1 AND revision <= ?2 AND change = 2",
        "UPDATE horizon SET compacted = ?2 WHERE compacted >= ?1"}) {
    ASSIGN_OR_RETURN(auto statement, database_->prepare(sql));
    RETURN_IF_ERROR(statement.bind(1, compacted_).bind(2, revision).run());
  }
  return transaction.commit();
}

base::Result<bool> RevisionLog::shrink() {
  ASSIGN_OR_RETURN(const int64_t free, single_integer(*database_, "PRAGMA freelist_count"));
  if (free > kFreePages) {
    RETURN_IF_ERROR(
        database_->execute("PRAGMA incremental_vacuum(" + std::to_string(kPagesPerVacuum) + ")"));
    if (free > kPagesPerVacuum + kFreePages) return true;
  }
  // The file itself becomes shorter only by this.
  RETURN_IF_ERROR(settle(*database_));
  return false;
}

}  // namespace kube::server::storage
