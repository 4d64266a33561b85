#include "base/sqlite/sqlite.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

namespace base::sqlite {
namespace {

// How long a statement waits for another connection's lock: a reader's checkpoint, a backup tool.
constexpr int kBusyMilliseconds = 5'000;

// What a write-ahead log may keep on disk between bursts.
constexpr int64_t kMaxIdleLog = int64_t{16} << 20;
// A checkpoint waits for the disk, and so does whoever comes meanwhile: not more often than that
// limit asks for. Of 4 KiB, with room for the transaction that goes over it.
constexpr int64_t kPagesToCheckpoint = 3'000;

Code code_of(int extended) {
  switch (extended & 0xff) {
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return Code::Corrupt;
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Code::Forbidden;
    // Never InvalidArgument: a caller takes that for what a person wrote, and does not try again.
    case SQLITE_CONSTRAINT:
      return extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY ||
                     extended == SQLITE_CONSTRAINT_ROWID
                 ? Code::AlreadyExists
                 : Code::Internal;
    case SQLITE_INTERRUPT:
      return Code::Cancelled;
    case SQLITE_TOOBIG:
      return Code::TooLarge;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:  // of a file that could be written: its disk was remounted, or it moved
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
      return Code::Unavailable;
    default:
      return Code::Internal;
  }
}

// SQLite's own words for what went wrong.
Error describe(sqlite3* handle, const std::string& path, std::string_view doing) {
  const int extended = handle != nullptr ? sqlite3_extended_errcode(handle) : SQLITE_NOMEM;
  const char* text = handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(SQLITE_NOMEM);
  return {code_of(extended), std::string(doing) + " " + path + ": " + text,
          std::chrono::milliseconds{0}};
}

// SQLite makes its files readable for everybody and gives -wal and -shm the mode of the database;
// so that one is made first. Files of an earlier version are closed to others. Best effort: who may
// not change the mode is told by open() whether the file can be used.
void make_private(const std::string& path) {
  constexpr mode_t kMode = S_IRUSR | S_IWUSR;
  const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, kMode);
  if (made >= 0) ::close(made);
  for (const char* suffix : {"", "-wal", "-shm"}) {
    const std::string file = path + suffix;
    struct stat found{};
    if (::stat(file.c_str(), &found) == 0 && S_ISREG(found.st_mode) && (found.st_mode & 077) != 0)
      static_cast<void>(::chmod(file.c_str(), kMode));
  }
}

struct Deadline {
  Clock& clock;
  SteadyTime until;
};

int is_over(void* deadline) {
  const auto* at = static_cast<const Deadline*>(deadline);
  return at->clock.steady_now() >= at->until ? 1 : 0;
}

}  // namespace

// Compiling a statement costs more than most of them do. Those that are not in use, the one that
// was used last at the end.
class IdleStatements {
 public:
  IdleStatements() = default;
  IdleStatements(const IdleStatements&) = delete;
  IdleStatements& operator=(const IdleStatements&) = delete;
  ~IdleStatements() { close(); }

  // nullptr: there is none of this text.
  sqlite3_stmt* take(std::string_view sql) {
    const auto found = std::find_if(statements_.begin(), statements_.end(),
                                    [&](sqlite3_stmt* one) { return sqlite3_sql(one) == sql; });
    if (found == statements_.end()) return nullptr;
    sqlite3_stmt* statement = *found;
    statements_.erase(found);
    return statement;
  }

  void give(sqlite3_stmt* statement) {
    if (statement == nullptr) return;
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (closed_) {
      sqlite3_finalize(statement);
      return;
    }
    if (statements_.size() == kMost) {
      sqlite3_finalize(statements_.front());
      statements_.erase(statements_.begin());
    }
    statements_.push_back(statement);
  }

  // The database goes.
  void close() {
    closed_ = true;
    for (sqlite3_stmt* statement : statements_)
      sqlite3_finalize(statement);
    statements_.clear();
  }

 private:
  static constexpr size_t kMost = 24;
  bool closed_ = false;
  // Room from the beginning: give() is called by destructors and must not throw.
  std::vector<sqlite3_stmt*> statements_ = [] {
    std::vector<sqlite3_stmt*> room;
    room.reserve(kMost);
    return room;
  }();
};

Database::Database(sqlite3* handle, std::string path)
    : handle_(handle), path_(std::move(path)), idle_(std::make_shared<IdleStatements>()) {}

Database::Database(Database&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)),
      path_(std::move(other.path_)),
      idle_(std::move(other.idle_)),
      commit_in_doubt_(other.commit_in_doubt_) {}

Database& Database::operator=(Database&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(path_, other.path_);
  std::swap(idle_, other.idle_);
  std::swap(commit_in_doubt_, other.commit_in_doubt_);
  return *this;
}

Database::~Database() {
  if (idle_ != nullptr) idle_->close();
  // close_v2: a statement that outlives the database by mistake keeps it open instead of dangling.
  sqlite3_close_v2(handle_);
}

Error Database::error(std::string_view doing) const {
  return describe(handle_, path_, doing);
}

Result<Database> Database::open(const std::string& path, Durability durability, Access access) {
  const int flags = (access == Access::ReadOnly ? SQLITE_OPEN_READONLY
                                                : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
                    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (access == Access::ReadWrite && path != ":memory:") make_private(path);
  sqlite3* handle = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  Database database(handle, path);
  // SQLite says only "unable to open database file" or "disk I/O error"; the system knows why.
  const auto explained = [&] {
    Error error = database.error("open");
    const int kind = handle != nullptr ? sqlite3_extended_errcode(handle) & 0xff : SQLITE_NOMEM;
    const bool of_system = kind == SQLITE_CANTOPEN || kind == SQLITE_IOERR || kind == SQLITE_FULL;
    const int system_error = of_system ? sqlite3_system_errno(handle) : 0;
    if (system_error == EACCES || system_error == EPERM || system_error == EROFS)
      error.code = Code::Forbidden;
    if (system_error != 0)
      error.message += " (" + std::generic_category().message(system_error) + ")";
    return failure(std::move(error));
  };
  if (opened != SQLITE_OK) return explained();
  sqlite3_busy_timeout(handle, kBusyMilliseconds);
  // Files may come from elsewhere: no SQL of theirs runs with our rights.
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  std::string settings = "PRAGMA foreign_keys = ON; PRAGMA synchronous = ";
  settings += durability == Durability::Full ? "FULL;" : "NORMAL;";
  // The log of a burst shrinks again at the next checkpoint.
  if (access == Access::ReadWrite)
    settings = "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = " +
               std::to_string(kPagesToCheckpoint) +
               "; PRAGMA journal_size_limit = " + std::to_string(kMaxIdleLog) + "; " + settings;
  // The first statement that reads the file: where "not a database" shows.
  settings += " SELECT count(*) FROM sqlite_schema;";
  if (sqlite3_exec(handle, settings.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return explained();
  if (access == Access::ReadWrite && sqlite3_db_readonly(handle, "main") == 1)
    return failure(Code::Forbidden, "open " + path + ": the file is read-only");
  return database;
}

Status Database::execute(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return failure(error("write"));
  return {};
}

Result<Statement> Database::prepare(std::string_view sql) {
  if (sqlite3_stmt* known = idle_->take(sql)) return Statement(known, path_, idle_);
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr) != SQLITE_OK)
    return failure(error("prepare a statement for"));
  return Statement(statement, path_, idle_);
}

Result<int64_t> Database::user_version() {
  ASSIGN_OR_RETURN(Statement query, prepare("PRAGMA user_version"));
  ASSIGN_OR_RETURN(const bool found, query.step());
  return found ? query.integer(0) : 0;
}

Status Database::set_user_version(int64_t version) {
  return execute("PRAGMA user_version = " + std::to_string(version));
}

Status Database::migrate(std::span<const char* const> migrations) {
  ASSIGN_OR_RETURN(int64_t version, user_version());
  const auto known = static_cast<int64_t>(migrations.size());
  if (version > known || version < 0)
    return failure(Code::InvalidArgument, path_ + " was written by a newer sparkcron (version " +
                                              std::to_string(version) + ", this one knows " +
                                              std::to_string(known) + ")");
  for (; version < known; ++version) {
    // The step and its number are one transaction: a crash leaves the file before or after it.
    ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(*this));
    RETURN_IF_ERROR(execute(migrations[static_cast<size_t>(version)]));
    RETURN_IF_ERROR(set_user_version(version + 1));
    RETURN_IF_ERROR(transaction.commit());
  }
  return {};
}

Status Database::check(Clock& clock, std::chrono::milliseconds at_most) {
  Deadline deadline{.clock = clock, .until = clock.steady_now() + at_most};
  ASSIGN_OR_RETURN(Statement query, prepare("PRAGMA quick_check(1)"));
  sqlite3_progress_handler(handle_, 1'000, is_over, &deadline);
  const auto row = query.step();
  sqlite3_progress_handler(handle_, 0, nullptr, nullptr);
  if (!row) return row.error().code == Code::Cancelled ? Status{} : failure(row.error());
  if (*row && query.text(0) != "ok")
    return failure(Code::Corrupt, "check " + path_ + ": " + std::string(query.text(0)));
  return {};
}

// The version's page is written even if it stays as it is; a row's would not be.
Status Database::try_write() {
  RETURN_IF_ERROR(execute("PRAGMA wal_checkpoint(TRUNCATE)"));
  ASSIGN_OR_RETURN(const int64_t version, user_version());
  ASSIGN_OR_RETURN(Transaction transaction, Transaction::begin(*this));
  RETURN_IF_ERROR(set_user_version(version));
  return transaction.commit();
}

bool Database::still_there() const {
  int moved = 0;
  return sqlite3_file_control(handle_, "main", SQLITE_FCNTL_HAS_MOVED, &moved) != SQLITE_OK ||
         moved == 0;
}

int64_t Database::last_insert_rowid() const {
  return sqlite3_last_insert_rowid(handle_);
}

int64_t Database::changes() const {
  return sqlite3_changes64(handle_);
}

Statement::Statement(sqlite3_stmt* handle, std::string path, std::shared_ptr<IdleStatements> idle)
    : handle_(handle), path_(std::move(path)), idle_(std::move(idle)) {}

Statement::Statement(Statement&& other) noexcept
    : handle_(std::exchange(other.handle_, nullptr)),
      path_(std::move(other.path_)),
      idle_(std::move(other.idle_)),
      bind_error_(std::exchange(other.bind_error_, 0)) {}

Statement& Statement::operator=(Statement&& other) noexcept {
  std::swap(handle_, other.handle_);
  std::swap(path_, other.path_);
  std::swap(idle_, other.idle_);
  std::swap(bind_error_, other.bind_error_);
  return *this;
}

Statement::~Statement() {
  if (idle_ != nullptr) idle_->give(handle_);
}

Statement& Statement::bind(int position, int64_t value) {
  const int result = sqlite3_bind_int64(handle_, position, value);
  if (result != SQLITE_OK) bind_error_ = result;
  return *this;
}

Statement& Statement::bind(int position, std::string_view value) {
  // A null pointer would bind NULL: an empty view becomes an empty text.
  const char* text = value.data() != nullptr ? value.data() : "";
  const int result =
      sqlite3_bind_text64(handle_, position, text, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  if (result != SQLITE_OK) bind_error_ = result;
  return *this;
}

Statement& Statement::bind_null(int position) {
  const int result = sqlite3_bind_null(handle_, position);
  if (result != SQLITE_OK) bind_error_ = result;
  return *this;
}

Result<bool> Statement::step() {
  if (bind_error_ != SQLITE_OK)
    return failure(code_of(bind_error_), "bind a value for " + path_ + ": " +
                                             sqlite3_errstr(std::exchange(bind_error_, 0)));
  const int result = sqlite3_step(handle_);
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  Error error = describe(sqlite3_db_handle(handle_), path_,
                         sqlite3_stmt_readonly(handle_) != 0 ? "read" : "write");
  sqlite3_reset(handle_);  // a failed statement must not hold its lock
  return failure(std::move(error));
}

Status Statement::run() {
  while (true) {
    auto row = step();
    if (!row) return failure(std::move(row).error());
    if (!*row) break;
  }
  reset();
  return {};
}

void Statement::reset() {
  sqlite3_reset(handle_);
  sqlite3_clear_bindings(handle_);
  bind_error_ = SQLITE_OK;
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(handle_, column);
}

std::string_view Statement::text(int column) const {
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_, column));
  if (text == nullptr) return {};
  return {text, static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
}

Result<Transaction> Transaction::begin(Database& database) {
  RETURN_IF_ERROR(database.execute("BEGIN IMMEDIATE"));
  return Transaction(database);
}

Transaction::Transaction(Transaction&& other) noexcept
    : database_(std::exchange(other.database_, nullptr)) {}

Transaction::~Transaction() {
  // SQLite rolls back by itself on some errors (full disk); then this has nothing to do.
  if (database_ != nullptr) static_cast<void>(database_->execute("ROLLBACK"));
}

Status Transaction::commit() {
  CHECK(database_ != nullptr);
  // A commit that fails leaves the transaction open: the destructor rolls it back. After a failed
  // sync its pages may have reached the log all the same, where the next start would find them.
  if (auto committed = database_->execute("COMMIT"); !committed) {
    const int problem = sqlite3_errcode(database_->handle_) & 0xff;
    if (problem != SQLITE_FULL && problem != SQLITE_BUSY) database_->commit_in_doubt_ = true;
    return committed;
  }
  database_ = nullptr;
  return {};
}

}  // namespace base::sqlite
