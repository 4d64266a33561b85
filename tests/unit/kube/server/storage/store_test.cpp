#include <filesystem>
#include <functional>
#include <thread>

#include <nlohmann/json.hpp>

#include "kube/server/storage/object_store.h"
#include "tests/support/catch.h"
#include "tests/unit/kube/server/storage/store_requests.h"
#include "tests/unit/kube/server/support/temporary_folder.h"

namespace kube::server::storage {
namespace {

using tests::created;
using tests::deleted;
using tests::key;
using tests::names;
using tests::open_store;
using tests::revision_of;
using tests::updated;

TEST_CASE("a write is readable under the revision that its text names") {
  const auto store = open_store(":memory:");
  const auto written = store->write(created("a", "x"));
  REQUIRE(written);
  const ObjectPtr read = store->get(key("a"));
  REQUIRE(read);
  CHECK(read->revision == (*written)->revision);
  CHECK(read->parse()["metadata"]["resourceVersion"] == std::to_string(read->revision));
  CHECK(read->parse()["value"] == "x");
  CHECK(store->find_uid("uid-of-a") == read);
  CHECK(store->get(key("b")) == nullptr);
}

TEST_CASE("writes are refused when the object is not what the writer believes") {
  const auto store = open_store(":memory:");
  const int64_t first = revision_of(store->write(created("a")));
  const int64_t second = revision_of(store->write(updated("a", first, "x")));
  CHECK(second > first);
  struct Case {
    const char* what;
    WriteRequest request;
    base::Code code;
  };
  for (const Case& c : {Case{.what = "the name is taken",
                             .request = created("a"),
                             .code = base::Code::AlreadyExists},
                        Case{.what = "an old revision",
                             .request = updated("a", first, "y"),
                             .code = base::Code::Conflict},
                        Case{.what = "delete of an old revision",
                             .request = deleted("a", first),
                             .code = base::Code::Conflict},
                        Case{.what = "nothing there",
                             .request = updated("b", 1, "y"),
                             .code = base::Code::NotFound}}) {
    DYNAMIC_SECTION(c.what) {
      const auto refused = store->write(c.request);
      REQUIRE_FALSE(refused);
      CHECK(refused.error().code == c.code);
      CHECK(store->revision() == second);
    }
  }
}

TEST_CASE("the writes of one batch see each other") {
  const auto store = open_store(":memory:");
  std::vector<WriteRequest> batch;
  batch.push_back(created("a", "first"));
  batch.push_back(created("a", "second"));
  batch.push_back(deleted("a", store->revision() + 1));
  batch.push_back(created("a", "third"));
  const auto results = store->write_all(std::move(batch));
  CHECK(results[0]);
  CHECK_FALSE(results[1]);
  CHECK(results[2]);
  CHECK(results[3]);
  CHECK(store->get(key("a"))->parse()["value"] == "third");
}

TEST_CASE("a reopened store has the state, the history and the next revision") {
  const tests::TemporaryFolder folder;
  int64_t last = 0;
  int64_t first = 0;
  {
    const auto store = open_store(folder.file("state.db"));
    first = revision_of(store->write(created("a", "1")));
    const int64_t second = revision_of(store->write(created("b", "2")));
    last = revision_of(store->write(deleted("b", second)));
  }
  const auto store = open_store(folder.file("state.db"));
  CHECK(store->revision() == last);
  CHECK(names(store->list("things", "")) == std::vector<std::string>{"a"});
  CHECK(store->find_uid("uid-of-a") != nullptr);
  const auto events = store->events_after(first);
  REQUIRE(events);
  REQUIRE(events->size() == 2);
  CHECK((*events)[1]->change == Change::Deleted);
  CHECK((*events)[1]->previous->parse()["value"] == "2");
  CHECK(revision_of(store->write(created("c"))) == last + 1);
}

TEST_CASE("a list at an older revision shows that moment") {
  const auto store = open_store(":memory:");
  const int64_t a = revision_of(store->write(created("a", "1")));
  const int64_t b = revision_of(store->write(created("b", "1")));
  revision_of(store->write(updated("a", a, "2")));
  revision_of(store->write(deleted("b", b)));
  revision_of(store->write(created("c", "1")));
  const auto then = store->list_at("things", "", b);
  REQUIRE(then);
  CHECK(names(*then) == std::vector<std::string>{"a", "b"});
  CHECK(then->items[0]->parse()["value"] == "1");
  CHECK(names(store->list("things", "")) == std::vector<std::string>{"a", "c"});
}

TEST_CASE("lists keep to their resource and namespace") {
  const auto store = open_store(":memory:");
  for (const char* ns : {"one", "two"}) {
    for (const char* resource : {"things", "others"}) {
      WriteRequest request = created("a");
      request.key = {.resource = resource, .ns = ns, .name = "a"};
      request.indexed.uid = std::string(ns) + resource;
      revision_of(store->write(std::move(request)));
    }
  }
  CHECK(store->list("things", "").items.size() == 2);
  CHECK(store->list("things", "two").items.size() == 1);
  CHECK(store->list("things", "tw").items.empty());
  CHECK(store->list("nothing", "").items.empty());
}

TEST_CASE("dependents follow owner references as they come and go") {
  const auto store = open_store(":memory:");
  WriteRequest request = created("child");
  request.indexed.owners = {{.uid = "parent", .blocks_deletion = true}};
  const int64_t first = revision_of(store->write(std::move(request)));
  REQUIRE(store->dependents("parent").size() == 1);
  const int64_t second = revision_of(store->write(updated("child", first, "without owner")));
  CHECK(store->dependents("parent").empty());
  revision_of(store->write(deleted("child", second)));
  CHECK(store->find_uid("uid-of-child") == nullptr);
}

TEST_CASE("history and file stay bounded, and what is older is gone") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.file("state.db");
  constexpr size_t kHistory = 100;
  uintmax_t early = 0;
  {
    const auto store = open_store(path, kHistory);
    int64_t revision = revision_of(store->write(created("hot", "0")));
    const int64_t first = revision;
    revision_of(store->write(created("cold", "kept")));
    for (int i = 0; i < 3000; ++i) {
      revision = revision_of(store->write(updated("hot", revision, std::string(1000, 'x'))));
      if (i == 500) early = std::filesystem::file_size(path);
    }
    CHECK(std::filesystem::file_size(path) <= early * 2);
    const auto events = store->events_after(first);
    REQUIRE_FALSE(events);
    CHECK(events.error().code == base::Code::Gone);
    CHECK_FALSE(store->list_at("things", "", first));
    CHECK(store->events_after(store->compacted()));
  }
  const auto store = open_store(path, kHistory);
  CHECK(names(store->list("things", "")) == std::vector<std::string>{"cold", "hot"});
  CHECK(store->get(key("cold"))->parse()["value"] == "kept");
  const auto events = store->events_after(store->compacted());
  REQUIRE(events);
  REQUIRE_FALSE(events->empty());
  CHECK(events->front()->revision == store->compacted() + 1);
  CHECK(events->front()->previous != nullptr);
}

// Objects come, change and go in commits of many writes, as when many clients write at once; every
// write is another one's text.
void write_much(ObjectStore& store, int writes, const std::function<void(int)>& after_commit) {
  constexpr int kObjects = 100;
  std::vector<int64_t> revisions(kObjects, 0);
  for (int done = 0; done < writes; done += kObjects) {
    const int round = done / kObjects;
    std::vector<WriteRequest> commit;
    for (int i = 0; i < kObjects; ++i) {
      const std::string name = "n" + std::to_string(i);
      const int64_t expected = revisions[static_cast<size_t>(i)];
      const std::string value(static_cast<size_t>(500 + (i * 37 + round * 11) % 1000), 'x');
      if (expected == 0) {
        commit.push_back(created(name, value));
      } else if ((i + round) % 10 == 0) {
        commit.push_back(deleted(name, expected));
      } else {
        commit.push_back(updated(name, expected, value));
      }
    }
    std::vector<Change> changes;
    for (const WriteRequest& request : commit)
      changes.push_back(request.change);
    const auto results = store.write_all(std::move(commit));
    for (size_t i = 0; i < results.size(); ++i)
      revisions[i] = changes[i] == Change::Deleted ? 0 : revision_of(results[i]);
    after_commit(done + kObjects);
  }
}

// The file and its log beside it, while so many writes go through a store that keeps little.
void check_bounded(int writes, int settled) {
  const tests::TemporaryFolder folder;
  const std::string path = folder.file("state.db");
  const auto size = [&path](const char* suffix) {
    return std::filesystem::file_size(path + suffix);
  };
  uintmax_t file = 0;
  uintmax_t log = 0;
  uintmax_t early = 0;
  {
    const auto store = open_store(path, 1000);
    write_much(*store, writes, [&](int done) {
      file = std::max(file, size(""));
      log = std::max(log, size("-wal"));
      if (done == settled) early = file;
    });
    CHECK(store->revision() >= writes);
  }
  // What was free is used again: the file is no larger than soon after the first compactions.
  CHECK(file <= early + early / 4);
  CHECK(file < 8'000'000);
  CHECK(log < 16'000'000);
  const auto store = open_store(path, 1000);
  CHECK(store->list("things", "").items.size() >= 80);
}

TEST_CASE("the file stays bounded while objects come and go") {
  check_bounded(20'000, 6'000);
}

TEST_CASE("the file stays bounded through a million writes", "[.million]") {
  check_bounded(1'000'000, 20'000);
}

TEST_CASE("deleted objects leave no row behind once they are compacted") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.file("state.db");
  {
    const auto store = open_store(path, 50);
    for (int i = 0; i < 500; ++i) {
      const std::string name = "n" + std::to_string(i);
      revision_of(store->write(deleted(name, revision_of(store->write(created(name))))));
    }
  }
  const auto store = open_store(path, 50);
  CHECK(store->list("things", "").items.empty());
  const auto events = store->events_after(store->compacted());
  REQUIRE(events);
  CHECK(events->size() <= 60);
}

TEST_CASE("listeners hear every commit in order before its writer does") {
  const auto store = open_store(":memory:");
  std::vector<int64_t> heard;
  store->add_listener([&](const std::vector<EventPtr>& events) {
    for (const auto& event : events)
      heard.push_back(event->revision);
  });
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&store, writer] {
      for (int i = 0; i < 100; ++i) {
        if (!store->write(created(std::to_string(writer) + "-" + std::to_string(i)))) std::abort();
      }
    });
  }
  for (std::thread& writer : writers)
    writer.join();
  REQUIRE(heard.size() == 400);
  CHECK(std::is_sorted(heard.begin(), heard.end()));
  CHECK(heard.back() == store->revision());
}

}  // namespace
}  // namespace kube::server::storage
