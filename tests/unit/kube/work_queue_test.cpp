#include "kube/work_queue.h"

#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

namespace {

using kube::ObjectKey;
using kube::WorkQueue;

TEST_CASE("keys come out in order and once") {
  WorkQueue queue;
  queue.add({"n", "b"});
  queue.add({"n", "a"});
  queue.add({"n", "b"});
  CHECK(queue.depth() == 2);
  CHECK(queue.take()->name == "b");
  CHECK(queue.take()->name == "a");
  CHECK(queue.depth() == 0);
}

TEST_CASE("a key added while it is worked on comes out again afterwards") {
  WorkQueue queue;
  const ObjectKey key{"n", "a"};
  queue.add(key);
  REQUIRE(queue.take() == key);
  queue.add(key);
  queue.add(key);
  CHECK(queue.depth() == 0);
  queue.done(key);
  CHECK(queue.depth() == 1);
  REQUIRE(queue.take() == key);
  queue.done(key);
  CHECK(queue.depth() == 0);
}

TEST_CASE("who waits until nothing waits is told when the last key is taken") {
  tests::FakeClock clock;
  kube::WorkQueue queue;
  queue.await_drained(clock, std::chrono::hours(1));  // nothing waits
  queue.add({"a", "x"});
  SECTION("the last key is taken") {
    std::thread waiting([&] { queue.await_drained(clock, std::chrono::hours(1)); });
    CHECK(queue.take());
    waiting.join();
  }
  SECTION("the queue ends") {
    std::thread waiting([&] { queue.await_drained(clock, std::chrono::hours(1)); });
    queue.shut_down();
    waiting.join();
    CHECK(queue.depth() == 0);
  }
  SECTION("patience ends") {
    queue.await_drained(clock, std::chrono::milliseconds(0));
    CHECK(queue.depth() == 1);
  }
}

TEST_CASE("what waits is counted by namespace, without what is worked on") {
  WorkQueue queue;
  for (const ObjectKey& key : {ObjectKey{"a", "x"}, ObjectKey{"a", "y"}, ObjectKey{"b", "x"}})
    queue.add(key);
  CHECK(queue.depth("a") == 2);
  CHECK(queue.depth("b") == 1);
  CHECK(queue.depth("c") == 0);
  CHECK(queue.depth("") == 3);
  REQUIRE(queue.take() == ObjectKey{"a", "x"});
  CHECK(queue.depth("a") == 1);
}

TEST_CASE("everybody learns of the end") {
  WorkQueue queue;
  queue.add({"n", "left"});
  REQUIRE(queue.take().has_value());
  std::vector<std::thread> takers;
  std::atomic<int> told = 0;
  for (int i = 0; i < 3; ++i) {
    takers.emplace_back([&] {
      if (!queue.take()) ++told;
    });
  }
  queue.shut_down();
  for (std::thread& taker : takers)
    taker.join();
  CHECK(told == 3);
  queue.add({"n", "late"});
  queue.done({"n", "left"});
  CHECK_FALSE(queue.take().has_value());
}

TEST_CASE("no key is ever with two workers, and no add is lost") {
  constexpr int kKeys = 5, kAdds = 2000;
  WorkQueue queue;
  std::array<std::atomic<int>, kKeys> busy{};
  std::array<std::atomic<int>, kKeys> wanted{};
  std::array<std::atomic<int>, kKeys> seen{};
  std::atomic<int> clashes = 0;
  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w) {
    workers.emplace_back([&] {
      while (auto key = queue.take()) {
        const auto index = static_cast<size_t>(key->name[0] - 'a');
        if (++busy[index] != 1) ++clashes;
        seen[index] = wanted[index].load();
        --busy[index];
        queue.done(*key);
      }
    });
  }
  std::vector<std::thread> producers;
  for (int p = 0; p < 2; ++p) {
    producers.emplace_back([&] {
      for (int i = 0; i < kAdds; ++i) {
        const auto index = static_cast<size_t>(i % kKeys);
        ++wanted[index];
        queue.add({"n", std::string(1, static_cast<char>('a' + index))});
      }
    });
  }
  for (std::thread& producer : producers)
    producer.join();
  for (size_t k = 0; k < kKeys; ++k) {
    while (seen[k] != wanted[k])
      std::this_thread::yield();
  }
  queue.shut_down();
  for (std::thread& worker : workers)
    worker.join();
  CHECK(clashes == 0);
}

}  // namespace
