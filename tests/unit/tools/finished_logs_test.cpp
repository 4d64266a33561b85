#include "tools/sparkcron/finished_logs.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/log.h"
#include "config/names.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/folder.h"
#include "tests/support/memory_api.h"

namespace sparkcron {
namespace {

using nlohmann::json;

json pod_of(const std::string& role) {
  return {{"metadata",
           {{"namespace", "etl"},
            {"name", "nightly-1-" + role},
            {"uid", "pod-1"},
            {"ownerReferences",
             {{{"kind", "SparkApplication"},
               {"name", "nightly-1"},
               {"uid", "run-1"},
               {"controller", true}}}},
            {"labels",
             {{config::kSparkRoleLabel, role},
              {config::kAppNameLabel, "nightly-1"},
              {config::kScheduledAppNameLabel, "nightly"}}}}}};
}

struct Bed {
  Bed() {
    base::set_log_level(base::LogLevel::Off);
    std::ofstream(file) << "2026-11-21 a line\n";
    logs = std::make_unique<FinishedLogs>(*archive);
  }
  void keep(const std::string& role) {
    logs->keep(pod_of(role), "spark-kubernetes-driver", {.files = {file}}, events);
  }
  std::map<std::string, double> numbers() const {
    std::map<std::string, double> numbers;
    for (const monitor::Reading& reading : logs->readings())
      numbers[reading.name] = reading.value;
    return numbers;
  }

  tests::Folder folder;
  std::filesystem::path file = folder.path() / "stdout";
  tests::FakeClock clock;
  std::filesystem::path root = folder.path() / "logs";
  std::unique_ptr<monitor::LogArchive> archive =
      monitor::LogArchive::open({.root = root}, clock).value();
  tests::MemoryEvents events;
  std::unique_ptr<FinishedLogs> logs;
};

using Numbers = std::map<std::string, double>;

TEST_CASE("a driver's log is kept when its pod goes, an executor's is not") {
  Bed bed;
  bed.keep("executor");
  CHECK(bed.numbers() ==
        Numbers{{"sparkcron_logs_kept_total", 0}, {"sparkcron_logs_lost_total", 0}});
  CHECK_FALSE(bed.archive->open_run({.run = {"etl", "nightly-1"}}, {}));
  bed.keep("driver");
  CHECK(bed.numbers() ==
        Numbers{{"sparkcron_logs_kept_total", 1}, {"sparkcron_logs_lost_total", 0}});
  CHECK(bed.archive->open_run({.run = {"etl", "nightly-1"}}, {}));
  CHECK(bed.events.all().empty());
}

TEST_CASE("a driver's log that could not be kept is told by an event and counted") {
  Bed bed;
  // A file in the place of the archive's folder: nothing can be put there, whoever tries.
  std::filesystem::remove_all(bed.root);
  std::ofstream(bed.root) << "";
  bed.keep("driver");
  REQUIRE(bed.events.all().size() == 1);
  CHECK_THAT(bed.events.all().front(),
             Catch::StartsWith("LogLost: The driver's log went with its pod: ") &&
                 Catch::Contains(bed.root.string()));
  CHECK(bed.numbers() ==
        Numbers{{"sparkcron_logs_kept_total", 0}, {"sparkcron_logs_lost_total", 1}});
}

}  // namespace
}  // namespace sparkcron
