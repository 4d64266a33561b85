#include "tools/sparkcron/data_dir.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/catch.h"
#include "tests/support/log_file.h"

namespace sparkcron {
namespace {

struct Folder {
  std::string path;
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "sparkcron-XXXXXX";
    path = ::mkdtemp(pattern.data());
  }
  ~Folder() { std::filesystem::remove_all(path); }
};

mode_t mode_of(const std::string& path) {
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777;
}

TEST_CASE("a data folder is private and held by one process") {
  const Folder folder;
  const std::string path = folder.path + "/a/b";
  {
    auto first = DataDir::open(path);
    REQUIRE(first.has_value());
    CHECK(mode_of(path) == 0700);
    const auto second = DataDir::open(path);
    REQUIRE_FALSE(second.has_value());
    CHECK(second.error().message == path + " is in use by another sparkcron (process " +
                                        std::to_string(::getpid()) +
                                        "): stop it, or choose another folder with --data-dir");
  }
  CHECK(DataDir::open(path).has_value());
}

TEST_CASE("token and port survive a restart, the token is private") {
  const Folder folder;
  std::string token;
  {
    auto data = DataDir::open(folder.path);
    REQUIRE(data.has_value());
    CHECK(data->last_port() == 0);
    const auto made = data->token();
    REQUIRE(made.has_value());
    token = *made;
    CHECK(token.size() == 64);
    REQUIRE(data->keep_port(4711).has_value());
  }
  auto data = DataDir::open(folder.path);
  REQUIRE(data.has_value());
  CHECK(data->token() == token);
  CHECK(data->last_port() == 4711);
  CHECK(mode_of(data->file("token")) == 0600);
}

void put(const std::string& path, const std::string& content) {
  std::ofstream(path) << content;
}

std::string read(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST_CASE("files are private whatever the umask, those of an earlier start too") {
  const Folder folder;
  const mode_t before = ::umask(0);
  for (const char* name : {"api.db", "api.db-wal", "ledger.db", "token"}) {
    put(folder.path + "/" + name, "");
    REQUIRE(mode_of(folder.path + "/" + name) == 0666);
  }
  std::filesystem::create_directory(folder.path + "/logs");
  {
    auto data = DataDir::open(folder.path);
    REQUIRE(data);
    REQUIRE(data->token());
    REQUIRE(data->keep_port(1));
  }
  ::umask(before);
  for (const char* name : {"api.db", "api.db-wal", "ledger.db", "token", "lock", "port"}) {
    CAPTURE(name);
    CHECK(mode_of(folder.path + "/" + name) == 0600);
  }
  CHECK(mode_of(folder.path + "/logs") == 0700);
}

TEST_CASE("a planted link is not followed") {
  const Folder folder;
  const std::string victim = folder.path + "/victim";
  const std::string path = folder.path + "/data";
  std::filesystem::create_directory(path);
  put(victim, "precious");
  SECTION("as the lock") {
    std::filesystem::create_symlink(victim, path + "/lock");
    const auto data = DataDir::open(path);
    REQUIRE_FALSE(data);
    CHECK(data.error().message == path + "/lock is a symbolic link: remove it");
  }
  SECTION("as the token") {
    std::filesystem::create_symlink(victim, path + "/token");
    auto data = DataDir::open(path);
    REQUIRE(data);
    const auto token = data->token();
    REQUIRE_FALSE(token);
    CHECK(token.error().message == path + "/token is a symbolic link: remove it");
  }
  SECTION("as the list of databases") {
    std::filesystem::create_symlink(victim, path + "/databases");
    const auto data = DataDir::open(path);
    REQUIRE(data);
    const auto expected = data->expect_database("api.db");
    REQUIRE_FALSE(expected);
    CHECK(expected.error().message == path + "/databases is a symbolic link: remove it");
  }
  CHECK(read(victim) == "precious");
}

TEST_CASE("a data folder that others can write is warned about, and taken") {
  struct Case {
    const char* name;
    mode_t mode;
    uid_t owner;
    bool warned;
  };
  const uid_t own = ::geteuid();
  const Case cases[] = {
      {.name = "private", .mode = 0700, .owner = own, .warned = false},
      {.name = "read by others", .mode = 0755, .owner = own, .warned = false},
      {.name = "written by its group", .mode = 0770, .owner = own, .warned = true},
      {.name = "written by all", .mode = 0707, .owner = own, .warned = true},
      {.name = "sticky like /tmp", .mode = 01777, .owner = own, .warned = true},
      {.name = "another's", .mode = 0700, .owner = 65534, .warned = true},
  };
  for (const Case& c : cases) {
    if (c.owner != own && own != 0) continue;  // only root can give folders away
    DYNAMIC_SECTION(c.name) {
      const tests::LogFile log;
      const Folder folder;
      REQUIRE(::chown(folder.path.c_str(), c.owner, static_cast<gid_t>(-1)) == 0);
      REQUIRE(::chmod(folder.path.c_str(), c.mode) == 0);
      CHECK(DataDir::open(folder.path));
      CHECK(log.lines_with("warning [sparkcron] Others can write to the data folder and so replace "
                           "what is in it; make it your own with chmod 700 folder=" +
                           folder.path + " owner=" + std::to_string(c.owner)) ==
            (c.warned ? 1U : 0U));
      CHECK(log.lines_with("Others can write") == (c.warned ? 1U : 0U));
    }
  }
}

TEST_CASE("a file of another user is refused") {
  if (::geteuid() != 0) return;  // only root can give files away
  const Folder folder;
  for (const char* name : {"token", "api.db"}) {
    const std::string path = folder.path + "/" + name;
    put(path, std::string(64, 'a'));
    REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    const auto data = DataDir::open(folder.path);
    REQUIRE_FALSE(data);
    CHECK(data.error().message ==
          path + " belongs to user 65534: remove it, or choose another folder");
    std::filesystem::remove(path);
  }
}

TEST_CASE("a database that was there and is missing is an error with the way out") {
  const Folder folder;
  const std::string path = folder.path + "/api.db";
  {
    auto data = DataDir::open(folder.path);
    REQUIRE(data);
    CHECK(data->expect_database("api.db"));  // the first start
    put(path, "x");
    REQUIRE(data->keep_database("api.db"));
  }
  auto data = DataDir::open(folder.path);
  REQUIRE(data);
  CHECK(data->expect_database("api.db"));
  std::filesystem::remove(path);
  const auto missing = data->expect_database("api.db");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message == path +
                                       " is missing, and this folder has been used before: put it "
                                       "back, or remove " +
                                       folder.path + "/databases to begin anew with an empty one");
  std::filesystem::remove(folder.path + "/databases");
  CHECK(data->expect_database("api.db"));
}

TEST_CASE("a running service notices that its database is gone or another one") {
  const Folder folder;
  const std::string path = folder.path + "/api.db";
  auto data = DataDir::open(folder.path);
  REQUIRE(data);
  put(path, "x");
  REQUIRE(data->keep_database("api.db"));
  CHECK(data->missing());
  const std::string advice =
      " while it is in use: what is written now is lost; stop sparkcron, put the file back and "
      "start "
      "again";
  std::filesystem::rename(path, path + ".old");
  CHECK(data->missing().error().message == path + " was removed" + advice);
  put(path, "another");
  CHECK(data->missing().error().message == path + " was replaced" + advice);
  std::filesystem::rename(path + ".old", path);
  CHECK(data->missing());
}

TEST_CASE("a folder that cannot be made is named with the reason") {
  const auto data = DataDir::open("/proc/nothing/here");
  REQUIRE_FALSE(data.has_value());
  CHECK(data.error().message ==
        "create folder /proc/nothing: No such file or directory: mend that, or choose another "
        "folder with --data-dir");
}

}  // namespace
}  // namespace sparkcron
