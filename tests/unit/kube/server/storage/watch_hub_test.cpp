#include "kube/server/storage/watch_hub.h"

#include <deque>
#include <functional>
#include <new>
#include <thread>
#include <utility>

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/unit/kube/server/storage/store_requests.h"

namespace kube::server::storage {
namespace {

using tests::created;
using tests::deleted;
using tests::FakeClock;
using tests::key;
using tests::open_store;
using tests::revision_of;
using tests::updated;

// What a watcher was told, for another thread to wait for.
class Record {
 public:
  void add(std::string line) {
    const base::MutexLock lock(mutex_);
    lines_.push_back(std::move(line));
    changed_.notify_all();
  }
  std::vector<std::string> await(size_t count) {
    base::MutexLock lock(mutex_);
    while (lines_.size() < count)
      changed_.wait(lock);
    return lines_;
  }

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  std::vector<std::string> lines_ GUARDED_BY(mutex_);
};

class RecordingWatcher : public Watcher {
 public:
  explicit RecordingWatcher(Record& record) : record_(record) {}
  bool deliver(const Event& event, Frames& frames) override {
    static constexpr const char* kNames[] = {"created ", "updated ", "deleted "};
    record_.add(*frames.get("line", [&] {
      return kNames[static_cast<size_t>(event.change)] + event.object->key.name;
    }));
    return true;
  }
  bool bookmark(int64_t revision, BookmarkKind kind) override {
    record_.add((kind == BookmarkKind::Progress ? "bookmark " : "initial end ") +
                std::to_string(revision));
    return true;
  }
  void fail(const base::Error& error) override {
    record_.add(std::string("failed ") + base::to_string(error.code));
  }
  void end() override { record_.add("end"); }

 private:
  Record& record_;
};

using Lines = std::vector<std::string>;

struct Fixture {
  std::deque<Record> records;  // outlive the hub, which speaks to them until its end
  FakeClock clock;
  std::unique_ptr<ObjectStore> store = open_store(":memory:", 100);
  WatchHub hub{*store, clock};

  Record& record() { return records.emplace_back(); }

  void watch(Record& record, std::optional<int64_t> after,
             std::chrono::seconds length = std::chrono::hours(1), bool bookmarks = false) {
    hub.add({.resource = "things",
             .ns = "default",
             .after = after,
             .bookmarks = bookmarks,
             .until = clock.steady_now() + length,
             .watcher = std::make_unique<RecordingWatcher>(record)});
  }
};

TEST_CASE("a watch without a revision begins with what exists and goes on with what comes") {
  Fixture f;
  const int64_t a = revision_of(f.store->write(created("a")));
  revision_of(f.store->write(created("b")));
  Record& record = f.record();
  f.watch(record, std::nullopt);
  record.await(2);
  revision_of(f.store->write(updated("a", a, "x")));
  revision_of(f.store->write(deleted("a", a + 2)));
  CHECK(record.await(4) == Lines{"created a", "created b", "updated a", "deleted a"});
}

TEST_CASE("a watch from a revision misses nothing and gets nothing twice") {
  Fixture f;
  const int64_t a = revision_of(f.store->write(created("a")));
  revision_of(f.store->write(created("b")));
  Record& record = f.record();
  f.watch(record, a);
  for (int i = 0; i < 50; ++i)
    revision_of(f.store->write(created("n" + std::to_string(i))));
  const Lines lines = record.await(51);
  CHECK(lines.front() == "created b");
  CHECK(lines.back() == "created n49");
}

TEST_CASE("a watch from a compacted revision is told so") {
  Fixture f;
  const int64_t first = revision_of(f.store->write(created("a")));
  for (int i = 0; i < 300; ++i)
    revision_of(f.store->write(created("n" + std::to_string(i))));
  Record& record = f.record();
  f.watch(record, first);
  CHECK(record.await(1) == Lines{"failed gone"});
}

TEST_CASE("other resources and namespaces are not seen") {
  Fixture f;
  Record& record = f.record();
  f.watch(record, std::nullopt);
  auto elsewhere = created("x");
  elsewhere.key.ns = "elsewhere";
  revision_of(f.store->write(std::move(elsewhere)));
  auto other = created("y");
  other.key.resource = "others";
  other.indexed.uid = "y";
  revision_of(f.store->write(std::move(other)));
  revision_of(f.store->write(created("a")));
  CHECK(record.await(1) == Lines{"created a"});
}

TEST_CASE("a watch ends at its time, with bookmarks on the way") {
  Fixture f;
  Record& record = f.record();
  f.watch(record, std::nullopt, std::chrono::seconds(90), true);
  revision_of(f.store->write(created("a")));
  record.await(1);
  auto other = created("y");
  other.key.resource = "others";
  const int64_t elsewhere = revision_of(f.store->write(std::move(other)));
  f.clock.await_waiters(1);
  f.clock.advance(std::chrono::seconds(61));
  CHECK(record.await(2).back() == "bookmark " + std::to_string(elsewhere));
  f.clock.await_waiters(1);
  f.clock.advance(std::chrono::seconds(30));
  CHECK(record.await(3).back() == "end");
}

TEST_CASE("the end of what existed can be marked") {
  Fixture f;
  const int64_t revision = revision_of(f.store->write(created("a")));
  Record& record = f.record();
  f.hub.add({.resource = "things",
             .ns = "",
             .after = std::nullopt,
             .initial_events_end = true,
             .bookmarks = true,
             .until = f.clock.steady_now() + std::chrono::hours(1),
             .watcher = std::make_unique<RecordingWatcher>(record)});
  CHECK(record.await(2) == Lines{"created a", "initial end " + std::to_string(revision)});
}

TEST_CASE("one event reaches a thousand watchers") {
  Fixture f;
  for (int i = 0; i < 1000; ++i)
    f.watch(f.record(), std::nullopt);
  revision_of(f.store->write(created("a")));
  for (Record& each : f.records)
    CHECK(each.await(1) == Lines{"created a"});
}

TEST_CASE("stopping ends every watch, also those that come later") {
  Fixture f;
  Record& before = f.record();
  f.watch(before, std::nullopt);
  f.hub.stop();
  CHECK(before.await(1) == Lines{"end"});
  Record& after = f.record();
  f.watch(after, std::nullopt);
  CHECK(after.await(1) == Lines{"end"});
}

// Does with the first event what a test wants, then records like the others.
class FirstEventWatcher final : public RecordingWatcher {
 public:
  FirstEventWatcher(Record& record, std::function<void()> first)
      : RecordingWatcher(record), first_(std::move(first)) {}
  bool deliver(const Event& event, Frames& frames) override {
    if (auto first = std::exchange(first_, nullptr)) first();
    return RecordingWatcher::deliver(event, frames);
  }

 private:
  std::function<void()> first_;
};

// A client that takes a mebibyte for each event and sends nothing on until it is told to.
struct Slow {
  base::Mutex mutex;
  std::vector<Frame> held;
  bool reads = false;

  void hold(Frame frame) {
    const base::MutexLock lock(mutex);
    if (!reads) held.push_back(std::move(frame));
  }
  void read_on() {
    std::vector<Frame> sent;
    const base::MutexLock lock(mutex);
    reads = true;
    sent.swap(held);
  }
};

class SlowWatcher final : public RecordingWatcher {
 public:
  SlowWatcher(Record& record, Slow& slow) : RecordingWatcher(record), slow_(slow) {}
  bool deliver(const Event& event, Frames& frames) override {
    slow_.hold(frames.get("big", [] { return std::string(size_t{1} << 20, 'x'); }));
    return RecordingWatcher::deliver(event, frames);
  }

 private:
  Slow& slow_;
};

void watch_slowly(Fixture& f, Record& record, Slow& slow) {
  f.hub.add({.resource = "things",
             .ns = "default",
             .after = std::nullopt,
             .initial_events_end = true,
             .bookmarks = true,
             .until = f.clock.steady_now() + std::chrono::hours(1),
             .watcher = std::make_unique<SlowWatcher>(record, slow)});
}

TEST_CASE("what a watch begins with waits for its reader, and what happens meanwhile follows") {
  Slow slow;
  Fixture f;
  const int64_t a = revision_of(f.store->write(created("a")));
  for (const char* name : {"b", "c", "d", "e"})
    REQUIRE(f.store->write(created(name)));
  const std::string end = "initial end " + std::to_string(f.store->revision());
  Record& record = f.record();
  watch_slowly(f, record, slow);
  record.await(2);
  REQUIRE(f.store->write(updated("a", a, "x")));
  // Nobody else waits for it.
  Record& other = f.record();
  f.watch(other, std::nullopt);
  other.await(5);
  CHECK(record.await(2) == Lines{"created a", "created b"});
  slow.read_on();
  CHECK(record.await(7) ==
        Lines{"created a", "created b", "created c", "created d", "created e", end, "updated a"});
  REQUIRE(f.store->write(created("f")));
  CHECK(record.await(8).back() == "created f");
}

TEST_CASE("a reader too slow for history is told so, and one that never reads is ended") {
  Slow slow;
  Fixture f;
  for (const char* name : {"a", "b", "c"})
    REQUIRE(f.store->write(created(name)));
  Record& record = f.record();
  watch_slowly(f, record, slow);
  record.await(2);
  SECTION("compacted meanwhile") {
    for (int i = 0; i < 300; ++i)
      REQUIRE(f.store->write(created("n" + std::to_string(i))));
    // The hub has heard of them all.
    Record& live = f.record();
    f.watch(live, f.store->revision());
    REQUIRE(f.store->write(created("z")));
    live.await(1);
    slow.read_on();
    CHECK(record.await(5).back() == "failed gone");
  }
  SECTION("never") {
    while (f.hub.size() < 1)
      std::this_thread::yield();
    f.clock.advance(WatchHub::kCatchUp);
    CHECK(record.await(3) == Lines{"created a", "created b", "end"});
  }
}

TEST_CASE("a watch that fails is ended alone") {
  Fixture f;
  Record& good = f.record();
  Record& bad = f.record();
  const int64_t start = f.store->revision();
  f.watch(good, start);
  f.hub.add({.resource = "things",
             .ns = "default",
             .after = start,
             .until = f.clock.steady_now() + std::chrono::hours(1),
             .watcher = std::make_unique<FirstEventWatcher>(bad, [] { throw std::bad_alloc(); })});
  while (f.hub.size() < 2)
    std::this_thread::yield();
  REQUIRE(f.store->write(created("a")));
  REQUIRE(f.store->write(created("b")));
  CHECK(good.await(2) == Lines{"created a", "created b"});
  CHECK(bad.await(1) == Lines{"end"});
  while (f.hub.size() != 1)
    std::this_thread::yield();
}

TEST_CASE("a hub that falls far behind ends its watches instead of piling up what they missed") {
  Fixture f;
  Record& record = f.record();
  base::Mutex mutex;
  base::CondVar opened;
  bool open = false;
  f.hub.add({.resource = "things",
             .ns = "default",
             .after = f.store->revision(),
             .until = f.clock.steady_now() + std::chrono::hours(1),
             .watcher = std::make_unique<FirstEventWatcher>(record, [&] {
               base::MutexLock lock(mutex);
               while (!open)
                 opened.wait(lock);
             })});
  while (f.hub.size() < 1)
    std::this_thread::yield();
  constexpr size_t kBytes = 1'000'000;
  constexpr size_t kWrites = WatchHub::kMaxQueuedBytes / kBytes + 3;
  for (size_t i = 0; i < kWrites; ++i)
    REQUIRE(f.store->write(created("a" + std::to_string(i), std::string(kBytes, 'x'))));
  {
    const base::MutexLock lock(mutex);
    open = true;
    opened.notify_all();
  }
  CHECK(record.await(2).back() == "end");
  // Who comes back finds everything.
  Record& again = f.record();
  f.watch(again, std::nullopt);
  CHECK(again.await(kWrites).size() == kWrites);
}

}  // namespace
}  // namespace kube::server::storage
