#include "kube/delay_queue.h"

#include <new>

#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"

namespace {

using kube::DelayQueue;
using tests::FakeClock;
using namespace std::chrono_literals;

class Collected {
 public:
  DelayQueue::Due callback() {
    return [this](const kube::ObjectKey& key) {
      base::MutexLock lock(mutex_);
      names_ += key.name;
      changed_.notify_all();
    };
  }
  // What came, once it is at least that much.
  std::string await(size_t count) {
    base::MutexLock lock(mutex_);
    while (names_.size() < count)
      changed_.wait(lock);
    return names_;
  }
  std::string now() {
    base::MutexLock lock(mutex_);
    return names_;
  }

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  std::string names_;
};

TEST_CASE("keys come when they are due, in order") {
  FakeClock clock;
  Collected out;
  DelayQueue queue(clock, out.callback());
  const base::WallTime start = clock.now();
  queue.set({"n", "b"}, start + 2min);
  queue.set({"n", "a"}, start + 1min);
  queue.set({"n", "c"}, clock.steady_now() + 3min);
  clock.await_waiters(1);
  CHECK(out.now().empty());
  clock.advance(1min);
  CHECK(out.await(1) == "a");
  clock.advance(1min);
  CHECK(out.await(2) == "ab");
  clock.advance(1min);
  CHECK(out.await(3) == "abc");
  CHECK(queue.size() == 0);
}

TEST_CASE("what is due already comes at once") {
  FakeClock clock;
  Collected out;
  DelayQueue queue(clock, out.callback());
  queue.set({"n", "a"}, clock.now() - 1h);
  CHECK(out.await(1) == "a");
}

TEST_CASE("a new moment replaces the old one of its sort, earlier or later, and leaves the other") {
  FakeClock clock;
  Collected out;
  DelayQueue queue(clock, out.callback());
  queue.set({"n", "a"}, clock.now() + 1min);
  queue.set({"n", "a"}, clock.now() + 10min);
  queue.set({"n", "b"}, clock.now() + 10min);
  queue.set({"n", "b"}, clock.steady_now() + 1min);
  queue.set({"n", "c"}, clock.now() + 30s);
  queue.clear({"n", "c"});
  CHECK(queue.size() == 2);
  clock.await_waiters(1);
  clock.advance(1min);
  CHECK(out.await(1) == "b");
  CHECK(queue.size() == 2);
  queue.set({"n", "b"}, clock.steady_now() + 20min);
  clock.advance(9min);
  CHECK(out.await(3) == "bab");
  queue.clear({"n", "b"});
  CHECK(queue.size() == 0);
}

TEST_CASE("a key that cannot be told is due again") {
  FakeClock clock;
  Collected out;
  int tries = 0;
  DelayQueue queue(clock, [&, tell = out.callback()](const kube::ObjectKey& key) {
    if (++tries == 1) throw std::bad_alloc();
    tell(key);
  });
  queue.set({"n", "a"}, clock.now());
  clock.await_waiters(1);
  clock.advance(1s);
  CHECK(out.await(1) == "a");
}

TEST_CASE("a wall clock set forward is noticed within half a minute") {
  FakeClock clock;
  Collected out;
  DelayQueue queue(clock, out.callback());
  queue.set({"n", "a"}, clock.now() + 24h);
  clock.await_waiters(1);
  clock.set_wall(clock.now() + 25h);
  clock.advance(30s);
  CHECK(out.await(1) == "a");
}

TEST_CASE("a wall clock set back holds no retry") {
  FakeClock clock;
  Collected out;
  DelayQueue queue(clock, out.callback());
  queue.set({"n", "a"}, clock.steady_now() + 1s);
  clock.set_wall(clock.now() - 1h);
  clock.advance(1s);
  CHECK(out.await(1) == "a");
}

TEST_CASE("keys set to wait for 2036 by a wrong clock are due when the clock is right again") {
  FakeClock clock;
  Collected out;
  DelayQueue queue(clock, out.callback());
  const base::WallTime right = clock.now();
  SECTION("seen while they waited") {
    queue.set({"n", "a"}, right + 1h);
    clock.await_waiters(1);
    clock.set_wall(right + std::chrono::years{10});
    CHECK(out.await(1) == "a");
    queue.set({"n", "a"}, clock.now() + 1h);
    queue.set({"n", "b"}, clock.now() + std::chrono::years{1});
    clock.await_waiters(1);
    clock.set_wall(right + 35s);
    clock.advance(30s);
    CHECK(out.await(3) == "aab");
  }
  SECTION("wrong only while they were set") {
    queue.set({"n", "a"}, right + 1h);
    clock.set_wall(right + std::chrono::years{10});
    queue.set({"n", "b"}, clock.now() + 1h);
    clock.set_wall(right);
    clock.advance(30s);
    CHECK(out.await(2).size() == 2);
  }
  CHECK(queue.size() == 0);
}

TEST_CASE("ten thousand waiting keys rest while the clocks go on, nudged by NTP or not") {
  FakeClock clock;
  Collected out;
  DelayQueue queue(clock, out.callback());
  for (int i = 0; i < 10'000; ++i)
    queue.set({"n", std::to_string(i)}, clock.now() + 24h);
  for (int i = 0; i < 20; ++i) {
    clock.await_waiters(1);
    clock.set_wall(clock.now() + (i % 2 == 0 ? 400ms : -400ms));
    clock.advance(30s);
  }
  queue.set({"n", "end"}, clock.steady_now());
  CHECK(out.await(1) == "end");
  CHECK(queue.size() == 10'000);
}

TEST_CASE("a moment at the end of time is no trouble") {
  FakeClock clock;
  Collected out;
  DelayQueue queue(clock, out.callback());
  queue.set({"n", "a"}, base::WallTime::max());
  queue.set({"n", "b"}, clock.now() + 1s);
  clock.advance(1s);
  CHECK(out.await(1) == "b");
  CHECK(queue.size() == 1);
}

}  // namespace
