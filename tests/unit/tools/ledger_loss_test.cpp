#include "tools/sparkcron/ledger_loss.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "config/names.h"
#include "monitor/ledger.h"
#include "tests/support/await.h"
#include "tests/support/catch.h"
#include "tests/support/folder.h"
#include "tests/support/memory_api.h"

namespace sparkcron {
namespace {

// Counts the rounds of the one schedule that there is: its spec cannot be read, so each tells why.
struct Rounds final : runner::Telemetry {
  void application_changed(const runner::ApplicationReport&, std::string_view) override {}
  void application_gone(const std::string&) override {}
  void executor_changed(const runner::ExecutorReport&, std::string_view) override {}
  void executor_gone(const std::string&) override {}
  void schedule_decided(const runner::ScheduleReport&) override {}
  void schedule_gone(const kube::ObjectKey&) override {}
  void schedule_ready(const kube::ObjectKey&, std::string_view) override { ++count; }
  void slot_started(const kube::ObjectKey&, std::chrono::milliseconds) override {}
  void slots_skipped(const kube::ObjectKey&, std::string_view, uint64_t) override {}

  std::atomic<int> count{0};
};

// What a controller's events regard.
const nlohmann::json kLease = {{"apiVersion", "coordination.k8s.io/v1"},
                               {"kind", "Lease"},
                               {"metadata", {{"namespace", "ops"}, {"name", "sparkcron"}}}};

TEST_CASE("a ledger that was lost is said in an event, and everything is looked at again") {
  base::set_log_level(base::LogLevel::Off);
  const tests::Folder folder;
  const std::string path = (folder.path() / "ledger.db").string();
  LedgerLoss loss;
  const auto ledger = monitor::Ledger::open(
      {.path = path, .on_begun_anew = [&loss](const std::string& what) { loss.told(what); }},
      base::real_clock());
  REQUIRE(ledger);
  tests::MemoryApi api;
  tests::MemoryEvents events;
  Rounds rounds;
  ControllersOptions options;
  options.telemetry = &rounds;
  Controllers controllers(api, events, **ledger, base::real_clock(), options);
  const auto created = api.create(config::scheduled_spark_applications(),
                                  {{"apiVersion", "sparkoperator.k8s.io/v1beta2"},
                                   {"kind", "ScheduledSparkApplication"},
                                   {"metadata", {{"namespace", "etl"}, {"name", "nightly"}}},
                                   {"spec", {{"schedule", "no cron"}}}});
  REQUIRE(created);
  loss.follow(controllers);
  loss.say_by(events, kLease);
  controllers.start();
  // Its status is written and has been seen: nothing is left to do.
  REQUIRE(tests::await([&] { return rounds.count >= 2; }));
  const int before = rounds.count;
  const auto lose = [&](const std::string& uid) {
    std::filesystem::remove(path);
    runner::RunRecord run;
    run.name = uid;
    run.uid = uid;
    REQUIRE((*ledger)->record_run(run));
  };
  const auto told = [&] {
    std::vector<std::string> of_ledger;
    for (const std::string& event : events.all())
      if (event.starts_with("LedgerBegunAnew: ")) of_ledger.push_back(event);
    return of_ledger;
  };
  lose("u1");
  CHECK(told() == std::vector<std::string>{
                      "LedgerBegunAnew: the ledger's file " + path +
                      " was removed or replaced while in use; it goes on with what is there now"});
  CHECK(tests::await([&] { return rounds.count > before; }));
  loss.stop();
  controllers.stop();
  lose("u2");
  CHECK((*ledger)->condition().vanished == 2);
  CHECK(told().size() == 1);
}

TEST_CASE("a ledger that was found damaged at the start is said when events can be recorded") {
  base::set_log_level(base::LogLevel::Off);
  const tests::Folder folder;
  const std::string path = (folder.path() / "ledger.db").string();
  std::ofstream(path) << std::string(5'000, 'x');
  LedgerLoss loss;
  const auto ledger = monitor::Ledger::open(
      {.path = path, .on_begun_anew = [&loss](const std::string& what) { loss.told(what); }},
      base::real_clock());
  REQUIRE(ledger);
  tests::MemoryEvents events;
  std::vector<nlohmann::json> regarded;
  events.on_record = [&](const nlohmann::json& regarding) { regarded.push_back(regarding); };
  loss.say_by(events, kLease);
  REQUIRE(events.all().size() == 1);
  CHECK_THAT(events.all().front(), Catch::StartsWith("LedgerBegunAnew: the ledger was damaged (") &&
                                       Catch::Contains("was set aside as " + path + ".corrupt-"));
  CHECK(regarded == std::vector<nlohmann::json>{kLease});
}

}  // namespace
}  // namespace sparkcron
