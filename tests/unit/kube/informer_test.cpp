#include "kube/informer.h"

#include <new>
#include <stdexcept>

#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"

namespace {

using kube::Informer;
using kube::Json;
using kube::ObjectKey;
using tests::FakeClock;
using tests::MemoryApi;
using namespace std::chrono_literals;

Json pod(const std::string& name, const std::string& owner = "") {
  Json made = {{"metadata", {{"namespace", "n"}, {"name", name}}}};
  if (!owner.empty()) made["metadata"]["ownerReferences"] = Json::array({{{"uid", owner}}});
  return made;
}

// An informer on pods, and the changes that it told.
class Followed {
 public:
  Followed() {
    informer.add_handler([this](const kube::StoreDelta& delta) {
      base::MutexLock lock(mutex_);
      const auto object = (delta.after ? delta.after : delta.before).object();
      told_ += (delta.after ? delta.before ? "~" : "+" : "-") + kube::key_of(*object).name + " ";
      ++count_;
      changed_.notify_all();
    });
  }
  std::string await(int count) {
    base::MutexLock lock(mutex_);
    while (count_ < count)
      changed_.wait(lock);
    return told_;
  }
  MemoryApi api;
  FakeClock clock;
  Informer informer{api, clock, kube::pods()};

 private:
  base::Mutex mutex_;
  base::CondVar changed_;
  int count_ = 0;
  std::string told_;
};

TEST_CASE("an informer shows what is there and what changes") {
  Followed pods;
  pods.api.create(kube::pods(), pod("a")).value();
  pods.api.create(kube::pods(), pod("b", "owner")).value();
  CHECK_FALSE(pods.informer.has_synced());
  pods.informer.start();
  REQUIRE(pods.informer.await_synced({}));
  CHECK(pods.informer.has_synced());

  kube::InformerCache cache;
  cache.add(pods.informer);
  CHECK(cache.list(kube::pods(), "n").size() == 2);
  CHECK(cache.get(kube::pods(), {"n", "a"}) != nullptr);
  CHECK(cache.get(kube::pods(), {"n", "c"}) == nullptr);
  CHECK(cache.owned_by(kube::pods(), "owner").size() == 1);

  pods.api.create(kube::pods(), pod("c")).value();
  pods.api.patch(kube::pods(), {"n", "a"}, kube::PatchType::MergePatch, {{"x", 1}}, {}).value();
  REQUIRE(pods.api.remove(kube::pods(), {"n", "b"}, {}));
  CHECK(pods.await(5) == "+a +b +c ~a -b ");
  CHECK(cache.get(kube::pods(), {"n", "a"})->at("x") == 1);
  CHECK(pods.api.calls("list") == 1);
}

TEST_CASE("a watch that ends in order goes on without a list") {
  Followed pods;
  pods.informer.start();
  pods.api.await_calls("watch", 1);
  pods.api.create(kube::pods(), pod("a")).value();
  pods.await(1);
  pods.api.end_watches();
  pods.api.await_calls("watch", 2);
  pods.api.create(kube::pods(), pod("b")).value();
  CHECK(pods.await(2) == "+a +b ");
  CHECK(pods.api.calls("list") == 1);
}

TEST_CASE("a broken watch waits, then goes on from where it was") {
  Followed pods;
  pods.informer.start();
  pods.api.await_calls("watch", 1);
  pods.api.end_watches(base::Error{.code = base::Code::Unavailable, .message = "reset"});
  pods.clock.await_waiters(1);
  CHECK(pods.api.calls("watch") == 1);
  pods.api.create(kube::pods(), pod("a")).value();
  pods.clock.advance(1s);
  CHECK(pods.await(1) == "+a ");
  CHECK(pods.api.calls("list") == 1);
}

TEST_CASE("an expired revision is listed again, and what went meanwhile is told") {
  Followed pods;
  pods.api.create(kube::pods(), pod("a")).value();
  pods.api.create(kube::pods(), pod("b")).value();
  pods.informer.start();
  pods.api.await_calls("watch", 1);
  // Unavailable first, so that changes can happen while nobody watches.
  pods.api.end_watches(base::Error{.code = base::Code::Unavailable, .message = "reset"});
  pods.clock.await_waiters(1);
  REQUIRE(pods.api.remove(kube::pods(), {"n", "a"}, {}));
  pods.api.create(kube::pods(), pod("c")).value();
  pods.api.compact();
  pods.clock.advance(30s);
  // The second failure in a row waits as well.
  pods.api.await_calls("watch", 2);
  pods.clock.await_waiters(1);
  pods.clock.advance(30s);
  CHECK(pods.await(4) == "+a +b -a +c ");
  CHECK(pods.informer.store().size() == 2);
}

TEST_CASE("lists that fail are tried again, slower and slower, and as late as asked") {
  Followed pods;
  pods.api.fail("list", {.code = base::Code::Unavailable, .message = "down"});
  pods.api.fail("list", {.code = base::Code::ResourceExhausted,
                         .message = "slow down",
                         .retry_after = std::chrono::minutes{1}});
  pods.informer.start();
  pods.api.await_calls("list", 1);
  pods.clock.await_waiters(1);
  pods.clock.advance(800ms);
  pods.api.await_calls("list", 2);
  pods.clock.await_waiters(1);
  pods.clock.advance(59s);
  CHECK_FALSE(pods.informer.has_synced());
  pods.clock.advance(31s);  // spread above what the server said
  CHECK(pods.informer.await_synced({}));
  CHECK(pods.api.calls("list") == 3);
}

TEST_CASE("stopping wakes a watch") {
  Followed pods;
  pods.informer.start();
  pods.api.await_calls("watch", 1);
  pods.informer.stop();
  CHECK(pods.informer.has_synced());
}

TEST_CASE("stopping wakes a back-off") {
  Followed pods;
  pods.api.fail("list", {.code = base::Code::Unavailable, .message = "down"});
  pods.informer.start();
  pods.clock.await_waiters(1);
  pods.informer.stop();
  CHECK_FALSE(pods.informer.await_synced({}));
}

TEST_CASE("who waits for the first list can give up") {
  Followed pods;
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  CHECK_FALSE(pods.informer.await_synced(stop.get_token()));
}

TEST_CASE("an object that cannot be read is left out and reported, and the others go on") {
  MemoryApi api;
  FakeClock clock;
  Informer informer(api, clock, kube::pods());
  base::Mutex mutex;
  std::string reported;
  informer.on_unreadable([&](const kube::ResourceType& type, const kube::Unreadable& lost) {
    base::MutexLock lock(mutex);
    reported += type.plural + " " + lost.key.to_string() + ": " + lost.reason + "; ";
    throw std::runtime_error("a bug");
  });
  std::string told;
  base::CondVar changed;
  informer.add_handler([&](const kube::StoreDelta& delta) {
    base::MutexLock lock(mutex);
    told += (delta.after ? "+" : "-") +
            kube::key_of(*(delta.after ? delta.after : delta.before).object()).name;
    changed.notify_all();
  });
  const auto await = [&](const std::string& wanted) {
    base::MutexLock lock(mutex);
    while (told != wanted)
      changed.wait(lock);
    return reported;
  };
  api.create(kube::pods(), pod("a")).value();
  api.create(kube::pods(), pod("b")).value();
  api.make_unreadable(kube::pods(), {"n", "b"});  // in the list
  informer.start();
  await("+a");
  REQUIRE(informer.await_synced({}));
  CHECK(informer.unreadable() == 1);
  api.make_unreadable(kube::pods(), {"n", "a"});  // in the watch
  api.create(kube::pods(), pod("c")).value();
  CHECK(await("+a-a+c") == "pods n/b: nested too deep; pods n/a: nested too deep; ");
  CHECK(informer.store().size() == 1);
  CHECK(informer.unreadable() == 2);
  informer.stop();
}

TEST_CASE("what nobody asks for is not kept, whether it was listed or watched") {
  const auto big = [](const std::string& name, const std::string& role) {
    Json made = pod(name);
    made["metadata"]["labels"] = {{"role", role}};
    made["metadata"]["managedFields"] = Json::array({{{"manager", "m"}}});
    made["spec"] = {{"nodeName", "x"}};
    return made;
  };
  Followed pods;
  pods.informer.trim_with([](const Json& object) -> std::optional<Json> {
    if (object["metadata"]["labels"]["role"] == "driver") return std::nullopt;
    Json less = object;
    less.erase("spec");
    return less;
  });
  pods.api.create(kube::pods(), big("a", "executor")).value();
  pods.api.create(kube::pods(), big("b", "driver")).value();
  pods.informer.start();
  pods.await(2);
  pods.api.create(kube::pods(), big("c", "executor")).value();
  pods.api.create(kube::pods(), big("d", "driver")).value();
  pods.await(4);
  for (const auto& one : pods.informer.store().list("")) {
    const bool is_driver = (*one)["metadata"]["labels"]["role"] == "driver";
    CHECK(one->contains("spec") == is_driver);
    CHECK_FALSE(one->at("metadata").contains("managedFields"));
  }
  pods.informer.stop();
}

TEST_CASE("a handler that throws loses one change, and none for want of memory") {
  MemoryApi api;
  FakeClock clock;
  Informer informer(api, clock, kube::pods());
  base::Mutex mutex;
  base::CondVar changed;
  std::string told;
  int short_of_memory = 2;
  informer.add_handler([&](const kube::StoreDelta& delta) {
    base::MutexLock lock(mutex);
    const std::string name = kube::key_of(*delta.after.object()).name;
    if (name == "odd") throw std::runtime_error("a bug");
    if (name == "big" && short_of_memory-- > 0) throw std::bad_alloc();
    told += name + " ";
    changed.notify_all();
  });
  for (const char* name : {"odd", "big", "c"})
    api.create(kube::pods(), pod(name)).value();
  informer.start();
  for (int pause = 0; pause < 2; ++pause) {
    clock.await_waiters(1);
    clock.advance(100ms);
  }
  {
    base::MutexLock lock(mutex);
    while (told.size() < 6)
      changed.wait(lock);
    CHECK(told == "big c ");
  }
  informer.stop();
}

}  // namespace
