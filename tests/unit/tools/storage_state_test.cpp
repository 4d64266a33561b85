#include "tools/sparkcron/storage_state.h"

#include <filesystem>
#include <memory>
#include <string>

#include "base/http/server.h"
#include "base/log.h"
#include "tests/support/catch.h"
#include "tests/support/folder.h"
#include "tests/support/metric.h"
#include "tests/unit/monitor/metric_names.h"
#include "tests/unit/monitor/recording_responder.h"

namespace sparkcron {
namespace {

struct Bed {
  Bed() {
    base::set_log_level(base::LogLevel::Off);
    auto opened =
        monitor::Ledger::open(ledger_options(folder.path().string(), {}), base::real_clock());
    REQUIRE(opened);
    ledger = std::move(*opened);
    auto logs = monitor::LogArchive::open({.root = folder.path() / "logs"}, base::real_clock());
    REQUIRE(logs);
    archive = std::move(*logs);
    add_ledger_checks(health, *ledger);
    add_disk_check(health, folder.path().string());
  }
  [[nodiscard]] base::Status record(const std::string& uid) const {
    runner::RunRecord run;
    run.name = uid;
    run.uid = uid;
    return ledger->record_run(run);
  }
  [[nodiscard]] base::http::Response ready() const {
    return tests::ask(health.handler(), "/readyz", {{"verbose", ""}});
  }

  tests::Folder folder;
  std::unique_ptr<monitor::Ledger> ledger;
  std::unique_ptr<monitor::LogArchive> archive;
  monitor::Health health;
  monitor::Metrics metrics{
      {.readings = {[this] { return ledger_readings(*ledger, archive.get()); },
                    [this] { return disk_readings(folder.path().string()); }}}};
};

TEST_CASE("a ledger whose file vanished is a warning, not a failure") {
  const Bed bed;
  REQUIRE(bed.record("u1"));
  CHECK(bed.ready().status == 200);
  CHECK_THAT(bed.ready().body, Catch::Contains("[+]ledger ok\n[+]ledger-file ok\n"));
  CHECK(tests::metric(bed.metrics, "sparkcron_ledger_vanished_total") == 0);
  std::filesystem::remove(bed.folder.path() / "ledger.db");
  REQUIRE(bed.record("u2"));
  const auto answer = bed.ready();
  CHECK(answer.status == 200);
  CHECK_THAT(answer.body, Catch::Contains("[+]ledger ok\n"));
  CHECK_THAT(answer.body, Catch::Contains("ledger-file"));
  CHECK_THAT(answer.body, !Catch::Contains("[+]ledger-file ok"));
  CHECK(tests::metric(bed.metrics, "sparkcron_ledger_vanished_total") == 1);
  CHECK(tests::metric(bed.metrics, "sparkcron_ledger_corruptions_total") == 0);
  CHECK(tests::metric(bed.metrics, "sparkcron_ledger_writable") == 1);
}

TEST_CASE("a ledger that cannot be written is not ready until it can") {
  const Bed bed;
  REQUIRE(bed.record("u1"));
  const auto file = bed.folder.path() / "ledger.db";
  // A folder stands where the file is to be.
  std::filesystem::rename(file, bed.folder.path() / "aside");
  std::filesystem::create_directory(file);
  CHECK_FALSE(bed.record("u2"));
  CHECK(bed.ready().status == 500);
  CHECK_THAT(bed.ready().body, Catch::Contains("[-]ledger failed: reason withheld\n"));
  CHECK(tests::metric(bed.metrics, "sparkcron_ledger_writable") == 0);
  bed.ledger->try_write();
  CHECK(bed.ready().status == 500);
  std::filesystem::remove(file);
  SECTION("with the next write") {
    CHECK(bed.record("u2"));
  }
  SECTION("or without any, when it is tried") {
    CHECK(bed.ready().status == 500);
    bed.ledger->try_write();
  }
  CHECK(bed.ready().status == 200);
  CHECK(tests::metric(bed.metrics, "sparkcron_ledger_writable") == 1);
}

TEST_CASE("what is said of files is documented") {
  const Bed bed;
  CHECK(tests::metric(bed.metrics, "sparkcron_archived_logs_bytes") == 0);
  CHECK(tests::metric(bed.metrics, "sparkcron_data_free_bytes").value_or(0) > 0);
  CHECK(tests::undocumented_metrics(SPARKCRON_SOURCE_DIR, bed.metrics.text()) ==
        std::vector<std::string>{});
}

}  // namespace
}  // namespace sparkcron
