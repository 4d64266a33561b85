// What may be wrong with the file of a store.

#include <csignal>
#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>
#include <sys/resource.h>

#include "kube/server/storage/store.h"
#include "tests/support/catch.h"
#include "tests/unit/kube/server/storage/store_requests.h"
#include "tests/unit/kube/server/support/temporary_folder.h"

namespace kube::server::storage {
namespace {

using tests::created;
using tests::key;
using tests::open_store;
using tests::revision_of;
using tests::updated;

// No file of this process may grow beyond this, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : old_handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &old_limit_);
    const rlimit limit{.rlim_cur = bytes, .rlim_max = old_limit_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { lift(); }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  void lift() {
    ::setrlimit(RLIMIT_FSIZE, &old_limit_);
    std::signal(SIGXFSZ, old_handler_);
  }

 private:
  rlimit old_limit_{};
  void (*old_handler_)(int);
};

TEST_CASE("two stores on one file are refused") {
  const tests::TemporaryFolder folder;
  const auto store = open_store(folder.file("state.db"));
  const auto second = Store::open({.path = folder.file("state.db"), .facts = tests::facts_of});
  REQUIRE_FALSE(second);
  CHECK(second.error().code == base::Code::Unavailable);
  CHECK_THAT(second.error().message, Catch::Contains("in use by another sparkcron"));
}

TEST_CASE("a file that is no database is refused by name") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.file("state.db");
  {
    std::ofstream(path) << std::string(8192, 'x');
  }
  const auto store = Store::open({.path = path, .facts = tests::facts_of});
  REQUIRE_FALSE(store);
  CHECK(store.error().code == base::Code::InvalidArgument);
  CHECK_THAT(store.error().message, Catch::Contains(path));
}

TEST_CASE("a file written by a newer version is refused") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.file("state.db");
  open_store(path).reset();
  {
    auto database = base::sqlite::Database::open(path, base::sqlite::Durability::Normal);
    REQUIRE(database);
    REQUIRE(database->execute("PRAGMA user_version = 99"));
  }
  const auto store = Store::open({.path = path, .facts = tests::facts_of});
  REQUIRE_FALSE(store);
  CHECK_THAT(store.error().message, Catch::Contains("newer sparkcron"));
}

TEST_CASE("when the disk is full a write fails, nothing is lost and writing goes on later") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.file("state.db");
  const auto store = open_store(path);
  const int64_t first = revision_of(store->write(created("a", "before")));
  // The file system's own refusal: a file may not grow beyond what it has now.
  const auto grown = std::filesystem::file_size(path + "-wal");
  FileSizeLimit limit(grown);
  const auto refused = store->write(updated("a", first, std::string(100'000, 'x')));
  limit.lift();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == base::Code::Unavailable);
  CHECK(store->revision() == first);
  CHECK(store->get(key("a"))->parse()["value"] == "before");
  CHECK(revision_of(store->write(updated("a", first, "after"))) == first + 1);
}

}  // namespace
}  // namespace kube::server::storage
