#include "monitor/run_observer.h"

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/names.h"
#include "tests/support/catch.h"
#include "tests/unit/monitor/ledger_fixture.h"

using kube::Json;
using monitor::RunObserver;
using runner::RunCounts;
using tests::kSchedule;
using tests::kScheduleUid;

namespace {

class MapCache final : public kube::Cache {
 public:
  std::shared_ptr<const Json> get(const kube::ResourceType& type,
                                  const kube::ObjectKey& key) const override {
    const auto found = objects.find({type.plural, key});
    return found == objects.end() ? nullptr : found->second;
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

  std::map<std::pair<std::string, kube::ObjectKey>, std::shared_ptr<const Json>> objects;
};

constexpr const char* kRun = "nightly-20261120t000000z";

struct Bed : tests::LedgerFixture {
  std::unique_ptr<monitor::Ledger> ledger = open();
  MapCache cache;
  RunObserver observer{cache, *ledger};

  std::shared_ptr<const Json> show_run(const std::string& state, const std::string& uid = "u1") {
    Json run = Json::parse(R"({"metadata": {"namespace": "etl",
      "creationTimestamp": "2026-11-20T00:00:00Z",
      "annotations": {"sparkoperator.k8s.io/scheduled-time": "2026-11-20T00:00:00Z"},
      "ownerReferences": [{"kind": "ScheduledSparkApplication", "name": "nightly",
        "apiVersion": "sparkoperator.k8s.io/v1beta2", "uid": "schedule-uid", "controller": true}]}})");
    run["metadata"]["name"] = kRun;
    run["metadata"]["uid"] = uid;
    run["status"]["applicationState"]["state"] = state;
    run["status"]["executionAttempts"] = 1;
    if (state == "COMPLETED") run["status"]["terminationTime"] = "2026-11-20T00:01:00Z";
    auto shown = std::make_shared<const Json>(std::move(run));
    cache.objects[{"sparkapplications", {"etl", kRun}}] = shown;
    return shown;
  }
  void hide_run() { cache.objects.erase({"sparkapplications", {"etl", kRun}}); }
  void show_schedule(const std::string& recent) {
    Json schedule = {
        {"metadata", {{"namespace", "etl"}, {"name", "nightly"}, {"uid", kScheduleUid}}}};
    schedule["status"]["recentRuns"] = Json::parse(recent);
    cache.objects[{"scheduledsparkapplications", kSchedule}] =
        std::make_shared<const Json>(std::move(schedule));
  }
  void observe(const kube::ObjectKey& key) { REQUIRE(observer.reconcile(key)); }
  std::vector<runner::RunRecord> runs() {
    const auto history = ledger->history({.ns = "etl"});
    REQUIRE(history);
    return history->runs;
  }
};

constexpr const char* kRecent = R"([
  {"slot": "2026-11-20T03:00:00Z", "name": "nightly-20261120t030000z", "outcome": "Running",
   "started": "2026-11-20T03:00:00Z"},
  {"slot": "2026-11-20T01:00:00Z", "until": "2026-11-20T02:00:00Z", "count": 2,
   "outcome": "Skipped", "reason": "Superseded"},
  {"slot": "2026-11-20T00:00:00Z", "name": "nightly-20261120t000000z", "outcome": "Succeeded",
   "started": "2026-11-20T00:00:00Z", "ended": "2026-11-20T00:01:00Z"},
  {"slot": "2026-11-19T12:00:00Z", "name": "nightly-manual-20261119t120000z", "outcome": "Failed",
   "reason": "no space", "started": "2026-11-19T12:00:00Z", "ended": "2026-11-19T12:02:00Z"}])";

}  // namespace

TEST_CASE("what the API shows of a run is recorded without acting on it", "[monitor]") {
  Bed bed;
  const kube::ObjectKey key{"etl", kRun};
  bed.observe(key);  // not there: nothing
  CHECK(bed.runs().empty());
  bed.show_run("RUNNING");
  bed.observe(key);
  bed.show_run("COMPLETED");
  bed.observe(key);
  bed.observe(key);
  REQUIRE(bed.runs().size() == 1);
  CHECK(bed.runs()[0].uid == "u1");
  CHECK(bed.runs()[0].state == "COMPLETED");
  CHECK(bed.runs()[0].ended.has_value());
  CHECK(tests::counts(*bed.ledger) == RunCounts{.started = 1, .succeeded = 1});
}

TEST_CASE("the last that was seen of a deleted run is recorded", "[monitor]") {
  Bed bed;
  const kube::ObjectKey key{"etl", kRun};
  const auto first = bed.show_run("COMPLETED", "u1");
  bed.observer.seen(*first);  // still there
  CHECK(bed.observer.waiting() == 0);
  bed.show_run("RUNNING", "u2");  // a namesake has its place already
  bed.observer.seen(*first);
  bed.observe(key);
  CHECK(bed.observer.waiting() == 0);
  CHECK(bed.runs().size() == 2);
  CHECK(tests::counts(*bed.ledger) == RunCounts{.started = 2, .succeeded = 1});
}

TEST_CASE("an outcome waits for a disk that does not take it, in bounded number", "[monitor]") {
  Bed bed;
  const auto run = bed.show_run("COMPLETED");
  bed.hide_run();
  bed.observer.seen(*run);
  CHECK(bed.observer.waiting() == 1);
  bed.ledger.reset();
  const auto path = bed.folder.file("ledger.db");
  for (const char* end : {"", "-wal", "-shm"})
    std::filesystem::remove(path + end);
  std::filesystem::create_directory(path);
  CHECK_FALSE(monitor::Ledger::open({.path = path}, bed.clock).has_value());
  std::filesystem::remove(path);
  bed.ledger = bed.open();
  RunObserver observer(bed.cache, *bed.ledger);
  for (size_t i = 0; i < RunObserver::kMaxGone + 5; ++i)
    observer.seen(*run);
  CHECK(observer.waiting() == RunObserver::kMaxGone);
  CHECK(observer.reconcile({"etl", kRun}));
  CHECK(observer.waiting() == 0);
  CHECK(tests::counts(*bed.ledger) == RunCounts{.started = 1, .succeeded = 1});
}

TEST_CASE("a lost ledger is seeded from the status of schedules, counted once", "[monitor]") {
  Bed bed;
  bed.show_schedule(kRecent);
  SECTION("runs that are gone, and skipped stretches") {
    bed.observe(kSchedule);
    const auto history = bed.ledger->history({.ns = "etl", .schedule = "nightly"});
    REQUIRE(history);
    REQUIRE(history->runs.size() == 2);
    CHECK(history->runs[0].name == kRun);
    CHECK(history->runs[0].state == "COMPLETED");
    CHECK_FALSE(history->runs[0].manual);
    CHECK(history->runs[1].state == "FAILED");
    CHECK(history->runs[1].message == "no space");
    CHECK(history->runs[1].manual);
    REQUIRE(history->skips.size() == 1);
    CHECK(history->skips[0].count == 2);
    CHECK(history->skips[0].reason == "Superseded");
    const RunCounts all{.started = 2, .succeeded = 1, .failed = 1, .skipped = 2};
    CHECK(tests::counts(*bed.ledger) == all);
    // Again, and after a restart.
    bed.observe(kSchedule);
    RunObserver restarted(bed.cache, *bed.ledger);
    REQUIRE(restarted.reconcile(kSchedule));
    CHECK(tests::counts(*bed.ledger) == all);
    // What the schedule has counted in its life is more than it tells run by run.
    const RunCounts floor{.started = 9, .succeeded = 7, .failed = 2, .skipped = 4};
    CHECK(tests::counts(*bed.ledger, floor) == floor);
  }
  SECTION("not what still tells for itself") {
    bed.show_run("COMPLETED");
    bed.observe(kSchedule);
    CHECK(bed.runs().size() == 1);
    bed.observe({"etl", kRun});
    REQUIRE(bed.runs().size() == 2);
    CHECK(bed.runs()[0].uid == "u1");
    CHECK(tests::counts(*bed.ledger).started == 2);
  }
  SECTION("a run's own record takes the place of what its schedule told") {
    bed.observe(kSchedule);
    bed.show_run("COMPLETED");
    bed.observe({"etl", kRun});
    REQUIRE(bed.runs().size() == 2);
    CHECK(bed.runs()[0].uid == "u1");
    CHECK(bed.runs()[0].attempts == 1);
    CHECK(tests::counts(*bed.ledger) ==
          RunCounts{.started = 2, .succeeded = 1, .failed = 1, .skipped = 2});
  }
  SECTION("once more when the ledger's file was lost") {
    bed.observe(kSchedule);
    for (const char* end : {"", "-wal", "-shm"})
      std::filesystem::remove(bed.folder.file("ledger.db") + end);
    bed.show_run("COMPLETED");
    bed.observe({"etl", kRun});  // a write finds out
    CHECK(bed.runs().size() == 1);
    bed.observer.look_again();
    bed.observe(kSchedule);
    CHECK(bed.runs().size() == 2);
  }
}

TEST_CASE("a status that nobody of ours wrote seeds nothing", "[monitor]") {
  for (const char* recent :
       {R"({"a": 1})", R"([1, null, {}, {"outcome": "Skipped"}, {"name": "x", "outcome": "Failed"},
         {"name": "x", "outcome": "Odd", "started": "2026-11-20T00:00:00Z",
          "ended": "2026-11-20T00:00:00Z"},
         {"outcome": "Failed", "started": "2026-11-20T00:00:00Z",
          "ended": "2026-11-20T00:00:00Z"}])"}) {
    Bed bed;
    bed.show_schedule(recent);
    bed.observe(kSchedule);
    CHECK(bed.runs().empty());
    CHECK(tests::counts(*bed.ledger) == RunCounts{});
  }
}
