// pods/log, from a source that the test plays.

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

}  // namespace
