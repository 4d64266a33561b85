#include "base/sqlite/sqlite.h"

#include <array>
#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/support/catch.h"
#include "tests/support/file_size_limit.h"

using base::Code;
using base::sqlite::Access;
using base::sqlite::Database;
using base::sqlite::Durability;
using base::sqlite::Transaction;

namespace {

// A folder of its own, gone with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sqlite_test.XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

Database open(const std::string& path) {
  auto database = Database::open(path, Durability::Normal);
  REQUIRE(database);
  return std::move(*database);
}

int64_t count(Database& database) {
  auto query = database.prepare("SELECT count(*) FROM t");
  REQUIRE(query);
  REQUIRE(query->step().value());
  return query->integer(0);
}

}  // namespace

TEST_CASE("values come back as they went in", "[sqlite]") {
  Database database = open(":memory:");
  REQUIRE(database.execute("CREATE TABLE t (a INTEGER, b TEXT, c TEXT) STRICT"));
  auto insert = database.prepare("INSERT INTO t VALUES (?, ?, ?)");
  REQUIRE(insert);
  const std::string with_nul("a\0b", 3);
  REQUIRE(insert->bind(1, int64_t{1} << 62).bind(2, with_nul).bind_null(3).run());
  CHECK(database.changes() == 1);
  CHECK(database.last_insert_rowid() == 1);
  REQUIRE(insert->bind(1, -1).bind(2, std::string_view{}).bind(3, "x").run());
  auto query = database.prepare("SELECT a, b, c FROM t ORDER BY rowid");
  REQUIRE(query);
  REQUIRE(query->step().value());
  CHECK(query->integer(0) == int64_t{1} << 62);
  CHECK(query->text(1) == with_nul);
  CHECK(query->is_null(2));
  CHECK(query->text(2).empty());
  REQUIRE(query->step().value());
  CHECK_FALSE(query->is_null(1));
  CHECK(query->text(1).empty());
  CHECK_FALSE(query->step().value());
}

TEST_CASE("a statement survives its database being moved", "[sqlite]") {
  Database first = open(":memory:");
  REQUIRE(first.execute("CREATE TABLE t (a INTEGER)"));
  auto insert = first.prepare("INSERT INTO t VALUES (1)");
  REQUIRE(insert);
  Database second = std::move(first);
  REQUIRE(insert->run());
  CHECK(count(second) == 1);
}

TEST_CASE("a statement of the same text as an earlier one has nothing of that left", "[sqlite]") {
  Database database = open(":memory:");
  REQUIRE(database.execute("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1), (2)"));
  const std::string text = "SELECT a FROM t WHERE a >= coalesce(?, 0) ORDER BY a";
  {
    auto query = database.prepare(text);
    REQUIRE(query);
    REQUIRE(query->bind(1, int64_t{2}).step().value());
    CHECK(query->integer(0) == 2);  // and not read to its end
  }
  SECTION("it begins anew, without what was bound") {
    auto query = database.prepare(text);
    REQUIRE(query);
    REQUIRE(query->step().value());
    CHECK(query->integer(0) == 1);
  }
  SECTION("it sees a table that was changed meanwhile") {
    REQUIRE(database.execute("DROP TABLE t; CREATE TABLE t (b TEXT, a INTEGER)"));
    REQUIRE(database.execute("INSERT INTO t VALUES ('x', 3)"));
    auto query = database.prepare(text);
    REQUIRE(query);
    REQUIRE(query->step().value());
    CHECK(query->integer(0) == 3);
  }
  SECTION("two at once do not meet") {
    auto one = database.prepare(text);
    auto two = database.prepare(text);
    REQUIRE(one);
    REQUIRE(two);
    REQUIRE(one->step().value());
    REQUIRE(two->bind(1, int64_t{2}).step().value());
    CHECK(one->integer(0) == 1);
    CHECK(two->integer(0) == 2);
  }
  SECTION("of many texts only the last few are kept, and all work") {
    for (int round = 0; round < 2; ++round) {
      for (int64_t i = 0; i < 100; ++i) {
        auto query = database.prepare("SELECT " + std::to_string(i));
        REQUIRE(query);
        REQUIRE(query->step().value());
        CHECK(query->integer(0) == i);
      }
    }
  }
}

TEST_CASE("a transaction rolls back unless committed", "[sqlite]") {
  Database database = open(":memory:");
  REQUIRE(database.execute("CREATE TABLE t (a INTEGER)"));
  {
    auto transaction = Transaction::begin(database);
    REQUIRE(transaction);
    REQUIRE(database.execute("INSERT INTO t VALUES (1)"));
  }
  CHECK(count(database) == 0);
  {
    auto transaction = Transaction::begin(database);
    REQUIRE(transaction);
    REQUIRE(database.execute("INSERT INTO t VALUES (1)"));
    REQUIRE(transaction->commit());
  }
  CHECK(count(database) == 1);
}

TEST_CASE("errors carry a code that a caller may act on", "[sqlite]") {
  Database database = open(":memory:");
  REQUIRE(database.execute(
      "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT UNIQUE, c INTEGER NOT NULL DEFAULT 0);"
      "CREATE TABLE u (t INTEGER REFERENCES t (a));"
      "INSERT INTO t VALUES (1, 'x', 0)"));
  struct Case {
    std::string sql;
    Code code = Code::Internal;
    std::string message;
  };
  const Case cases[] = {
      {.sql = "INSERT INTO t VALUES (1, 'y', 0)",
       .code = Code::AlreadyExists,
       .message = "write :memory:: UNIQUE constraint failed: t.a"},
      {.sql = "INSERT INTO t VALUES (2, 'x', 0)",
       .code = Code::AlreadyExists,
       .message = "write :memory:: UNIQUE constraint failed: t.b"},
      {.sql = "INSERT INTO t VALUES (2, 'y', NULL)",
       .code = Code::Internal,
       .message = "write :memory:: NOT NULL constraint failed: t.c"},
      {.sql = "INSERT INTO u VALUES (9)",
       .code = Code::Internal,
       .message = "write :memory:: FOREIGN KEY constraint failed"},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.sql) {
      auto statement = database.prepare(c.sql);
      REQUIRE(statement);
      const auto status = statement->run();
      REQUIRE_FALSE(status);
      CHECK(status.error().code == c.code);
      CHECK(status.error().message == c.message);
    }
  }
  const auto broken = database.prepare("SELEKT");
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code == Code::Internal);
  CHECK(broken.error().message ==
        "prepare a statement for :memory:: near \"SELEKT\": syntax error");
  auto out_of_range = database.prepare("SELECT ?");
  REQUIRE(out_of_range);
  CHECK_FALSE(out_of_range->bind(2, 1).step());
}

TEST_CASE("migrations run once, in order", "[sqlite]") {
  const TemporaryFolder folder;
  const std::string path = folder.file("m.db");
  const char* const first[] = {"CREATE TABLE t (a INTEGER)"};
  const char* const both[] = {"CREATE TABLE t (a INTEGER)",
                              "ALTER TABLE t ADD COLUMN b TEXT; INSERT INTO t VALUES (1, 'x')"};
  {
    Database database = open(path);
    REQUIRE(database.migrate(first));
    REQUIRE(database.migrate(first));
    CHECK(count(database) == 0);
  }
  {
    Database database = open(path);
    REQUIRE(database.migrate(both));
    REQUIRE(database.migrate(both));
    CHECK(count(database) == 1);
  }
  Database database = open(path);
  const auto status = database.migrate(first);
  REQUIRE_FALSE(status);
  CHECK(status.error().code == Code::InvalidArgument);
  CHECK(status.error().message ==
        path + " was written by a newer sparkcron (version 2, this one knows 1)");
}

TEST_CASE("a migration that fails leaves nothing behind", "[sqlite]") {
  Database database = open(":memory:");
  const char* const broken[] = {"CREATE TABLE t (a INTEGER); CREATE TABLE t (a INTEGER)"};
  CHECK_FALSE(database.migrate(broken));
  const char* const good[] = {"CREATE TABLE t (a INTEGER)"};
  CHECK(database.migrate(good));
}

TEST_CASE("files that cannot be used are named with the reason", "[sqlite]") {
  const TemporaryFolder folder;
  SECTION("not a database") {
    const std::string path = folder.file("text.db");
    std::ofstream(path) << std::string(5000, 'x');
    const auto database = Database::open(path, Durability::Full);
    REQUIRE_FALSE(database);
    CHECK(database.error().code == Code::Corrupt);
    CHECK(database.error().message == "open " + path + ": file is not a database");
  }
  SECTION("no such folder") {
    const std::string path = folder.file("missing/x.db");
    const auto database = Database::open(path, Durability::Full);
    REQUIRE_FALSE(database);
    CHECK(database.error().code == Code::Unavailable);
    CHECK(database.error().message ==
          "open " + path + ": unable to open database file (No such file or directory)");
  }
  SECTION("written through a read-only connection") {
    const std::string path = folder.file("r.db");
    {
      REQUIRE(open(path).execute("CREATE TABLE t (a INTEGER)"));
    }
    auto database = Database::open(path, Durability::Normal, Access::ReadOnly);
    REQUIRE(database);
    const auto status = database->execute("INSERT INTO t VALUES (1)");
    REQUIRE_FALSE(status);
    CHECK(status.error().code == Code::Unavailable);
    CHECK(status.error().message == "write " + path + ": attempt to write a readonly database");
  }
}

TEST_CASE("a full disk is an error that may pass", "[sqlite]") {
  const TemporaryFolder folder;
  Database database = open(folder.file("full.db"));
  REQUIRE(database.execute("CREATE TABLE t (a TEXT); PRAGMA max_page_count = 8"));
  auto insert = database.prepare("INSERT INTO t VALUES (?)");
  REQUIRE(insert);
  base::Status status;
  const std::string row(4000, 'x');
  for (int i = 0; i < 100 && status; ++i)
    status = insert->bind(1, row).run();
  REQUIRE_FALSE(status);
  CHECK(status.error().code == Code::Unavailable);
  CHECK(status.error().message == "write " + folder.file("full.db") + ": database or disk is full");
  const int64_t before = count(database);
  REQUIRE(database.execute("PRAGMA max_page_count = 1000"));
  CHECK(insert->bind(1, row).run());
  CHECK(count(database) == before + 1);
}

TEST_CASE("a small write that changes nothing tells whether the disk takes writes", "[sqlite]") {
  const TemporaryFolder folder;
  Database database = open(folder.file("a.db"));
  constexpr std::array<const char*, 1> kMigrations = {"CREATE TABLE t (a INTEGER)"};
  REQUIRE(database.migrate(kMigrations));
  REQUIRE(database.try_write());
  CHECK(std::filesystem::file_size(folder.file("a.db-wal")) > 4096);  // it came to the log
  {
    const tests::FileSizeLimit full(4096);
    const auto refused = database.try_write();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Code::Unavailable);
    CHECK_THAT(refused.error().message, Catch::StartsWith("write " + folder.file("a.db") + ": "));
  }
  CHECK(database.try_write());
  CHECK(database.migrate(kMigrations));
  CHECK(count(database) == 0);
}

TEST_CASE("what was committed is there after reopening", "[sqlite]") {
  const TemporaryFolder folder;
  const std::string path = folder.file("d.db");
  {
    Database writer = open(path);
    REQUIRE(writer.execute("CREATE TABLE t (a INTEGER); INSERT INTO t VALUES (1)"));
    // A second connection reads while the first is open: WAL.
    auto reader = Database::open(path, Durability::Normal, Access::ReadOnly);
    REQUIRE(reader);
    CHECK(count(*reader) == 1);
  }
  Database again = open(path);
  CHECK(count(again) == 1);
}

TEST_CASE("a damaged file is data loss, found when it is looked at", "[sqlite]") {
  const TemporaryFolder folder;
  const std::string path = folder.file("damaged.db");
  {
    Database database = open(path);
    REQUIRE(database.execute(
        "CREATE TABLE t (a TEXT); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "WHERE i < 1000) INSERT INTO t SELECT printf('%0100d', i) FROM n"));
    CHECK(database.check(base::real_clock(), std::chrono::minutes(5)));
  }
  {
    // Beyond the first page, which tells what the file is.
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(20'000, '\x7f');
  }
  Database database = open(path);
  const auto status = database.check(base::real_clock(), std::chrono::minutes(5));
  REQUIRE_FALSE(status);
  CHECK(status.error().code == Code::Corrupt);
  CHECK_THAT(status.error().message, Catch::StartsWith("check " + path + ": "));
  auto read = database.prepare("SELECT a FROM t");
  REQUIRE(read);
  const auto row = read->run();
  REQUIRE_FALSE(row);
  CHECK(row.error().code == Code::Corrupt);
  CHECK(row.error().message == "read " + path + ": database disk image is malformed");
}

TEST_CASE("looking at a large file ends when its time is over", "[sqlite]") {
  // An hour passes whenever somebody looks.
  class HastyClock final : public base::Clock {
   public:
    [[nodiscard]] base::WallTime now() const override { return {}; }
    [[nodiscard]] base::SteadyTime steady_now() const override {
      return base::SteadyTime{std::chrono::hours(++looks)};
    }
    bool wait_until(base::MutexLock&, base::CondVar&, base::SteadyTime) override { return false; }
    mutable int looks = 0;
  };
  Database database = open(":memory:");
  REQUIRE(database.execute(
      "CREATE TABLE t (a TEXT NOT NULL); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 "
      "FROM n WHERE i < 10000) INSERT INTO t SELECT i FROM n"));
  HastyClock clock;
  CHECK(database.check(clock, std::chrono::minutes(30)));
  CHECK(clock.looks == 2);
  clock.looks = 0;
  CHECK(database.check(clock, std::chrono::hours(1'000'000)));
  CHECK(clock.looks > 10);
}

TEST_CASE("a file that was removed or replaced is noticed", "[sqlite]") {
  const TemporaryFolder folder;
  const std::string path = folder.file("moved.db");
  Database database = open(path);
  REQUIRE(database.execute("CREATE TABLE t (a INTEGER)"));
  CHECK(database.still_there());
  SECTION("removed") {
    CHECK(std::filesystem::remove(path));
  }
  SECTION("renamed") {
    std::filesystem::rename(path, path + ".old");
    CHECK_FALSE(std::filesystem::exists(path));
  }
  SECTION("replaced") {
    std::filesystem::rename(path, path + ".old");
    CHECK(std::filesystem::copy_file(path + ".old", path));
  }
  CHECK_FALSE(database.still_there());
  CHECK(open(":memory:").still_there());
}

TEST_CASE("database files are private whatever the umask", "[sqlite]") {
  const TemporaryFolder folder;
  const std::string path = folder.file("secret.db");
  SECTION("new ones") {
    CHECK_FALSE(std::filesystem::exists(path));
  }
  SECTION("those of an earlier version") {
    REQUIRE(open(path).execute("CREATE TABLE old (a INTEGER)"));
    REQUIRE(::chmod(path.c_str(), 0644) == 0);
  }
  const mode_t before = ::umask(0);
  Database database = open(path);
  const auto written = database.execute("CREATE TABLE t (a INTEGER)");
  ::umask(before);
  REQUIRE(written);
  for (const char* suffix : {"", "-wal", "-shm"}) {
    INFO(suffix);
    struct stat found{};
    REQUIRE(::stat((path + suffix).c_str(), &found) == 0);
    CHECK((found.st_mode & 0777) == 0600);
  }
}

TEST_CASE("the write-ahead log of a burst shrinks again", "[sqlite]") {
  const TemporaryFolder folder;
  const std::string path = folder.file("burst.db");
  Database database = open(path);
  REQUIRE(database.execute("CREATE TABLE t (a TEXT)"));
  // One transaction of 40 MB, then small ones.
  REQUIRE(database.execute(
      "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) "
      "INSERT INTO t SELECT printf('%04000d', i) FROM n"));
  CHECK(std::filesystem::file_size(path + "-wal") > 30'000'000);
  REQUIRE(database.execute("INSERT INTO t VALUES ('x')"));
  REQUIRE(database.execute("INSERT INTO t VALUES ('x')"));
  CHECK(std::filesystem::file_size(path + "-wal") <= 16U << 20);
}
