// What goes because its time is over, and what an exception in a request may not do.

#include <filesystem>
#include <new>
#include <thread>

#include "kube/server/controllers/event_ages.h"
#include "tests/support/catch.h"
#include "tests/unit/kube/server/support/in_memory_api.h"
#include "tests/unit/kube/server/support/temporary_folder.h"

namespace {

using kube::server::controllers::EventAges;
using kube::server::storage::Key;
using nlohmann::json;
using std::chrono::minutes;
using tests::Answer;
using tests::InMemoryApi;

constexpr const char* kEvents = "/api/v1/namespaces/default/events";

json event(const std::string& name) {
  return {{"apiVersion", "v1"},
          {"kind", "Event"},
          {"metadata", {{"name", name}, {"namespace", "default"}}},
          {"involvedObject", {{"kind", "Pod"}, {"name", "p"}, {"namespace", "default"}}},
          {"reason", "Tested"},
          {"message", "once"},
          {"type", "Normal"}};
}

std::string at(const std::string& name) {
  return std::string(kEvents) + "/" + name;
}

// Moves the clock when the server has nothing left to do but wait for it.
void pass(InMemoryApi& api, std::chrono::milliseconds by) {
  api.clock.await_waiters(2);  // the hub and the housekeeping
  api.clock.advance(by);
}

TEST_CASE("an event goes an hour after its last write") {
  InMemoryApi api;
  REQUIRE(api.post(kEvents, event("once")).status == 201);
  REQUIRE(api.post(kEvents, event("again")).status == 201);
  REQUIRE(api.post(tests::kConfigMaps, tests::config_map("a")).status == 201);
  pass(api, minutes(40));
  REQUIRE(api.merge(at("again"), {{"message", "twice"}, {"count", 2}}).status == 200);
  pass(api, minutes(21));
  api.await_status(at("once"), 404);
  CHECK(api.get(at("again")).status == 200);
  pass(api, minutes(40));
  api.await_status(at("again"), 404);
  CHECK(api.get(std::string(tests::kConfigMaps) + "/a").status == 200);
}

TEST_CASE("the hour of an event goes on while the server is away") {
  const tests::TemporaryFolder folder;
  base::WallTime then;
  {
    InMemoryApi api(folder.file("api.db"));
    REQUIRE(api.post(kEvents, event("old")).status == 201);
    pass(api, minutes(40));
    REQUIRE(api.post(kEvents, event("new")).status == 201);
    then = api.clock.now();
  }
  InMemoryApi api(folder.file("api.db"));
  api.clock.set_wall(then + minutes(21));
  pass(api, minutes(1));
  api.await_status(at("old"), 404);
  CHECK(api.get(at("new")).status == 200);
}

TEST_CASE("a burst of events leaves neither rows nor file behind") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.file("api.db");
  kube::server::ApiServerOptions options;
  options.history_revisions = 100;
  options.history_bytes = 100'000;
  InMemoryApi api(path, std::move(options));
  const size_t before = api.server->numbers().bytes;
  for (int i = 0; i < 500; ++i) {
    json one = event("e" + std::to_string(i));
    one["message"] = std::string(1'000, 'x');
    REQUIRE(api.post(kEvents, one).status == 201);
  }
  const size_t burst = api.server->numbers().bytes - before;
  CHECK(burst > 500'000);
  pass(api, minutes(61));
  while (api.server->numbers().bytes > before)
    std::this_thread::yield();
  CHECK(api.get(kEvents).body["items"].empty());
  const auto size = [&] {
    std::error_code problem;
    return std::filesystem::file_size(path, problem) +
           std::filesystem::file_size(path + "-wal", problem);
  };
  // Each event has been stored, and once more as it went.
  while (size() > before * 2 + burst)
    std::this_thread::yield();
  SUCCEED("at rest at " << size() << " bytes after " << burst << " bytes of events");
}

TEST_CASE("a namespace keeps a bounded number of events, the newest") {
  kube::server::ApiServerOptions options;
  options.events_per_namespace = 20;
  InMemoryApi api(":memory:", std::move(options));
  for (int i = 0; i < 60; ++i) {
    REQUIRE(api.post(kEvents, event("e" + std::to_string(i))).status == 201);
    api.clock.advance(std::chrono::milliseconds(10));
  }
  while (api.get(kEvents).body["items"].size() > 22)
    std::this_thread::yield();
  CHECK(api.get(at("e59")).status == 200);
  CHECK(api.get(at("e0")).status == 404);
}

TEST_CASE("which events are due") {
  const base::WallTime now{std::chrono::sys_days{std::chrono::year{2026} / 11 / 21}};
  const auto key = [](const std::string& name, const std::string& ns = "a") {
    return Key{.resource = "events", .ns = ns, .name = name};
  };
  EventAges ages({.lifetime = std::chrono::hours(1), .per_namespace = 10});
  ages.note(key("young"), now - minutes(59));
  ages.note(key("old"), now - minutes(61));
  ages.note(key("older", "b"), now - minutes(62));
  ages.note(key("ahead"), now + minutes(59));
  // Written under a clock that was ten years ahead: nobody wants to wait for that.
  ages.note(key("future"), now + std::chrono::hours(24 * 3650));
  CHECK(ages.due(now, 10) == std::vector{key("older", "b"), key("old"), key("future")});
  CHECK(ages.due(now, 1) == std::vector{key("older", "b")});
  ages.note(key("old"), now);
  ages.forget(key("older", "b"));
  ages.forget(key("nobody"));
  CHECK(ages.due(now, 10) == std::vector{key("future")});
  ages.forget(key("future"));
  CHECK(ages.due(now, 10).empty());
  for (int i = 0; i < 9; ++i)
    ages.note(key("many" + std::to_string(i)), now + std::chrono::seconds(i + 1));
  CHECK(ages.crowded());
  CHECK(ages.due(now, 10) == std::vector{key("young"), key("old")});
  ages.forget(key("young"));
  ages.forget(key("old"));
  CHECK_FALSE(ages.crowded());
  CHECK(ages.size() == 10);
}

TEST_CASE("the last write of an event is the latest time that the server noted") {
  const auto written = [](const json& value) {
    return kube::server::controllers::last_write(value).time_since_epoch().count() / 1000;
  };
  CHECK(written({{"metadata", {{"creationTimestamp", "1970-01-01T00:01:00Z"}}}}) == 60);
  CHECK(written({{"metadata",
                  {{"creationTimestamp", "1970-01-01T00:01:00Z"},
                   {"managedFields",
                    {{{"time", "1970-01-01T00:03:00Z"}}, {{"time", "1970-01-01T00:02:00Z"}}, 7}}}},
                 {"lastTimestamp", "2970-01-01T00:00:00Z"}}) == 180);
}

// A source that runs out of memory, or fails in a way that nobody thought of.
class Thrower final : public kube::LogSource {
 public:
  base::Result<std::unique_ptr<kube::LogReader>> open(const kube::ObjectKey&, const std::string&,
                                                      const kube::LogOptions& options) override {
    if (options.follow) return std::unique_ptr<kube::LogReader>(std::make_unique<Reader>());
    if (options.previous) throw std::runtime_error("nobody thought of this");
    throw std::bad_alloc();
  }

 private:
  class Reader final : public kube::LogReader {
   public:
    base::Result<std::optional<std::string>> read() override { throw std::bad_alloc(); }
    void cancel() override {}
  };
};

TEST_CASE("an exception in a request is that request's answer, never the end of the service") {
  Thrower thrower;
  kube::server::ApiServerOptions options;
  options.logs = &thrower;
  InMemoryApi api(":memory:", std::move(options));
  const std::string log = "/api/v1/namespaces/default/pods/p/log?container=c";
  const Answer memory = api.get(log);
  CHECK(memory.status == 503);
  CHECK(memory.body["message"] == "the server is out of memory, try again later");
  const Answer other = api.get(log + "&previous=true");
  CHECK(other.status == 500);
  CHECK(other.body["message"] == "Internal error occurred: the request could not be handled");
  // After the answer has begun there is nothing to say any more: the stream ends.
  const Answer begun = api.get(log + "&follow=true");
  CHECK(begun.status == 200);
  REQUIRE(begun.stream);
  CHECK(begun.stream->await_end().empty());
  CHECK(api.get("/api/v1/namespaces/default").status == 200);
}

TEST_CASE("numbers from people saturate, and what is no number is refused by its path") {
  InMemoryApi api;
  const std::string huge = "99999999999999999999999999";
  REQUIRE(api.post(tests::kConfigMaps, tests::config_map("a")).status == 201);
  const std::string map = std::string(tests::kConfigMaps) + "/a";
  CHECK(api.get(std::string(tests::kConfigMaps) + "?limit=" + huge).body["items"].size() == 1);
  const Answer watch =
      api.get(std::string(tests::kConfigMaps) + "?watch=true&timeoutSeconds=" + huge);
  CHECK(watch.status == 200);
  const std::string log = "/api/v1/namespaces/default/pods/p/log?container=c&sinceSeconds=";
  CHECK(api.get(log + huge).status == 404);  // there is no such pod
  CHECK(api.get(log + "9223372036854775807").status == 404);
  CHECK(api.get(log + "0").status == 400);
  for (const char* bad : {"-1", "x", "1x", "1.5", "0x10", "-99999999999999999999999"}) {
    INFO(bad);
    const Answer refused = api.get(std::string(tests::kConfigMaps) + "?limit=" + bad);
    CHECK(refused.status == 400);
    CHECK_THAT(refused.body["message"].get<std::string>(),
               Catch::StartsWith("the query parameter limit must be a number of at least 0, got "));
  }
  struct Case {
    json options;
    std::string message;
  };
  for (const Case& c :
       {Case{{{"gracePeriodSeconds", "soon"}},
             "DeleteOptions.gracePeriodSeconds: Invalid value: \"soon\": must be an "
             "integer"},
        Case{{{"gracePeriodSeconds", 0.5}},
             "DeleteOptions.gracePeriodSeconds: Invalid value: 0.5: must be an "
             "integer"},
        Case{{{"preconditions", {{"uid", 7}}}},
             "DeleteOptions.preconditions.uid: Invalid value: 7: must be a string"},
        Case{{{"orphanDependents", "yes"}},
             "DeleteOptions.orphanDependents: Invalid value: \"yes\": must be true "
             "or false"}}) {
    const Answer refused = api.remove(map, c.options);
    CHECK(refused.status == 400);
    CHECK(refused.body["message"] == c.message);
  }
  CHECK(api.remove(map, {{"gracePeriodSeconds", uint64_t{18446744073709551615U}}}).status == 200);
}

}  // namespace
