#include "kube/leader_elector.h"

#include <nlohmann/json.hpp>

#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"

namespace {

using kube::decide_lease;
using kube::Json;
using kube::LeaderElector;
using kube::LeaseMove;
using kube::LeaseRecord;
using kube::LeaseView;
using tests::FakeClock;
using tests::MemoryApi;
using namespace std::chrono_literals;

const kube::ObjectKey kLease{"spark", "sparkcron"};

TEST_CASE("who may take a lease") {
  const base::SteadyTime now{1h};
  const auto held = [&](const char* holder, std::chrono::seconds unchanged_for) {
    return LeaseView{.record = LeaseRecord{.holder = holder, .duration = 15s},
                     .unchanged_since = now - unchanged_for};
  };
  struct Case {
    const char* name;
    LeaseView view;
    LeaseMove move;
  };
  const Case cases[] = {
      {.name = "there is none", .view = {}, .move = LeaseMove::Create},
      {.name = "ours", .view = held("me", 1s), .move = LeaseMove::Renew},
      {.name = "ours, long ago", .view = held("me", 60s), .move = LeaseMove::Renew},
      {.name = "free", .view = held("", 0s), .move = LeaseMove::TakeOver},
      {.name = "another's, fresh", .view = held("you", 1s), .move = LeaseMove::Wait},
      {.name = "another's, just not expired", .view = held("you", 15s), .move = LeaseMove::Wait},
      {.name = "another's, expired", .view = held("you", 16s), .move = LeaseMove::TakeOver},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      CHECK(decide_lease(now, c.view, "me") == c.move);
    }
  }
}

TEST_CASE("what is written") {
  const base::WallTime now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};
  const LeaseView view{.record = LeaseRecord{.holder = "you",
                                             .duration = 15s,
                                             .acquire_time = "then",
                                             .renew_time = "then",
                                             .transitions = 4}};
  const std::string stamp = "2026-11-21T00:00:00.000000Z";
  CHECK(kube::next_lease(LeaseMove::TakeOver, view, "me", {}, now) ==
        LeaseRecord{.holder = "me",
                    .duration = 15s,
                    .acquire_time = stamp,
                    .renew_time = stamp,
                    .transitions = 5});
  CHECK(kube::next_lease(LeaseMove::Renew, view, "you", {}, now) ==
        LeaseRecord{.holder = "you",
                    .duration = 15s,
                    .acquire_time = "then",
                    .renew_time = stamp,
                    .transitions = 4});
  CHECK(kube::next_lease(LeaseMove::Create, {}, "me", {}, now).transitions == 0);
}

TEST_CASE("a lease survives its JSON") {
  const LeaseRecord record{
      .holder = "me", .duration = 15s, .acquire_time = "a", .renew_time = "b", .transitions = 3};
  Json lease = {{"metadata", {{"name", "x"}}}};
  kube::set_lease_record(lease, record);
  CHECK(kube::lease_record(lease) == record);
  CHECK(kube::lease_record(Json{{"spec", 7}}) == LeaseRecord{});
}

// A replica, and what it was told.
class Replica {
 public:
  Replica(MemoryApi& api, FakeClock& clock, const std::string& name)
      : elector(api, clock, {.lease = kLease, .identity = name},
                {.on_elected = [this] { note("elected"); }, .on_lost = [this] { note("lost"); }}) {}
  void await(const std::string& what) {
    base::MutexLock lock(mutex_);
    while (told_ != what)
      changed_.wait(lock);
  }

 private:
  void note(const std::string& what) {
    base::MutexLock lock(mutex_);
    told_ = what;
    changed_.notify_all();
  }
  base::Mutex mutex_;
  base::CondVar changed_;
  std::string told_;

 public:
  LeaderElector elector;
};

// Time passes, two seconds at a time, and each replica looks at the lease each time.
void pass(MemoryApi& api, FakeClock& clock, std::chrono::seconds time, int replicas) {
  for (; time > 0s; time -= 2s) {
    clock.await_waiters(static_cast<size_t>(replicas));
    const int looks = api.calls("get");
    clock.advance(2s);
    api.await_calls("get", looks + replicas);
  }
  clock.await_waiters(static_cast<size_t>(replicas));
}

std::string holder(MemoryApi& api) {
  return kube::lease_record(api.get(kube::leases(), kLease).value()).holder;
}

TEST_CASE("S10: one leads, and the other takes over as soon as the first gives back") {
  MemoryApi api;
  FakeClock clock;
  Replica a(api, clock, "a");
  Replica b(api, clock, "b");
  a.elector.start();
  a.await("elected");
  CHECK(a.elector.leading());
  b.elector.start();
  pass(api, clock, 60s, 2);
  CHECK(a.elector.leading());
  CHECK_FALSE(b.elector.leading());
  a.elector.stop();
  CHECK_FALSE(a.elector.leading());
  CHECK(holder(api).empty());
  pass(api, clock, 2s, 1);
  b.await("elected");
  CHECK(holder(api) == "b");
  CHECK(kube::lease_record(api.get(kube::leases(), kLease).value()).transitions == 1);
}

TEST_CASE("a leader that cannot renew stops before another may start") {
  MemoryApi api;
  FakeClock clock;
  Replica a(api, clock, "a");
  a.elector.start();
  a.await("elected");
  clock.await_waiters(1);
  for (int i = 0; i < 20; ++i)
    api.fail("update", {.code = base::Code::Unavailable, .message = "down"});
  pass(api, clock, 8s, 1);
  CHECK(a.elector.leading());
  clock.advance(2s);
  CHECK_FALSE(a.elector.leading());
  a.await("lost");
}

TEST_CASE("a leader whose lease was taken knows at the next look") {
  MemoryApi api;
  FakeClock clock;
  Replica a(api, clock, "a");
  a.elector.start();
  a.await("elected");
  Json stolen = api.get(kube::leases(), kLease).value();
  stolen["spec"]["holderIdentity"] = "thief";
  api.update(kube::leases(), stolen, "").value();
  clock.await_waiters(1);
  clock.advance(2s);
  a.await("lost");
  CHECK_FALSE(a.elector.leading());
  CHECK(holder(api) == "thief");
}

TEST_CASE("an expired lease is taken over, judged by our own clock") {
  MemoryApi api;
  FakeClock clock;
  Json lease = {{"metadata", {{"namespace", "spark"}, {"name", "sparkcron"}}}};
  // Its own time stamps lie far in the future.
  kube::set_lease_record(lease,
                         {.holder = "dead", .duration = 15s, .renew_time = "2999-01-01T00:00:00Z"});
  api.create(kube::leases(), lease).value();
  Replica a(api, clock, "a");
  a.elector.start();
  pass(api, clock, 14s, 1);
  CHECK(holder(api) == "dead");
  pass(api, clock, 4s, 1);
  a.await("elected");
  CHECK(holder(api) == "a");
}

TEST_CASE("a process that was frozen does not believe that it still leads") {
  MemoryApi api;
  FakeClock clock;
  Replica a(api, clock, "a");
  a.elector.start();
  a.await("elected");
  clock.await_waiters(1);
  // Renewals fail from now on, as if the thread had not run at all.
  for (int i = 0; i < 20; ++i)
    api.fail("get", {.code = base::Code::Unavailable, .message = "frozen"});
  clock.advance(1min);
  CHECK_FALSE(a.elector.leading());
}

}  // namespace
