#include "kube/controller.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <new>
#include <stdexcept>
#include <thread>

#include "tests/support/await.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"

namespace {

using kube::Controller;
using kube::Json;
using kube::ObjectKey;
using kube::Reconciled;
using tests::FakeClock;
using tests::MemoryApi;
using namespace std::chrono_literals;

// Answers as told and counts.
class Script final : public kube::Reconciler {
 public:
  using Answer = std::function<base::Result<Reconciled>(int count)>;
  explicit Script(Answer answer) : answer_(std::move(answer)) {}
  base::Result<Reconciled> reconcile(const ObjectKey& key) override {
    int count = 0;
    {
      base::MutexLock lock(mutex_);
      count = ++counts_[key];
      ++total_;
      changed_.notify_all();
    }
    return answer_(count);
  }
  void await(int total) {
    base::MutexLock lock(mutex_);
    while (total_ < total)
      changed_.wait(lock);
  }
  int total() {
    base::MutexLock lock(mutex_);
    return total_;
  }
  std::map<ObjectKey, int> counts() {
    base::MutexLock lock(mutex_);
    return counts_;
  }

 private:
  const Answer answer_;
  base::Mutex mutex_;
  base::CondVar changed_;
  std::map<ObjectKey, int> counts_;
  int total_ = 0;
};

class Outcomes {
 public:
  kube::ControllerHooks hooks() {
    return {.on_reconciled =
                [this](const base::Error* error, std::chrono::milliseconds) {
                  base::MutexLock lock(mutex_);
                  all_.push_back(error == nullptr ? "well" : base::to_string(error->code));
                  changed_.notify_all();
                },
            .on_failing =
                [this](size_t keys) {
                  base::MutexLock lock(mutex_);
                  failing_ += std::to_string(keys);
                }};
  }
  std::string failing() {
    base::MutexLock lock(mutex_);
    return failing_;
  }
  std::vector<std::string> await(size_t count) {
    base::MutexLock lock(mutex_);
    while (all_.size() < count)
      changed_.wait(lock);
    return all_;
  }

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  std::vector<std::string> all_;
  std::string failing_;
};

const ObjectKey kKey{"n", "a"};

// A controller at work on kKey.
struct Running {
  Running(kube::Reconciler& reconciler, FakeClock& clock,
          kube::BackOffPolicy retry = {.first = 1s, .most = 1s})
      : controller({.name = "test", .retry = retry}, reconciler, clock, outcomes.hooks()) {
    controller.add(kKey);
    controller.start();
  }
  Outcomes outcomes;
  Controller controller;
};

TEST_CASE("a reconcile that asks to be woken is") {
  FakeClock clock;
  Script script([&](int count) -> base::Result<Reconciled> {
    if (count == 1) return Reconciled{.wake_at = clock.now() + 1min};
    return Reconciled{};
  });
  Controller controller({.name = "test"}, script, clock);
  controller.add(kKey);
  controller.start();
  script.await(1);
  clock.await_waiters(1);
  clock.advance(1min);
  script.await(2);
  controller.stop();
  CHECK(script.total() == 2);
}

TEST_CASE("what is left to do again waits for every key that waits") {
  struct Log final : kube::Reconciler {
    base::Result<Reconciled> reconcile(const ObjectKey& key) override {
      base::MutexLock lock(mutex);
      names.push_back(key.name);
      changed.notify_all();
      return Reconciled{.wake_at = {}, .again = names.size() <= 3};
    }
    base::Mutex mutex;
    base::CondVar changed;
    std::vector<std::string> names;
  };
  FakeClock clock;
  Log log;
  Controller controller({.name = "test", .workers = 1}, log, clock);
  for (const char* name : {"a", "b", "c"})
    controller.add({"n", name});
  controller.start();
  {
    base::MutexLock lock(log.mutex);
    while (log.names.size() < 6)
      log.changed.wait(lock);
  }
  controller.stop();
  CHECK(log.names == std::vector<std::string>{"a", "b", "c", "a", "b", "c"});
}

TEST_CASE("what was decided while the clock was set back is decided anew") {
  FakeClock clock;
  Script script([&](int count) -> base::Result<Reconciled> {
    if (count > 1) return Reconciled{};
    const base::WallTime wrong = clock.now();
    clock.set_wall(wrong - std::chrono::years{10});
    return Reconciled{.wake_at = wrong + 1h};
  });
  Controller controller({.name = "test"}, script, clock);
  controller.add(kKey);
  controller.start();
  script.await(2);
  CHECK(script.total() == 2);
}

TEST_CASE("errors are tried again, later each time") {
  FakeClock clock;
  Script script([&](int count) -> base::Result<Reconciled> {
    if (count == 1) return base::failure(base::Code::Unavailable, "down");
    if (count == 2) throw std::runtime_error("a bug");
    if (count == 3) {
      return base::failure(base::Error{
          .code = base::Code::ResourceExhausted, .message = "slow", .retry_after = 1min});
    }
    return Reconciled{};
  });
  Running running(script, clock, {.first = 1s, .most = 4s});
  running.outcomes.await(1);
  clock.advance(1s);
  running.outcomes.await(2);
  clock.advance(2s);
  running.outcomes.await(3);
  clock.advance(59s);
  CHECK(script.total() == 3);
  clock.advance(31s);  // spread above what the server said
  CHECK(running.outcomes.await(4) ==
        std::vector<std::string>{"unavailable", "internal", "resource exhausted", "well"});
  CHECK(running.outcomes.failing() == "10");
}

TEST_CASE("a refusal by somebody's webhook is tried again for ever and never ends a key") {
  FakeClock clock;
  for (const base::Code code : {base::Code::Refused, base::Code::InvalidArgument,
                                base::Code::Forbidden, base::Code::TooLarge, base::Code::Corrupt,
                                base::Code::Unimplemented, base::Code::Internal}) {
    INFO(base::to_string(code));
    Script script([&](int count) -> base::Result<Reconciled> {
      if (count <= 20) return base::failure(code, "denied the request");
      return Reconciled{};
    });
    Running running(script, clock, {.first = 1s, .most = 60s});
    for (size_t tries = 1; tries <= 20; ++tries) {
      running.outcomes.await(tries);
      CHECK(running.controller.failures().oldest(9).at(0).count == static_cast<int>(tries));
      clock.advance(60s);
    }
    CHECK(running.outcomes.await(21).back() == "well");
    CHECK(running.controller.failures().size() == 0);
  }
}

TEST_CASE("a wake-up that was set outlives the failures that follow it") {
  FakeClock clock;
  const base::WallTime slot = clock.now() + 10min;
  std::vector<base::WallTime> looks;
  Script script([&](int count) -> base::Result<Reconciled> {
    looks.push_back(clock.now());
    if (count == 1) return Reconciled{.wake_at = slot};
    if (count > 2) return Reconciled{};
    return base::failure(base::Error{
        .code = base::Code::ResourceExhausted, .message = "slow down", .retry_after = 1h});
  });
  Running running(script, clock);
  running.outcomes.await(1);
  running.controller.add(kKey);
  running.outcomes.await(2);
  clock.await_waiters(1);
  clock.advance(10min);  // long before the retry
  running.outcomes.await(3);
  running.controller.stop();
  CHECK(looks.back() == slot);
}

TEST_CASE("a reconciler hears how often it failed and that it works again") {
  class Listening final : public kube::Reconciler {
   public:
    base::Result<Reconciled> reconcile(const ObjectKey&) override {
      if (++count_ < 3) return base::failure(base::Code::Refused, "quota");
      return Reconciled{};
    }
    void failing(const ObjectKey& key, const base::Error& error, int failures) override {
      heard += key.name + " " + error.message + " " + std::to_string(failures) + "; ";
      throw std::bad_alloc();  // is nobody else's trouble
    }
    std::string heard;

   private:
    int count_ = 0;
  };
  FakeClock clock;
  Listening listening;
  Running running(listening, clock);
  running.outcomes.await(1);
  clock.advance(1s);
  running.outcomes.await(2);
  clock.advance(1s);
  running.outcomes.await(3);
  running.controller.stop();
  CHECK(listening.heard == "a quota 1; a quota 2; a quota 0; ");
}

// Two keys that worked again at the same time told 0 and then 1, and 1 it stayed.
TEST_CASE("how many keys fail is told by one worker after the other") {
  FakeClock clock;
  std::atomic<bool> works = false;
  std::atomic<int> inside = 0;
  std::atomic<int> most_inside = 0;
  std::atomic<size_t> last = 0;
  Script script([&](int) -> base::Result<Reconciled> {
    if (!works) return base::failure(base::Code::Unavailable, "not yet");
    return Reconciled{};
  });
  const auto told = [&](size_t keys) {
    most_inside = std::max(most_inside.load(), ++inside);
    // Room for the other worker, which has its success as well.
    if (works && keys == 1) script.await(4);
    for (int i = 0; i < 1'000; ++i)
      std::this_thread::yield();
    last = keys;
    --inside;
  };
  Controller controller({.name = "test", .workers = 2, .retry = {.first = 1s, .most = 1s}}, script,
                        clock, {.on_failing = told});
  controller.add({"n", "a"});
  controller.add({"n", "b"});
  controller.start();
  REQUIRE(tests::await([&] { return last == 2; }));
  works = true;
  // A key that failed last may be told before its retry is set.
  CHECK(tests::await([&] {
    clock.advance(1s);
    return last == 0;
  }));
  controller.stop();
  CHECK(most_inside == 1);
  CHECK(last == 0);
}

TEST_CASE("a reconcile without memory fails its own key and no other") {
  FakeClock clock;
  Outcomes outcomes;
  Script script([](int count) -> base::Result<Reconciled> {
    if (count == 1) throw std::bad_alloc();
    return Reconciled{};
  });
  Controller controller({.name = "test", .workers = 1, .retry = {.first = 1s, .most = 1s}}, script,
                        clock, outcomes.hooks());
  controller.add({"n", "a"});
  controller.start();
  outcomes.await(1);
  CHECK(controller.failures().oldest(1).at(0).error.message == "reconcile: out of memory");
  clock.advance(1s);
  CHECK(outcomes.await(2) == std::vector<std::string>{"resource exhausted", "well"});
}

TEST_CASE("changes become keys, their own and those of their owners") {
  FakeClock clock;
  MemoryApi apps_api;
  MemoryApi pods_api;
  const kube::ResourceType apps{"g", "v1", "apps", "App", true};
  apps_api.create(apps, {{"metadata", {{"namespace", "n"}, {"name", "a"}}}}).value();
  kube::Informer app_informer(apps_api, clock, apps);
  kube::Informer pod_informer(pods_api, clock, kube::pods());
  Script script([](int) { return Reconciled{}; });
  Controller controller({.name = "test"}, script, clock);
  controller.watch(app_informer, kube::own_key());
  controller.watch(pod_informer, kube::owner_key(apps));
  controller.start();
  app_informer.start();
  CHECK(app_informer.await_synced({}));
  CHECK_FALSE(controller.ready());
  CHECK(script.total() == 0);  // not before every cache is full

  pod_informer.start();
  script.await(1);
  CHECK(controller.ready());
  const auto pod = [](const std::string& name, const std::string& kind) {
    return Json{{"metadata",
                 {{"namespace", "n"},
                  {"name", name},
                  {"ownerReferences",
                   Json::array({{{"apiVersion", "g/v1"}, {"kind", kind}, {"name", "owner"}}})}}}};
  };
  pods_api.create(kube::pods(), pod("other-kind", "Job")).value();
  pods_api.create(kube::pods(), pod("ours", "App")).value();
  script.await(2);
  REQUIRE(pods_api.remove(kube::pods(), {"n", "ours"}, {}));
  script.await(3);
  controller.stop();
  app_informer.stop();
  pod_informer.stop();
  CHECK(script.counts() == std::map<ObjectKey, int>{{{"n", "a"}, 1}, {{"n", "owner"}, 2}});
}

TEST_CASE("what changes before the start is looked at once, at the start") {
  FakeClock clock;
  MemoryApi api;
  const kube::ResourceType apps{"g", "v1", "apps", "App", true};
  const auto app = [](const std::string& name) {
    return Json{{"metadata", {{"namespace", "n"}, {"name", name}}}};
  };
  kube::Informer informer(api, clock, apps);
  Script script([](int) { return Reconciled{}; });
  size_t deepest = 0;
  Controller controller({.name = "test", .workers = 1}, script, clock,
                        {.on_depth = [&](size_t depth) { deepest = std::max(deepest, depth); }});
  controller.watch(informer, kube::own_key());
  // After the controller, which has been told by then.
  std::atomic<bool> told_of_last = false;
  informer.add_handler([&](const kube::StoreDelta& delta) {
    if (delta.last().key().name == "b") told_of_last = true;
  });
  informer.start();
  api.create(apps, app("a")).value();
  // Many come and go while another replica leads: they are not kept.
  for (int i = 0; i < 100; ++i) {
    const std::string name = "gone-" + std::to_string(i);
    api.create(apps, app(name)).value();
    REQUIRE(api.remove(apps, {"n", name}, {}));
  }
  api.create(apps, app("b")).value();
  REQUIRE(tests::await([&] { return told_of_last && informer.store().size() == 2; }));
  CHECK(deepest == 0);
  const int lists = api.calls("list");
  controller.start();
  script.await(2);
  controller.stop();
  informer.stop();
  CHECK(script.counts() == std::map<ObjectKey, int>{{{"n", "a"}, 1}, {{"n", "b"}, 1}});
  CHECK(deepest <= 2);
  CHECK(api.calls("list") == lists);
}

TEST_CASE("a controller waits while one that it yields to has work waiting, for a while") {
  struct Case {
    const char* name;
    bool first_is_busy;
    bool second_is_busy;
    std::chrono::milliseconds after;
  };
  const Case cases[] = {
      {.name = "nobody is busy", .first_is_busy = false, .second_is_busy = false, .after = 0ms},
      {.name = "the first is", .first_is_busy = true, .second_is_busy = false, .after = 1s},
      {.name = "the second is", .first_is_busy = false, .second_is_busy = true, .after = 1s},
      {.name = "both are", .first_is_busy = true, .second_is_busy = true, .after = 2s},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      FakeClock clock;
      Script quiet([](int) { return Reconciled{}; });
      // Without workers what is added waits.
      Controller first({.name = "first"}, quiet, clock);
      Controller second({.name = "second"}, quiet, clock);
      if (c.first_is_busy) first.add({"n", "a"});
      if (c.second_is_busy) second.add({"n", "a"});
      const base::SteadyTime begin = clock.steady_now();
      std::atomic<base::SteadyTime> ran = begin;
      Script script([&](int) {
        ran = clock.steady_now();
        return Reconciled{};
      });
      Controller controller(
          {.name = "test", .workers = 1, .yields_to = {&first, &second}, .patience = 1s}, script,
          clock);
      controller.add({"n", "a"});
      controller.start();
      // Nobody advances the clock of one that has nobody to wait for, and none before it waits.
      if (c.after > 0ms) clock.await_waiters(1);
      CHECK(tests::await([&] {
        if (c.after > 0ms) clock.advance(50ms);
        return script.total() == 1;
      }));
      controller.stop();
      CHECK(ran.load() - begin >= c.after);
    }
  }
}

TEST_CASE("stopping waits for the work under way and drops the rest") {
  FakeClock clock;
  base::Mutex mutex;
  base::CondVar changed;
  bool may_end = false;
  Script script([&](int) -> base::Result<Reconciled> {
    base::MutexLock lock(mutex);
    while (!may_end)
      changed.wait(lock);
    return Reconciled{};
  });
  Controller controller({.name = "test", .workers = 1}, script, clock);
  controller.add({"n", "a"});
  controller.add({"n", "b"});
  controller.start();
  script.await(1);
  std::jthread stopper([&] { controller.stop(); });
  {
    base::MutexLock lock(mutex);
    may_end = true;
    changed.notify_all();
  }
  stopper.join();
  CHECK(script.total() <= 2);
  CHECK(script.counts().at({"n", "a"}) == 1);
}

}  // namespace
