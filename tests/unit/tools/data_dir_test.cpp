#include "tools/sparkcron/data_dir.h"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/catch.h"

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

TEST_CASE("a folder that cannot be made is named with the reason") {
  const auto data = DataDir::open("/proc/nothing/here");
  REQUIRE_FALSE(data.has_value());
  CHECK(data.error().message == "/proc/nothing/here: no such file or directory");
}

}  // namespace
}  // namespace sparkcron
