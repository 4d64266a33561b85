#include "monitor/log_collector.h"

#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/names.h"
#include "monitor/log_archive.h"
#include "monitor/log_keeping_api.h"
#include "monitor/packed_log.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/memory_api.h"
#include "tests/unit/monitor/temporary_folder.h"

using base::Code;
using base::failure;
using kube::Json;
using monitor::KeptLog;
using monitor::LogCollector;

namespace {

const kube::ObjectKey kPod{"etl", "nightly-1-driver"};
const kube::ObjectKey kRun{"etl", "nightly-1"};

class PodCache final : public kube::Cache {
 public:
  std::shared_ptr<const Json> get(const kube::ResourceType&,
                                  const kube::ObjectKey& key) const override {
    return pod != nullptr && kube::key_of(*pod) == key ? pod : nullptr;
  }
  std::vector<std::shared_ptr<const Json>> owned_by(const kube::ResourceType&,
                                                    const std::string&) const override {
    return {};
  }
  std::vector<std::shared_ptr<const Json>> labelled(const kube::ResourceType&, const std::string&,
                                                    std::string_view,
                                                    std::string_view) const override {
    return {};
  }
  std::vector<std::shared_ptr<const Json>> list(const kube::ResourceType&,
                                                const std::string&) const override {
    return {};
  }
  std::shared_ptr<const Json> pod;
};

class MemoryStore final : public monitor::LogStore {
 public:
  base::Result<bool> has(const KeptLog& log) override { return logs.contains(log.pod_uid); }
  base::Status put(const KeptLog& log, const std::string& packed) override {
    ++puts;
    if (broken) return failure(Code::Unavailable, "no room");
    logs[log.pod_uid] = monitor::unpack(packed, size_t{1} << 30).value();
    attempts[log.pod_uid] = log.attempt;
    return {};
  }
  base::Result<std::string> get(const monitor::WantedLog&) override {
    return failure(Code::NotFound, "");
  }
  std::map<std::string, std::string> logs;
  std::map<std::string, int64_t> attempts;
  bool broken = false;
  int puts = 0;
};

class Lines final : public base::http::BodyStream {
 public:
  explicit Lines(std::string text) : text_(std::move(text)) {}
  int status() const override { return 200; }
  const base::http::Headers& headers() const override { return headers_; }
  base::Result<std::optional<std::string>> read() override {
    return std::exchange(text_, std::nullopt);
  }
  void cancel() override {}

 private:
  std::optional<std::string> text_;
  const base::http::Headers headers_;
};

std::shared_ptr<const Json> driver(const std::string& state, const std::string& uid = "p1") {
  Json pod = Json::parse(R"({"metadata": {"namespace": "etl", "name": "nightly-1-driver",
    "labels": {"spark-role": "driver", "sparkoperator.k8s.io/app-name": "nightly-1",
      "sparkoperator.k8s.io/scheduled-app-name": "nightly"},
    "ownerReferences": [{"kind": "SparkApplication", "name": "nightly-1", "uid": "r1",
      "apiVersion": "sparkoperator.k8s.io/v1beta2", "controller": true}]}})");
  pod["metadata"]["uid"] = uid;
  pod["status"]["phase"] = state == "deleting" ? "Running" : state;
  if (state == "deleting") pod["metadata"]["deletionTimestamp"] = "2026-11-21T00:00:00Z";
  return std::make_shared<const Json>(std::move(pod));
}

struct Bed {
  tests::FakeClock clock;
  PodCache cache;
  MemoryStore store;
  MemoryStore aside;
  tests::MemoryEvents events;
  std::vector<kube::LogOptions> asked;
  std::optional<base::Error> refused;
  LogCollector collector{cache,
                         store,
                         &aside,
                         [this](const kube::ObjectKey&, const kube::LogOptions& options)
                             -> base::Result<std::unique_ptr<base::http::BodyStream>> {
                           asked.push_back(options);
                           if (refused) return failure(*refused);
                           return std::make_unique<Lines>("2026-11-21T00:00:00Z hello\n");
                         },
                         events,
                         clock};

  void show(const std::shared_ptr<const Json>& pod) {
    const auto before = std::exchange(cache.pod, pod);
    for (const auto& side : {before, pod})
      if (side != nullptr) collector.seen(*side);
  }
};

}  // namespace

TEST_CASE("a driver's log is kept once, when it has ended", "[monitor]") {
  Bed bed;
  bed.show(driver("Running"));
  REQUIRE(bed.collector.reconcile(kPod));
  CHECK(bed.asked.empty());
  bed.show(driver("Failed"));
  CHECK(bed.collector.numbers().waiting == 1);
  REQUIRE(bed.collector.reconcile(kPod));
  REQUIRE(bed.collector.reconcile(kPod));
  REQUIRE(bed.asked.size() == 1);
  CHECK(bed.asked[0].container == config::kDriverContainer);
  CHECK(bed.asked[0].timestamps);
  CHECK_FALSE(bed.asked[0].follow);
  CHECK(bed.store.logs["p1"] == "2026-11-21T00:00:00Z hello\n");
  CHECK(bed.collector.numbers().kept == 1);
  CHECK(bed.collector.numbers().waiting == 0);
  bed.show(nullptr);
  REQUIRE(bed.collector.reconcile(kPod));
  CHECK(bed.collector.numbers().lost == 0);
}

TEST_CASE("the log of a driver that is stopped is followed to its end", "[monitor]") {
  Bed bed;
  bed.show(driver("deleting"));
  REQUIRE(bed.collector.reconcile(kPod));
  REQUIRE(bed.asked.size() == 1);
  CHECK(bed.asked[0].follow);
  CHECK(bed.store.logs.size() == 1);
}

TEST_CASE("what a store has is not read again after a restart", "[monitor]") {
  Bed bed;
  bed.store.logs["p1"] = "kept";
  bed.show(driver("Succeeded"));
  REQUIRE(bed.collector.reconcile(kPod));
  CHECK(bed.asked.empty());
  CHECK(bed.store.logs["p1"] == "kept");
}

TEST_CASE("a container that never ran has no log to wait for", "[monitor]") {
  for (const Code code : {Code::NotFound, Code::Refused}) {
    Bed bed;
    bed.refused = base::Error{.code = code, .message = "no"};
    bed.show(driver("Failed"));
    REQUIRE(bed.collector.reconcile(kPod));
    CHECK(bed.collector.numbers().waiting == 0);
    CHECK(bed.store.puts == 0);
  }
}

TEST_CASE("a log that its store does not take is kept on the volume and tried again", "[monitor]") {
  Bed bed;
  bed.store.broken = true;
  bed.show(driver("Succeeded"));
  const auto failed = bed.collector.reconcile(kPod);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().message == "no room");
  CHECK(bed.aside.logs.contains("p1"));
  CHECK(bed.collector.numbers().failures == 1);
  CHECK(bed.collector.numbers().store.error().message == "no room");
  bed.collector.await_run(kRun);  // waits for nothing
  bed.collector.failing(kPod, failed.error(), 3);
  CHECK(bed.events.all() ==
        std::vector<std::string>{"LogNotKept: the driver's log could not be kept yet and is tried "
                                 "again: no room"});
  bed.store.broken = false;
  REQUIRE(bed.collector.reconcile(kPod));
  CHECK(bed.store.logs.contains("p1"));
  CHECK(bed.collector.numbers().store.has_value());
  bed.show(nullptr);
  REQUIRE(bed.collector.reconcile(kPod));
  CHECK(bed.collector.numbers().lost == 0);
}

TEST_CASE("a log whose pod went first is told as lost", "[monitor]") {
  Bed bed;
  bed.show(driver("Failed"));
  SECTION("gone") {
    bed.show(nullptr);
    CHECK(bed.collector.numbers().lost == 0);
  }
  SECTION("another has its name") {
    bed.show(driver("Running", "p2"));
    CHECK(bed.collector.numbers().lost == 0);
  }
  REQUIRE(bed.collector.reconcile(kPod));
  CHECK(bed.collector.numbers().lost == 1);
  CHECK(bed.collector.numbers().waiting == 0);
  CHECK(bed.events.all() ==
        std::vector<std::string>{"LogLost: the pod went before the driver's log was kept"});
}

TEST_CASE("a run is deleted after its driver's log is kept, or after a while", "[monitor]") {
  Bed bed;
  tests::MemoryApi api(bed.clock);
  monitor::LogKeepingApi keeping(api, bed.collector);
  const auto remove = [&](const kube::ResourceType& type, const kube::ObjectKey& key) {
    (void)keeping.remove(type, key);
  };
  // What is of another run waits for nothing.
  bed.show(driver("Succeeded"));
  remove(config::spark_applications(), {"etl", "other"});
  remove(kube::config_maps(), kRun);
  REQUIRE(api.calls("delete") == 2);

  std::atomic<bool> removed = false;
  std::jthread deleting([&] {
    remove(config::spark_applications(), kRun);
    removed = true;
  });
  SECTION("kept") {
    bed.clock.await_waiters(1);
    CHECK_FALSE(removed);
    REQUIRE(bed.collector.reconcile(kPod));
  }
  SECTION("not kept") {
    bed.clock.await_waiters(1);
    CHECK_FALSE(removed);
    bed.clock.advance(LogCollector::kPatience);
  }
  SECTION("stopped") {
    bed.clock.await_waiters(1);
    CHECK_FALSE(removed);
    bed.collector.stop();
  }
  deleting.join();
  CHECK(removed);
  CHECK(api.calls("delete") == 3);
  // Later ones do not wait anew.
  remove(kube::pods(), kPod);
  CHECK(api.calls("delete") == 4);
}

TEST_CASE("a log is kept with the attempt that its pod says", "[monitor]") {
  Bed bed;
  Json pod = *driver("Failed", "p2");
  pod["metadata"]["annotations"]["sparkoperator.k8s.io/attempt"] = "2";
  bed.show(std::make_shared<const Json>(pod));
  REQUIRE(bed.collector.reconcile(kPod));
  CHECK(bed.store.attempts == std::map<std::string, int64_t>{{"p2", 2}});
  struct Case {
    const char* text;
    int64_t attempt;
  };
  for (const Case& c : {Case{"1", 1}, Case{"", 0}, Case{"0", 0}, Case{"-1", 0}, Case{"2x", 0},
                        Case{"99999999999999999999", 0}}) {
    pod["metadata"]["annotations"]["sparkoperator.k8s.io/attempt"] = c.text;
    CHECK(monitor::attempt_of(pod) == c.attempt);
  }
  CHECK(monitor::attempt_of(*driver("Failed")) == 0);
}

TEST_CASE("a wanted log is looked for in both stores", "[monitor]") {
  tests::FakeClock clock;
  const tests::TemporaryFolder folder;
  auto one = monitor::LogArchive::open({.root = folder.file("one")}, clock).value();
  auto two = monitor::LogArchive::open({.root = folder.file("two")}, clock).value();
  KeptLog log{.schedule = "nightly",
              .run = kRun,
              .run_uid = "r1",
              .pod = kPod,
              .pod_uid = "p2",
              .container = "spark",
              .attempt = 2};
  REQUIRE(one->put(log, monitor::pack("2026-11-21T00:00:00Z second\n").value()));
  log.pod_uid = "p1";
  log.attempt = 1;
  REQUIRE(two->put(log, monitor::pack("2026-11-21T00:00:00Z first\n").value()));
  const auto text = [&](int64_t attempt) {
    const auto reader = monitor::open_kept(*one, two.get(), {.run = kRun, .attempt = attempt}, {});
    return reader ? (*reader)->read().value().value() : reader.error().message;
  };
  CHECK(text(0) == "second\n");
  CHECK(text(1) == "first\n");
  CHECK(text(3) == "no log of attempt 3 of run etl/nightly-1 is kept, but of attempt 2");
}

TEST_CASE("packed logs are kept on a volume and found again after a restart", "[monitor]") {
  tests::FakeClock clock;
  const tests::TemporaryFolder folder;
  const monitor::LogArchiveOptions options{.root = folder.file("logs")};
  const KeptLog log{.schedule = "nightly",
                    .run = kRun,
                    .run_uid = "r1",
                    .pod = kPod,
                    .pod_uid = "p1",
                    .container = "spark"};
  {
    auto archive = monitor::LogArchive::open(options, clock).value();
    CHECK_FALSE(archive->has(log).value());
    REQUIRE(archive->put(log, monitor::pack("one\n").value()));
    REQUIRE(archive->put(log, monitor::pack("two\n").value()));
  }
  auto archive = monitor::LogArchive::open(options, clock).value();
  CHECK(archive->has(log).value());
  CHECK(monitor::unpack(archive->get({.run = kRun}).value(), 100).value() == "two\n");
  CHECK(archive->get({.run = kRun, .container = "other"}).error().code == Code::NotFound);
  CHECK(archive->get({.run = {"etl", "x"}}).error().message == "no log of run etl/x is kept");
  CHECK(archive->total_bytes() == (uint64_t{16} << 10));
  archive->forget(kRun, "r1");
  CHECK_FALSE(archive->has(log).value());
  KeptLog odd = log;
  odd.run.name = "../x";
  CHECK(archive->put(odd, "x").error().code == Code::InvalidArgument);
}
