#include "kube/api_event_recorder.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/mutex.h"
#include "tests/support/await.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"

namespace {

using kube::ApiEventRecorder;
using kube::EventType;
using kube::Json;
using tests::FakeClock;
using tests::MemoryApi;
using namespace std::chrono_literals;

const Json kSchedule = {
    {"apiVersion", "sparkoperator.k8s.io/v1beta2"},
    {"kind", "ScheduledSparkApplication"},
    {"metadata",
     {{"namespace", "n"}, {"name", "nightly"}, {"uid", "u1"}, {"labels", {{"a", "b"}}}}}};

TEST_CASE("an event says what, about whom, by whom") {
  MemoryApi api;
  FakeClock clock;
  {
    ApiEventRecorder recorder(api, clock, {.controller = "sparkcron", .instance = "pod-1"});
    recorder.record(kSchedule, EventType::Normal, "Started", "Scheduling", "Started run x");
  }
  const auto events = api.all();
  REQUIRE(events.size() == 1);
  Json event = events[0];
  CHECK(kube::key_of(event).name.starts_with("nightly."));
  event["metadata"].erase("name");
  event["metadata"].erase("uid");
  event["metadata"].erase("resourceVersion");
  event["metadata"].erase("creationTimestamp");
  CHECK(event == Json{{"apiVersion", "events.k8s.io/v1"},
                      {"kind", "Event"},
                      {"metadata", {{"namespace", "n"}}},
                      {"eventTime", "2026-11-21T00:00:00.000000Z"},
                      {"reportingController", "sparkcron"},
                      {"reportingInstance", "pod-1"},
                      {"action", "Scheduling"},
                      {"reason", "Started"},
                      {"regarding",
                       {{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                        {"kind", "ScheduledSparkApplication"},
                        {"name", "nightly"},
                        {"namespace", "n"},
                        {"uid", "u1"}}},
                      {"note", "Started run x"},
                      {"type", "Normal"}});
}

TEST_CASE("equal events become one that counts") {
  MemoryApi api;
  FakeClock clock;
  {
    ApiEventRecorder recorder(api, clock, {});
    const auto warn = [&](const char* note) {
      recorder.record(kSchedule, EventType::Warning, "Failed", "Submitting", note);
    };
    warn("no quota");
    api.await_calls("create", 1);
    clock.advance(1min);
    warn("no quota");
    api.await_calls("patch", 1);
    warn("other note");
    api.await_calls("create", 2);
    clock.advance(7min);
    warn("no quota");  // the series is over
    api.await_calls("create", 3);
  }
  std::map<std::string, std::vector<int64_t>> counts;
  for (const Json& event : api.all())
    counts[event["note"].get<std::string>()].push_back(
        event.contains("series") ? event["series"]["count"].get<int64_t>() : 1);
  CHECK(counts["no quota"].size() == 2);
  CHECK(counts["no quota"][0] + counts["no quota"][1] == 3);
  CHECK(counts["other note"] == std::vector<int64_t>{1});
}

TEST_CASE("an event that the server pruned is made again") {
  MemoryApi api;
  FakeClock clock;
  {
    ApiEventRecorder recorder(api, clock, {});
    recorder.record(kSchedule, EventType::Normal, "A", "B", "c");
    api.await_calls("create", 1);
    const auto events = api.all();
    REQUIRE(events.size() == 1);
    REQUIRE(api.remove(kube::events(), kube::key_of(events[0]), {}));
    recorder.record(kSchedule, EventType::Normal, "A", "B", "c");
    api.await_calls("create", 2);
  }
  CHECK(api.all().size() == 1);
}

std::vector<Json> await_event(const MemoryApi& api) {
  while (api.all().empty())
    std::this_thread::yield();
  return api.all();
}

TEST_CASE("an unreachable API is tried three times") {
  MemoryApi api;
  FakeClock clock;
  ApiEventRecorder recorder(api, clock, {});
  for (int i = 0; i < 3; ++i)
    api.fail("create", {.code = base::Code::Unavailable, .message = "down"});
  recorder.record(kSchedule, EventType::Normal, "A", "B", "lost");
  for (int i = 1; i < 3; ++i) {
    api.await_calls("create", i);
    clock.await_waiters(1);
    clock.advance(1s);
  }
  api.await_calls("create", 3);
  recorder.record(kSchedule, EventType::Normal, "A", "B", "kept");
  CHECK(await_event(api)[0]["note"] == "kept");
  CHECK(recorder.dropped() == 1);
}

TEST_CASE("a refused event is not tried again") {
  MemoryApi api;
  FakeClock clock;
  ApiEventRecorder recorder(api, clock, {});
  api.fail("create", {.code = base::Code::Forbidden, .message = "terminating"});
  recorder.record(kSchedule, EventType::Normal, "A", "B", "lost");
  recorder.record(kSchedule, EventType::Normal, "A", "B", "kept");
  CHECK(await_event(api)[0]["note"] == "kept");
  CHECK(api.calls("create") == 2);
  CHECK(recorder.dropped() == 1);
}

TEST_CASE("recording never waits, and what is too much is dropped") {
  MemoryApi api;
  FakeClock clock;
  ApiEventRecorder recorder(api, clock, {}, 2);
  // The sender is held up by an unreachable API until the clock moves, which it does not.
  for (int i = 0; i < 3; ++i)
    api.fail("create", {.code = base::Code::Unavailable, .message = "down"});
  recorder.record(kSchedule, EventType::Normal, "A", "B", "0");
  clock.await_waiters(1);
  for (int i = 1; i <= 5; ++i)
    recorder.record(kSchedule, EventType::Normal, "A", "B", std::to_string(i));
  CHECK(recorder.dropped() == 3);
}

TEST_CASE("events wait for what comes first, but not for ever") {
  MemoryApi api;
  FakeClock clock;
  base::Mutex mutex;
  std::vector<std::chrono::milliseconds> waited;
  const auto note = [&](std::chrono::milliseconds most) {
    base::MutexLock lock(mutex);
    waited.push_back(most);
  };
  {
    ApiEventRecorder recorder(api, clock, {});
    {
      const kube::EventsGiveWay way(recorder, [&](std::chrono::milliseconds most) {
        note(most);
        // So long, and two seconds more, the first one waits here.
        if (most == ApiEventRecorder::kPatience) clock.advance(most + std::chrono::seconds(2));
      });
      recorder.record(kSchedule, EventType::Normal, "A", "B", "0");
      REQUIRE(tests::await([&] { return api.all().size() == 1; }));
      recorder.record(kSchedule, EventType::Normal, "A", "B", "1");
      REQUIRE(tests::await([&] { return api.all().size() == 2; }));
    }
    // Nothing is called of what may be gone.
    recorder.record(kSchedule, EventType::Normal, "A", "B", "2");
  }
  CHECK(api.all().size() == 3);
  CHECK(waited == std::vector{ApiEventRecorder::kPatience, ApiEventRecorder::kPatience});
}

TEST_CASE("what waited its time before others is sent without another wait") {
  MemoryApi api;
  FakeClock clock;
  std::atomic<int> waits{0};
  std::atomic<bool> recorded{false};
  {
    ApiEventRecorder recorder(api, clock, {});
    const kube::EventsGiveWay way(recorder, [&](std::chrono::milliseconds most) {
      ++waits;
      while (!recorded)
        std::this_thread::yield();
      clock.advance(most);
    });
    for (const char* what : {"0", "1", "2"})
      recorder.record(kSchedule, EventType::Normal, "A", "B", what);
    recorded = true;
    REQUIRE(tests::await([&] { return api.all().size() == 3; }));
  }
  CHECK(waits == 1);
}

TEST_CASE("an event that comes again after six minutes is a new one") {
  MemoryApi api;
  FakeClock clock;
  ApiEventRecorder recorder(api, clock, {});
  recorder.record(kSchedule, EventType::Normal, "A", "B", "0");
  REQUIRE(tests::await([&] { return api.all().size() == 1; }));
  clock.advance(std::chrono::minutes(6) - std::chrono::seconds(30));
  recorder.record(kSchedule, EventType::Normal, "A", "B", "other");  // looks at the series
  REQUIRE(tests::await([&] { return api.all().size() == 2; }));
  clock.advance(std::chrono::seconds(31));
  recorder.record(kSchedule, EventType::Normal, "A", "B", "0");
  CHECK(tests::await([&] { return api.all().size() == 3; }));
}

TEST_CASE("a long note is cut between characters") {
  MemoryApi api;
  FakeClock clock;
  {
    ApiEventRecorder recorder(api, clock, {});
    recorder.record(kSchedule, EventType::Normal, "A", "B", std::string(1023, 'x') + "\xc3\xa4yz");
  }
  CHECK(api.all().at(0)["note"] == std::string(1023, 'x'));
}

}  // namespace
