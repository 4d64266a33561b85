// pods/log, from a source that the test plays.

#include <algorithm>
#include <memory>
#include <new>
#include <thread>
#include <utility>

#include "kube/server/rest/log_streams.h"
#include "tests/support/await.h"
#include "tests/support/catch.h"
#include "tests/unit/kube/server/support/in_memory_api.h"

namespace {

using nlohmann::json;
using tests::Answer;
using tests::InMemoryApi;

constexpr const char* kPods = "/api/v1/namespaces/default/pods";

// Gives its chunks, then ends; following, it waits for cancel() instead.
class FakeReader final : public kube::LogReader {
 public:
  FakeReader(std::vector<std::string> chunks, bool follow)
      : chunks_(std::move(chunks)), follow_(follow) {}
  base::Result<std::optional<std::string>> read() override {
    if (next_ < chunks_.size()) return chunks_[next_++];
    if (!follow_) return std::nullopt;
    base::MutexLock lock(mutex_);
    while (!cancelled_)
      changed_.wait(lock);
    return base::failure(base::Code::Cancelled, "cancelled");
  }
  void cancel() override {
    const base::MutexLock lock(mutex_);
    cancelled_ = true;
    changed_.notify_all();
  }

 private:
  const std::vector<std::string> chunks_;
  const bool follow_;
  size_t next_ = 0;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool cancelled_ GUARDED_BY(mutex_) = false;
};

struct FakeLogs final : kube::LogSource {
  base::Result<std::unique_ptr<kube::LogReader>> open(const kube::ObjectKey& pod,
                                                      const std::string& uid,
                                                      const kube::LogOptions& options) override {
    asked_pod = pod;
    asked_uid = uid;
    asked = options;
    if (!known) return base::failure(base::Code::NotFound, "no log of that container");
    return std::make_unique<FakeReader>(chunks, options.follow);
  }
  bool known = true;
  std::vector<std::string> chunks = {"first\n", "second\n"};
  kube::ObjectKey asked_pod;
  std::string asked_uid;
  kube::LogOptions asked;
};

json pod(const std::string& name, std::vector<std::string> containers) {
  json object = {{"metadata", {{"name", name}}}, {"spec", {{"containers", json::array()}}}};
  for (const std::string& container : containers) {
    object["spec"]["containers"].push_back({{"name", container}, {"image", "x"}});
  }
  return object;
}

TEST_CASE("a log is sent as it is read, with the options that were asked for") {
  FakeLogs logs;
  InMemoryApi api(":memory:", {.logs = &logs});
  const json created = api.post(kPods, pod("p", {"main"})).body;
  const Answer answer =
      api.get(std::string(kPods) +
              "/p/log?tailLines=10&limitBytes=99&sinceSeconds=60&timestamps=true&previous=true");
  CHECK(answer.status == 200);
  CHECK(answer.stream->await_end() == "first\nsecond\n");
  CHECK(logs.asked_pod == kube::ObjectKey{.ns = "default", .name = "p"});
  CHECK(logs.asked_uid == created["metadata"]["uid"].get<std::string>());
  CHECK(logs.asked.container == "main");
  CHECK(logs.asked.tail_lines == 10);
  CHECK(logs.asked.limit_bytes == 99);
  CHECK(logs.asked.since == api.clock.now() - std::chrono::minutes(1));
  CHECK(logs.asked.timestamps);
  CHECK(logs.asked.previous);
  CHECK_FALSE(logs.asked.follow);
}

TEST_CASE("a long log is sent to its end") {
  FakeLogs logs;
  logs.chunks.assign(100, std::string(1000, 'x'));
  InMemoryApi api(":memory:", {.logs = &logs});
  REQUIRE(api.post(kPods, pod("p", {"main"})).status == 201);
  CHECK(api.get(std::string(kPods) + "/p/log").stream->await_end().size() == 100'000);
}

TEST_CASE("following ends when the client goes or the server stops") {
  FakeLogs logs;
  InMemoryApi api(":memory:", {.logs = &logs});
  REQUIRE(api.post(kPods, pod("p", {"main"})).status == 201);
  const Answer first = api.get(std::string(kPods) + "/p/log?follow=true");
  const Answer second = api.get(std::string(kPods) + "/p/log?follow=true");
  first.stream->await_text("second\n");
  first.stream->close();
  second.stream->await_text("second\n");
  api.server->begin_stop();
  CHECK(second.stream->await_end() == "first\nsecond\n");
}

TEST_CASE("the log of a pod that is gone can still be read") {
  FakeLogs logs;
  InMemoryApi api(":memory:", {.logs = &logs});
  CHECK(api.get(std::string(kPods) + "/gone/log?container=main").stream->await_end() ==
        "first\nsecond\n");
  CHECK(logs.asked_uid.empty());
  CHECK(api.get(std::string(kPods) + "/gone/log").stream->await_end() == "first\nsecond\n");
  CHECK(logs.asked.container.empty());
  logs.known = false;
  const Answer unknown = api.get(std::string(kPods) + "/gone/log");
  CHECK(unknown.status == 404);
  CHECK(unknown.body["message"] == "pods \"gone\" not found");
}

TEST_CASE("questions for a log that cannot be answered") {
  FakeLogs logs;
  logs.known = false;
  InMemoryApi api(":memory:", {.logs = &logs});
  REQUIRE(api.post(kPods, pod("p", {"main", "side"})).status == 201);
  // No node has it yet: nothing to read, and nothing wrong.
  const Answer unplaced = api.get(std::string(kPods) + "/p/log?container=main");
  CHECK(unplaced.status == 200);
  CHECK(unplaced.text.empty());
  REQUIRE(api.post(std::string(kPods) + "/p/binding", {{"target", {{"name", "n"}}}}).status == 201);
  struct Case {
    const char* target;
    int status;
    const char* message;
  };
  for (const Case& c :
       {Case{"/p/log", 400,
             "a container name must be specified for pod p, choose one of: [main side]"},
        Case{"/p/log?container=other", 400, "container other is not valid for pod p"},
        Case{"/p/log?container=main", 400, "container \"main\" in pod \"p\" is waiting to start"},
        Case{"/p/log?tailLines=x", 400, "tailLines"}, Case{"/p/log?sinceTime=x", 400, "sinceTime"},
        Case{"/q/log?container=main", 404, "pods \"q\" not found"}}) {
    DYNAMIC_SECTION(c.target) {
      const Answer answer = api.get(std::string(kPods) + c.target);
      CHECK(answer.status == c.status);
      CHECK_THAT(answer.body["message"].get<std::string>(), Catch::Contains(c.message));
    }
  }
}

// A connection that takes what it is given and sends nothing on until the test says so.
class HeldStream final : public base::http::Stream {
 public:
  explicit HeldStream(int refusals = 0) : refusals_(refusals) {}
  bool write(std::shared_ptr<const std::string> data) override {
    const base::MutexLock lock(mutex_);
    held_.push_back(std::move(data));
    changed_.notify_all();
    return !closed_;
  }
  void close() override {
    std::vector<std::shared_ptr<const std::string>> sent;
    const base::MutexLock lock(mutex_);
    if (refusals_-- > 0) throw std::bad_alloc();
    sent.swap(held_);
    closed_ = true;
    changed_.notify_all();
  }
  bool closed() const override {
    const base::MutexLock lock(mutex_);
    return closed_;
  }
  void on_close(std::function<void()> /*callback*/) override {}

  void await_held(size_t count) {
    base::MutexLock lock(mutex_);
    while (held_.size() < count)
      changed_.wait(lock);
  }
  void await_closed() {
    base::MutexLock lock(mutex_);
    while (!closed_)
      changed_.wait(lock);
  }
  void send_one() {
    std::shared_ptr<const std::string> sent;
    const base::MutexLock lock(mutex_);
    sent = std::move(held_.front());
    held_.erase(held_.begin());
  }

 private:
  mutable base::Mutex mutex_;
  base::CondVar changed_;
  std::vector<std::shared_ptr<const std::string>> held_ GUARDED_BY(mutex_);
  int refusals_ GUARDED_BY(mutex_);
  bool closed_ GUARDED_BY(mutex_) = false;
};

// Opens one stream, or keeps the status of the refusal.
struct HeldResponder final : base::http::Responder {
  explicit HeldResponder(std::shared_ptr<HeldStream> to) : held(std::move(to)) {}
  void send(base::http::Response response) override { status = response.status; }
  std::shared_ptr<base::http::Stream> stream(int opened, base::http::Headers) override {
    status = opened;
    return held;
  }
  bool wants_websocket() const override { return false; }
  std::shared_ptr<base::http::Stream> accept_websocket() override { return held; }

  const std::shared_ptr<HeldStream> held;
  int status = 0;
};

using kube::server::rest::LogStreams;
using namespace std::chrono_literals;

constexpr size_t kUnsent = 8;  // chunks that wait for a client

int send(LogStreams& streams, std::shared_ptr<HeldStream> to,
         const LogStreams::Sending& sending = {}) {
  const auto responder = std::make_shared<HeldResponder>(std::move(to));
  streams.send(std::make_unique<FakeReader>(std::vector<std::string>(100, "chunk"), false),
               responder, sending);
  return responder->status;
}

TEST_CASE("clients that stop reading give their senders back") {
  tests::FakeClock clock;
  LogStreams streams(nullptr, clock);
  std::vector<std::shared_ptr<HeldStream>> stuck;
  for (size_t i = 0; i < LogStreams::kMaxStreams; ++i) {
    stuck.push_back(std::make_shared<HeldStream>());
    REQUIRE(send(streams, stuck.back()) == 200);
  }
  for (const auto& each : stuck)
    each->await_held(kUnsent);
  CHECK(send(streams, std::make_shared<HeldStream>()) == 429);
  // Some may not have begun to wait: each is cut off a stall after it has.
  CHECK(tests::await([&] {
    clock.advance(LogStreams::kStall);
    return std::all_of(stuck.begin(), stuck.end(), [](const auto& each) { return each->closed(); });
  }));
  while (send(streams, std::make_shared<HeldStream>()) != 200)
    std::this_thread::yield();
}

TEST_CASE("logs that are followed leave room for those that end by themselves") {
  tests::FakeClock clock;
  LogStreams streams(nullptr, clock);
  std::vector<std::shared_ptr<HeldStream>> followed;
  for (size_t i = 0; i < LogStreams::kMaxFollows; ++i) {
    followed.push_back(std::make_shared<HeldStream>());
    REQUIRE(send(streams, followed.back(), {.lasts = LogStreams::Lasts::Follows}) == 200);
  }
  CHECK(send(streams, std::make_shared<HeldStream>(), {.lasts = LogStreams::Lasts::Follows}) ==
        429);
  CHECK(send(streams, std::make_shared<HeldStream>()) == 200);
}

TEST_CASE("a list that is read drop by drop ends at its time, a log goes on") {
  tests::FakeClock clock;
  LogStreams streams(nullptr, clock);
  const auto list = std::make_shared<HeldStream>();
  const auto log = std::make_shared<HeldStream>();
  REQUIRE(send(streams, list, {.at_most = 100s}) == 200);
  REQUIRE(send(streams, log) == 200);
  for (int drops = 0; drops < 4; ++drops) {
    log->await_held(kUnsent);
    clock.await_waiters(list->closed() ? 1 : 2);
    clock.advance(LogStreams::kStall / 2);
    if (drops == 3) break;
    log->send_one();
    list->send_one();
    log->await_held(kUnsent);
    list->await_held(kUnsent);
  }
  list->await_closed();
  CHECK_FALSE(log->closed());
}

TEST_CASE("a sender without memory for its end tries again, and ends nobody else") {
  tests::FakeClock clock;
  LogStreams streams(nullptr, clock);
  const auto stream = std::make_shared<HeldStream>(1);
  REQUIRE(send(streams, stream) == 200);
  for (int i = 0; i < 100; ++i) {
    stream->await_held(1);
    stream->send_one();
  }
  stream->await_closed();
}

}  // namespace
