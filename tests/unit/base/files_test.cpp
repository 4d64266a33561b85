#include "base/files.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/catch.h"
#include "tests/support/folder.h"

namespace {

namespace fs = std::filesystem;
using base::Code;

// The umask of the process while it lives.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(::umask(mask)) {}
  ~Umask() { ::umask(before_); }
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;

 private:
  const mode_t before_;
};

void put(const fs::path& path, const std::string& content) {
  std::ofstream(path) << content;
}

std::string get(const fs::path& path) {
  return base::read_file(path).value_or("(cannot be read)");
}

mode_t mode_of(const fs::path& path) {
  struct stat info{};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777;
}

TEST_CASE("a file is read whole, within a limit, through links", "[files]") {
  const tests::Folder folder;
  const fs::path path = folder.path() / "f";
  put(path, "12345");
  CHECK(base::read_file(path) == "12345");
  CHECK(base::read_file(path, 5) == "12345");
  fs::create_symlink(path, folder.path() / "link");
  CHECK(base::read_file(folder.path() / "link") == "12345");
  struct Case {
    const char* name;
    fs::path path;
    size_t limit;
    Code code;
    std::string message;  // after "read PATH: "
  };
  const std::string large(2 << 20, 'x');
  put(folder.path() / "large", large);
  const Case cases[] = {
      {"missing", folder.path() / "no", 1, Code::NotFound, "No such file or directory"},
      {"a folder", folder.path(), 1, Code::Unavailable, "Is a directory"},
      {"no path", path / "x", 1, Code::InvalidArgument, "Not a directory"},
      {"too long", path, 4, Code::TooLarge, "longer than 4 bytes"},
      {"too long, KiB", folder.path() / "large", 3 << 10, Code::TooLarge, "longer than 3 KiB"},
      {"too long, MiB", folder.path() / "large", 1 << 20, Code::TooLarge, "longer than 1 MiB"},
      {"endless", "/dev/zero", 1 << 20, Code::TooLarge, "longer than 1 MiB"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const auto got = base::read_file(c.path, c.limit);
    REQUIRE_FALSE(got);
    CHECK(got.error().code == c.code);
    CHECK(got.error().message == "read " + c.path.string() + ": " + c.message);
  }
}

TEST_CASE("what stands in the place of a file of ours is refused", "[files]") {
  const tests::Folder folder;
  const fs::path victim = folder.path() / "victim";
  const fs::path path = folder.path() / "f";
  put(victim, "precious");
  ::chmod(victim.c_str(), 0644);
  std::string message;
  SECTION("a link") {
    fs::create_symlink(victim, path);
    REQUIRE(fs::is_symlink(path));
    message = path.string() + " is a symbolic link: remove it";
  }
  SECTION("a pipe, without waiting for who writes to it") {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    message = path.string() + " is not a file: remove it";
  }
  SECTION("a file of another user") {
    REQUIRE(::geteuid() == 0);  // only root can give files away: run the tests as root
    put(path, "theirs");
    REQUIRE(::chown(path.c_str(), 65534, 65534) == 0);
    message = path.string() + " belongs to user 65534: remove it, or choose another folder";
    CHECK(base::check_owner(path).error().message == message);
  }
  const auto read = base::read_own_file(path);
  REQUIRE_FALSE(read);
  CHECK(read.error().code == Code::Forbidden);
  CHECK(read.error().message == message);
  const auto lock = base::lock_file(path);
  REQUIRE_FALSE(lock);
  CHECK(lock.error().message == message);
  CHECK(get(victim) == "precious");
  CHECK(mode_of(victim) == 0644);
}

TEST_CASE("a file of ours is closed to others when it is read", "[files]") {
  const tests::Folder folder;
  const fs::path path = folder.path() / "f";
  CHECK(base::read_own_file(path).error().code == Code::NotFound);
  put(path, "text");
  ::chmod(path.c_str(), 0644);
  CHECK(base::read_own_file(path) == "text");
  CHECK(mode_of(path) == 0600);
  CHECK(base::check_owner(path));
  CHECK(base::check_owner(folder.path() / "missing"));
}

TEST_CASE("files and folders have their mode whatever the umask", "[files]") {
  const mode_t mask = GENERATE(as<mode_t>(), 0, 022, 0777);
  CAPTURE(mask);
  const tests::Folder folder;
  {
    const Umask umask(mask);
    REQUIRE(base::make_folders(folder.path() / "a/b"));
    REQUIRE(base::write_durably(folder.path() / "a/b/durable", "1"));
    REQUIRE(base::write_plainly(folder.path() / "a/b/plain", "2"));
    REQUIRE(base::write_plainly(folder.path() / "a/b/script", "3", 0755));
    REQUIRE(base::lock_file(folder.path() / "a/b/lock"));
  }
  CHECK(mode_of(folder.path() / "a") == 0700);
  CHECK(mode_of(folder.path() / "a/b") == 0700);
  CHECK(mode_of(folder.path() / "a/b/durable") == 0600);
  CHECK(mode_of(folder.path() / "a/b/plain") == 0600);
  CHECK(mode_of(folder.path() / "a/b/script") == 0755);
  CHECK((mode_of(folder.path() / "a/b/lock") & 077) == 0);
}

TEST_CASE("a durable write replaces the file in one step and writes into nothing", "[files]") {
  const tests::Folder folder;
  const fs::path path = folder.path() / "f";
  const fs::path temporary = folder.path() / "f.new";
  const fs::path victim = folder.path() / "victim";
  put(victim, "precious");
  SECTION("a planted link is not followed") {
    fs::create_symlink(victim, temporary);
    REQUIRE(base::write_durably(path, "ours"));
    CHECK(get(path) == "ours");
  }
  SECTION("a link in the place of the file is replaced") {
    fs::create_symlink(victim, path);
    REQUIRE(base::write_durably(path, "ours"));
    CHECK_FALSE(fs::is_symlink(path));
    CHECK(get(path) == "ours");
  }
  SECTION("a file that somebody reads already is replaced, not written to") {
    put(temporary, "old");
    ::chmod(temporary.c_str(), 0666);
    std::ifstream spy(temporary);
    REQUIRE(base::write_durably(path, "ours"));
    std::ostringstream seen;
    seen << spy.rdbuf();
    CHECK(seen.str() == "old");
    CHECK(mode_of(path) == 0600);
  }
  SECTION("what fails leaves the old content and no other file") {
    fs::create_directory(path);
    const auto written = base::write_durably(path, "ours");
    REQUIRE_FALSE(written);
    CHECK(written.error().message == "rename " + temporary.string() + ": Is a directory");
    CHECK_FALSE(fs::exists(temporary));
  }
  SECTION("without the folder it says so") {
    const auto written = base::write_durably(folder.path() / "no/f", "ours");
    REQUIRE_FALSE(written);
    CHECK(written.error().code == Code::NotFound);
    CHECK(written.error().message ==
          "create " + (folder.path() / "no/f.new").string() + ": No such file or directory");
  }
  CHECK(get(victim) == "precious");
}

TEST_CASE("a plain write goes neither through a link nor into a pipe", "[files]") {
  const tests::Folder folder;
  const fs::path path = folder.path() / "f";
  const fs::path victim = folder.path() / "victim";
  put(victim, "precious");
  fs::create_symlink(victim, path);
  CHECK_FALSE(base::write_plainly(path, "ours"));
  CHECK(get(victim) == "precious");
  fs::remove(path);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK_FALSE(base::write_plainly(path, "ours"));
  fs::remove(path);
  REQUIRE(base::write_plainly(path, "longer text"));
  REQUIRE(base::write_plainly(path, "text"));
  CHECK(get(path) == "text");
}

TEST_CASE("a file is read in portions at any place of it", "[files]") {
  const tests::Folder folder;
  const std::string path = folder.path() / "file";
  put(path, "0123456789");
  const auto file = base::open_to_read(path);
  REQUIRE(file);
  CHECK(base::read_at(*file, 2, 3) == "234");
  CHECK(base::read_at(*file, 8, 100) == "89");
  CHECK(base::read_at(*file, 11, 1).empty());
  const auto missing = base::open_to_read(folder.path() / "nothing");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == base::Code::NotFound);
}

TEST_CASE("the tail of a file is its end, of a pipe nothing", "[files]") {
  const tests::Folder folder;
  const fs::path path = folder.path() / "f";
  CHECK(base::read_tail(path, 3).empty());
  put(path, "12345");
  CHECK(base::read_tail(path, 3) == "345");
  CHECK(base::read_tail(path, 30) == "12345");
  fs::remove(path);
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(base::read_tail(path, 3).empty());
}

TEST_CASE("a lock is held by one at a time and asking does not take it", "[files]") {
  const tests::Folder folder;
  const fs::path path = folder.path() / "lock";
  CHECK(base::is_locked(path) == false);
  std::optional<base::FileDescriptor> held = std::move(*base::lock_file(path));
  CHECK(base::is_locked(path) == true);
  const auto second = base::lock_file(path);
  REQUIRE_FALSE(second);
  CHECK(second.error().code == Code::Conflict);
  CHECK(second.error().message == path.string() + " is locked");
  held.reset();
  CHECK(base::is_locked(path) == false);
  CHECK(base::lock_file(path));
}

TEST_CASE("what a path leads to, and what a folder holds", "[files]") {
  const tests::Folder folder;
  put(folder.path() / "f", "");
  fs::create_symlink(folder.path(), folder.path() / "link");
  fs::create_symlink("nowhere", folder.path() / "broken");
  CHECK(base::kind_of_path(folder.path() / "f") == base::PathKind::File);
  CHECK(base::kind_of_path(folder.path() / "link") == base::PathKind::Folder);
  CHECK(base::kind_of_path(folder.path() / "broken") == base::PathKind::Missing);
  CHECK(base::kind_of_path("/dev/null") == base::PathKind::Other);
  CHECK(base::kind_of_path(folder.path() / "f/x").error().code == Code::InvalidArgument);
  CHECK(base::path_exists(folder.path() / "f"));
  CHECK_FALSE(base::path_exists(folder.path() / "f/x"));
  auto names = base::list_folder(folder.path()).value();
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"broken", "f", "link"});
  CHECK(base::list_folder(folder.path() / "no").error().code == Code::NotFound);
  const auto made = base::make_folders(folder.path() / "f");
  REQUIRE_FALSE(made);
  CHECK(made.error().message ==
        "create folder " + (folder.path() / "f").string() + ": Not a directory");
}

}  // namespace

TEST_CASE("what a program put there is read if it is a file, and never waited for", "[files]") {
  const tests::Folder folder;
  const fs::path path = folder.path() / "f";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const auto pipe = base::read_plain_file(path);
  REQUIRE_FALSE(pipe);
  CHECK(pipe.error().code == Code::InvalidArgument);
  CHECK(pipe.error().message == path.string() + " is not a file");
  fs::remove(path);
  put(path, "12345");
  fs::create_symlink(path, folder.path() / "link");
  CHECK(base::read_plain_file(folder.path() / "link") == "12345");
  CHECK(base::read_plain_file(path, 3).error().code == Code::TooLarge);
}

TEST_CASE("a path that no folder can have is refused before any of it is looked at", "[files]") {
  const tests::Folder folder;
  std::string deep;
  for (int i = 0; i < 100'000; ++i)
    deep += "/a";
  const auto made = base::make_folders(folder.path().string() + deep);
  REQUIRE_FALSE(made);
  CHECK(made.error().code == Code::InvalidArgument);
  CHECK(made.error().message.ends_with("…: File name too long"));
  CHECK(made.error().message.size() < 200);
  CHECK(fs::is_empty(folder.path()));
}
