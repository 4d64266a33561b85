// What may be wrong with the file of a store.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/server/storage/object_store.h"
#include "tests/support/await.h"
#include "tests/support/catch.h"
#include "tests/support/file_size_limit.h"
#include "tests/unit/kube/server/storage/failing_disk.h"
#include "tests/unit/kube/server/storage/store_requests.h"
#include "tests/unit/kube/server/support/temporary_folder.h"

namespace kube::server::storage {
namespace {

using tests::created;
using tests::key;
using tests::open_store;
using tests::revision_of;
using tests::updated;

TEST_CASE("two stores on one file are refused") {
  const tests::TemporaryFolder folder;
  const auto store = open_store(folder.file("state.db"));
  const auto second =
      ObjectStore::open({.path = folder.file("state.db"), .indexed = tests::indexed_fields});
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
  const auto store = ObjectStore::open({.path = path, .indexed = tests::indexed_fields});
  REQUIRE_FALSE(store);
  CHECK(store.error().code == base::Code::Corrupt);
  CHECK_THAT(store.error().message,
             Catch::Contains(path) && Catch::Contains("put a backup in its place, or move " + path +
                                                      " away to begin with an empty one"));
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
  const auto store = ObjectStore::open({.path = path, .indexed = tests::indexed_fields});
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
  tests::FileSizeLimit limit(grown);
  const auto refused = store->write(updated("a", first, std::string(100'000, 'x')));
  limit.lift();
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == base::Code::Unavailable);
  REQUIRE_FALSE(store->health());
  CHECK(store->health().error().message == refused.error().message);
  CHECK(store->revision() == first);
  CHECK(store->get(key("a"))->parse()["value"] == "before");
  CHECK(revision_of(store->write(updated("a", first, "after"))) == first + 1);
  CHECK(store->health());
}

TEST_CASE("a disk that has room again, or can sync again, shows in health without another write") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.file("state.db");
  tests::FailingDisk disk;
  auto opened = ObjectStore::open({.path = path, .indexed = tests::indexed_fields});
  REQUIRE(opened);
  ObjectStore& store = **opened;
  const int64_t first = revision_of(store.write(created("a", "before")));
  SECTION("room") {
    tests::FileSizeLimit limit(4096);  // a page less than a write needs
    REQUIRE_FALSE(store.write(updated("a", first, std::string(100'000, 'x'))));
    store.try_write();
    CHECK_FALSE(store.health());
    limit.lift();
  }
  SECTION("syncs") {
    disk.fail_syncs(true);
    REQUIRE_FALSE(store.write(updated("a", first, "doubtful")));
    const int syncs = disk.failed_syncs();
    store.try_write();
    CHECK(tests::await([&] { return disk.failed_syncs() > syncs; }));
    CHECK_FALSE(store.health());
    disk.fail_syncs(false);
  }
  store.try_write();
  CHECK(tests::await([&] { return store.health().has_value(); }));
  // Nothing was written for it.
  CHECK(store.get(key("a"))->revision == store.revision());
}

TEST_CASE("after a failed sync nothing more is written until the file was opened anew") {
  const tests::TemporaryFolder folder;
  tests::FailingDisk disk;
  auto opened =
      ObjectStore::open({.path = folder.file("state.db"), .indexed = tests::indexed_fields});
  REQUIRE(opened);
  ObjectStore& store = **opened;
  std::vector<std::string> told;
  store.add_listener([&](const std::vector<EventPtr>& events) {
    for (const EventPtr& event : events)
      told.push_back(event->object->key.name);
  });
  const int64_t before = revision_of(store.write(created("before")));
  CHECK(store.health());

  disk.fail_syncs(true);
  const auto doubtful = store.write(created("doubtful"));
  REQUIRE_FALSE(doubtful);
  CHECK(doubtful.error().code == base::Code::Unavailable);
  CHECK_THAT(doubtful.error().message,
             Catch::StartsWith("it is unknown whether this was stored, nothing more is until the "
                               "file has been opened anew: ") &&
                 Catch::Contains("disk I/O error"));
  REQUIRE_FALSE(store.health());
  CHECK(store.health().error().message == doubtful.error().message);
  const int syncs = disk.failed_syncs();
  const auto later = store.write(created("later"));
  REQUIRE_FALSE(later);
  // Opening meets the disk first, if it has anything to sync; else the write does.
  CHECK_THAT(later.error().message, Catch::StartsWith("the file cannot be opened anew: ") ||
                                        Catch::StartsWith("it is unknown whether this was stored"));
  CHECK(disk.failed_syncs() > syncs);  // it was tried
  CHECK(store.get(key("before")));     // reading goes on
  CHECK(store.revision() == before);
  CHECK(told == std::vector<std::string>{"before"});

  disk.fail_syncs(false);
  REQUIRE(store.write(created("healed")));
  CHECK(store.health());
  // Whatever became of the doubtful one: memory, file and listeners agree about it.
  const bool there = store.get(key("doubtful")) != nullptr;
  CHECK((std::find(told.begin(), told.end(), "doubtful") != told.end()) == there);
  CHECK(told.back() == "healed");
  const int64_t revision = store.revision();
  opened->reset();
  const auto again = open_store(folder.file("state.db"));
  CHECK(again->revision() == revision);
  CHECK((again->get(key("doubtful")) != nullptr) == there);
  CHECK(again->get(key("healed")));
}

TEST_CASE("a write that the disk kept in spite of a failed sync is told to everybody") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.file("state.db");
  tests::FailingDisk disk;
  auto store = ObjectStore::open({.path = path, .indexed = tests::indexed_fields});
  REQUIRE(store);
  const int64_t before = revision_of((*store)->write(created("a", "before")));
  // The process is killed after the failed sync: what its files hold is what the next one finds.
  disk.fail_syncs(true);
  REQUIRE_FALSE((*store)->write(updated("a", before, "doubtful")));
  for (const char* suffix : {"", "-wal"})
    std::filesystem::copy_file(path + suffix, folder.file("killed.db") + suffix);
  disk.fail_syncs(false);
  const auto found = open_store(folder.file("killed.db"));
  const auto value = found->get(key("a"))->parse()["value"].get<std::string>();
  CHECK(value == (found->revision() == before ? "before" : "doubtful"));
}

TEST_CASE("a file that was exchanged while it was not in use is corrupt, not empty") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.file("state.db");
  tests::FailingDisk disk;
  auto store = ObjectStore::open({.path = path, .indexed = tests::indexed_fields});
  REQUIRE(store);
  REQUIRE((*store)->write(created("a")));
  disk.fail_syncs(true);
  REQUIRE_FALSE((*store)->write(created("b")));
  REQUIRE_FALSE((*store)->write(created("c")));  // closed the file and could not open it
  for (const char* suffix : {"", "-wal", "-shm"})
    std::filesystem::remove(path + suffix);
  disk.fail_syncs(false);
  const auto refused = (*store)->write(created("d"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == base::Code::Corrupt);
  CHECK_THAT(refused.error().message, Catch::Contains("was stored and is not there any more"));
  CHECK((*store)->health().error().message == refused.error().message);
}

// Overwrites eight pages in the middle of what is stored.
void damage(const std::string& path) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(2 * 4096);
  file << std::string(8 * 4096, '\x7f');
}

TEST_CASE("a damaged page is a kind of its own at the start") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.file("state.db");
  {
    const auto store = open_store(path);
    for (int i = 0; i < 50; ++i)
      REQUIRE(store->write(created("a" + std::to_string(i), std::string(2'000, 'x'))));
  }
  damage(path);
  const auto store = ObjectStore::open({.path = path, .indexed = tests::indexed_fields});
  REQUIRE_FALSE(store);
  CHECK(store.error().code == base::Code::Corrupt);
  CHECK_THAT(store.error().message, Catch::Contains("the file is damaged: put a backup"));
}

TEST_CASE("a page damaged while running shows in health and loses nothing that is served") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.file("state.db");
  // More than SQLite keeps in memory, so that the first rows have to be read again.
  constexpr size_t kObjects = 2'000;
  std::vector<WriteRequest> requests;
  for (size_t i = 0; i < kObjects; ++i)
    requests.push_back(created("a" + std::to_string(i), std::string(2'000, 'x')));
  for (const auto& written : open_store(path)->write_all(std::move(requests)))
    REQUIRE(written);
  const auto store = open_store(path, 100);
  damage(path);
  CHECK(store->health());
  // Now there is more history than this store keeps: its rows are read to compact it.
  REQUIRE(store->write(created("b")));
  while (store->health())
    std::this_thread::yield();
  REQUIRE_FALSE(store->health());
  CHECK(store->health().error().code == base::Code::Corrupt);
  CHECK_THAT(store->health().error().message, Catch::Contains("the file is damaged: put a backup"));
  CHECK(store->list("things", "").items.size() == kObjects + 1);
  CHECK(store->write(created("c")));
}

TEST_CASE("the file shrinks again after a burst, without any further write") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.file("state.db");
  auto opened = ObjectStore::open({.path = path,
                                   .durability = base::sqlite::Durability::Normal,
                                   .history_revisions = 100,
                                   .history_bytes = size_t{1} << 20,
                                   .indexed = tests::indexed_fields});
  REQUIRE(opened);
  ObjectStore& store = **opened;
  std::vector<WriteRequest> burst;
  for (int i = 0; i < 2'000; ++i)
    burst.push_back(created("a" + std::to_string(i), std::string(10'000, 'x')));
  std::vector<WriteRequest> removal;
  for (const auto& written : store.write_all(std::move(burst)))
    removal.push_back(tests::deleted((*written)->key.name, (*written)->revision));
  const auto size = [&] {
    std::error_code problem;
    return std::filesystem::file_size(path, problem) +
           std::filesystem::file_size(path + "-wal", problem);
  };
  while (size() < 20'000'000)
    std::this_thread::yield();
  for (const auto& written : store.write_all(std::move(removal)))
    REQUIRE(written);
  CHECK(store.bytes() == 0);
  // 1.1 MiB of history, a tenth of it dead, 64 free pages; to compare: 20 MB were written.
  while (size() > 3'000'000)
    std::this_thread::yield();
  SUCCEED("the file came to rest at " << size() << " bytes");
}

}  // namespace
}  // namespace kube::server::storage
