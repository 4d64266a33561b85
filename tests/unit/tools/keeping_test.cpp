// What each replica of a cluster's controller keeps, deciding or not.

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "base/mutex.h"
#include "config/names.h"
#include "monitor/packed_log.h"
#include "tests/support/await.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/folder.h"
#include "tests/support/memory_api.h"
#include "tools/sparkcron/controllers.h"

namespace sparkcron {
namespace {

using kube::Json;

const kube::ObjectKey kRun{"etl", "nightly-1"};

class MemoryLogs final : public monitor::LogStore {
 public:
  base::Result<bool> has(const monitor::KeptLog& log) override {
    base::MutexLock lock(mutex_);
    return logs_.contains(log.pod_uid);
  }
  base::Status put(const monitor::KeptLog& log, const std::string& packed) override {
    base::MutexLock lock(mutex_);
    logs_[log.pod_uid] = log.run.to_string() + ": " + monitor::unpack(packed, 1'000).value();
    return {};
  }
  base::Result<std::string> get(const monitor::WantedLog&) override {
    return base::failure(base::Code::NotFound, "");
  }
  std::string only() const {
    base::MutexLock lock(mutex_);
    return logs_.size() == 1 ? logs_.begin()->second : "";
  }

 private:
  mutable base::Mutex mutex_;
  std::map<std::string, std::string> logs_ GUARDED_BY(mutex_);
};

class OneLine final : public base::http::BodyStream {
 public:
  int status() const override { return 200; }
  const base::http::Headers& headers() const override { return headers_; }
  base::Result<std::optional<std::string>> read() override {
    return std::exchange(line_, std::nullopt);
  }
  void cancel() override {}

 private:
  std::optional<std::string> line_ = "2026-11-21T00:00:00Z hello\n";
  const base::http::Headers headers_;
};

struct Replica {
  Replica(tests::MemoryApi& api, base::Clock& clock)
      : ledger(
            monitor::Ledger::open({.path = (folder.path() / "ledger.db").string()}, clock).value()),
        controllers(api, events, *ledger, clock, options()) {}

  ControllersOptions options() {
    ControllersOptions made;
    made.keeping.emplace(
        ControllersOptions::Keeping{.ledger = *ledger,
                                    .logs = logs,
                                    .fetch = [](const kube::ObjectKey&, const kube::LogOptions&)
                                        -> base::Result<std::unique_ptr<base::http::BodyStream>> {
                                      return std::make_unique<OneLine>();
                                    }});
    return made;
  }
  std::string states() const {
    std::string all;
    const auto history = ledger->history({.ns = "etl"});
    if (history)
      for (const runner::RunRecord& run : history->runs)
        all += run.name + " " + run.state + ";";
    return all;
  }

  tests::Folder folder;
  tests::MemoryEvents events;
  MemoryLogs logs;
  std::unique_ptr<monitor::Ledger> ledger;
  Controllers controllers;
};

Json run(const std::string& state) {
  Json object = Json::parse(R"({"apiVersion": "sparkoperator.k8s.io/v1beta2",
    "kind": "SparkApplication", "metadata": {"namespace": "etl", "name": "nightly-1",
    "ownerReferences": [{"kind": "ScheduledSparkApplication", "name": "nightly", "uid": "s1",
      "apiVersion": "sparkoperator.k8s.io/v1beta2", "controller": true}]},
    "spec": {"type": "Python", "mode": "cluster", "sparkVersion": "4.0.1"},
    "status": {"executionAttempts": 1, "terminationTime": "2026-11-21T00:01:00Z"}})");
  object["status"]["applicationState"]["state"] = state;
  return object;
}

Json driver() {
  return Json::parse(R"({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "etl",
    "name": "nightly-1-driver", "labels": {"spark-role": "driver",
      "sparkoperator.k8s.io/launched-by-spark-operator": "true",
      "sparkoperator.k8s.io/app-name": "nightly-1"}},
    "status": {"phase": "Succeeded"}})");
}

TEST_CASE("a replica that waits records what the API shows and loses nothing when it takes over") {
  base::set_log_level(base::LogLevel::Off);
  tests::FakeClock clock;
  tests::MemoryApi api(clock);
  Replica standby(api, clock);
  standby.controllers.follow();
  {
    Replica leader(api, clock);
    leader.controllers.start();
    REQUIRE(
        tests::await([&] { return leader.controllers.ready() && standby.controllers.ready(); }));
    REQUIRE(api.create(config::spark_applications(), run("COMPLETED")));
    REQUIRE(tests::await([&] { return standby.states() == "nightly-1 COMPLETED;"; }));
    REQUIRE(tests::await([&] { return leader.states() == "nightly-1 COMPLETED;"; }));
    REQUIRE(api.remove(config::spark_applications(), kRun, {}));
    leader.controllers.stop();
  }
  standby.controllers.start();
  REQUIRE(tests::await([&] { return standby.controllers.ready(); }));
  CHECK(standby.states() == "nightly-1 COMPLETED;");
  CHECK(standby.ledger->totals().value() == runner::RunCounts{.started = 1, .succeeded = 1});
  CHECK(standby.events.all().empty());
  standby.controllers.stop();
}

TEST_CASE("every replica keeps the log of a driver that has ended") {
  base::set_log_level(base::LogLevel::Off);
  tests::FakeClock clock;
  tests::MemoryApi api(clock);
  Replica standby(api, clock);
  Replica leader(api, clock);
  standby.controllers.follow();
  leader.controllers.start();
  REQUIRE(api.create(kube::pods(), driver()));
  for (const Replica* replica : {&standby, &leader})
    CHECK(tests::await(
        [&] { return replica->logs.only() == "etl/nightly-1: 2026-11-21T00:00:00Z hello\n"; }));
  // It is counted a moment after it is there.
  CHECK(tests::await([&] { return leader.controllers.logs().kept == 1; }));
  CHECK(leader.controllers.logs().lost == 0);
  standby.controllers.stop();
  leader.controllers.stop();
}

TEST_CASE("a ledger that was lost is filled again on a replica that waits, too") {
  base::set_log_level(base::LogLevel::Off);
  tests::FakeClock clock;
  tests::MemoryApi api(clock);
  REQUIRE(api.create(config::spark_applications(), run("COMPLETED")));
  Replica standby(api, clock);
  standby.controllers.follow();
  REQUIRE(tests::await([&] { return !standby.states().empty(); }));
  for (const char* end : {"", "-wal", "-shm"})
    std::filesystem::remove(standby.folder.path() / ("ledger.db" + std::string(end)));
  runner::RunRecord other;
  other.name = "other";
  other.uid = "o";
  REQUIRE(standby.ledger->record_run(other));  // a write finds out
  CHECK(standby.states().find("nightly-1") == std::string::npos);
  standby.controllers.look_again();
  CHECK(tests::await(
      [&] { return standby.states().find("nightly-1 COMPLETED;") != std::string::npos; }));
  standby.controllers.stop();
}

}  // namespace
}  // namespace sparkcron
