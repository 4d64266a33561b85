#pragma once

// Database, Statement, Transaction: RAII over SQLite's C API. Opened in WAL mode with a busy
// time-out and foreign keys on; one writer connection per file is the rule of this project.
//
// Errors: Unavailable for a full disk, I/O errors, a disk that became read-only and locks ("write
// data.db: database or disk is full"); Corrupt for a file whose content is damaged or no database;
// InvalidArgument for one that is newer than this program, at migrate() only; Forbidden for
// permissions at open(); AlreadyExists for a UNIQUE or PRIMARY KEY violation. No exception.
// Threads: a Database and its Statements belong to one thread at a time.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace base::sqlite {

enum class Durability {
  Normal,  // survives a crash of the process; the last commits may be lost with the machine's power
  Full,    // survives power loss
};
enum class Access { ReadWrite, ReadOnly };

class Statement;
class IdleStatements;

class Database {
 public:
  // `path` may be ":memory:". A file that is made, and those of SQLite beside it, are the owner's
  // alone (0600) whatever the umask; those of an earlier version are closed to others.
  static Result<Database> open(const std::string& path, Durability durability,
                               Access access = Access::ReadWrite);
  Database(Database&&) noexcept;
  Database& operator=(Database&&) noexcept;
  ~Database();

  Status execute(const std::string& sql);
  // The statement may be kept and reused: reset() between uses. It must not outlive the database.
  // Of those that went the last few are kept compiled, for the next who asks with the same text.
  Result<Statement> prepare(std::string_view sql);

  // Runs migrations[user_version..] in one transaction each and raises user_version. A version
  // above migrations.size() is refused: InvalidArgument, "PATH was written by a newer sparkcron
  // (version 7, this one knows 3)".
  Status migrate(std::span<const char* const> migrations);

  // Looks at every page once: Corrupt, "check PATH: …", when they do not fit together. It ends
  // when the time is over, at the latest after the table that it is at, and believes the rest.
  Status check(Clock& clock, std::chrono::milliseconds at_most);
  // Whether a small write works now, durably: one page is written as it is. Room that the log of
  // earlier writes takes is given back before. An error is that write's.
  Status try_write();
  // False when the open file does not stand under its path any more (removed, renamed, replaced):
  // what is written to it is lost with this connection.
  [[nodiscard]] bool still_there() const;

  // True once a commit has failed otherwise than for want of room or of a lock: a sync or a write
  // of the disk went wrong, so whether that commit will be found again is unknown until the file
  // has been opened anew. Nothing more should be written through this connection.
  [[nodiscard]] bool commit_in_doubt() const { return commit_in_doubt_; }

  [[nodiscard]] int64_t last_insert_rowid() const;
  [[nodiscard]] int64_t changes() const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  friend class Transaction;
  Database(sqlite3* handle, std::string path);
  Error error(std::string_view doing) const;
  Result<int64_t> user_version();
  Status set_user_version(int64_t version);
  sqlite3* handle_ = nullptr;
  std::string path_;
  std::shared_ptr<IdleStatements> idle_;
  bool commit_in_doubt_ = false;
};

// Positions count from 1 for parameters, from 0 for columns, as in SQLite.
class Statement {
 public:
  Statement(Statement&&) noexcept;
  Statement& operator=(Statement&&) noexcept;
  ~Statement();

  Statement& bind(int position, int64_t value);
  Statement& bind(int position, std::string_view value);  // copied; never NULL
  Statement& bind_null(int position);
  // True: a row is there. False: done.
  Result<bool> step();
  // step() until done, rows dropped, then reset().
  Status run();
  void reset();

  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] int64_t integer(int column) const;
  [[nodiscard]] std::string_view text(int column) const;  // valid until the next step or reset

 private:
  friend class Database;
  Statement(sqlite3_stmt* handle, std::string path, std::shared_ptr<IdleStatements> idle);
  sqlite3_stmt* handle_ = nullptr;
  std::string path_;  // for messages: the Database itself may be moved
  std::shared_ptr<IdleStatements> idle_;
  int bind_error_ = 0;  // reported by the next step()
};

// BEGIN IMMEDIATE … COMMIT; rolls back unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(Database& database);
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Status commit();

 private:
  explicit Transaction(Database& database) : database_(&database) {}
  Database* database_;
};

}  // namespace base::sqlite
