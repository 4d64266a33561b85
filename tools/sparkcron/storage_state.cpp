#include "tools/sparkcron/storage_state.h"

#include "monitor/disk_space.h"

namespace sparkcron {

using base::Code;
using base::failure;
using monitor::HealthKind;
using monitor::Reading;

monitor::LedgerOptions ledger_options(const std::string& data_dir, const Options& options) {
  monitor::LedgerOptions ledger{.path = data_dir + "/ledger.db"};
  ledger.keep.max_runs = static_cast<size_t>(options.history_runs);
  ledger.keep.max_skips = ledger.keep.max_runs;
  return ledger;
}

void add_ledger_checks(monitor::Health& health, const monitor::Ledger& ledger) {
  health.add("ledger", HealthKind::Ready, [&ledger] { return ledger.condition().last_write; });
  health.add("ledger-file", HealthKind::Warning, [&ledger]() -> base::Status {
    const monitor::LedgerCondition condition = ledger.condition();
    if (condition.corruptions == 0 && condition.vanished == 0) return {};
    return failure(Code::Corrupt, "since the start the ledger was set aside as damaged " +
                                      std::to_string(condition.corruptions) +
                                      " times and its file vanished " +
                                      std::to_string(condition.vanished) + " times");
  });
}

void add_disk_check(monitor::Health& health, const std::string& data_dir) {
  health.add("disk-space", HealthKind::Warning, [data_dir]() -> base::Status {
    ASSIGN_OR_RETURN(const monitor::DiskSpace space, monitor::disk_space_at(data_dir));
    return monitor::check_disk_space(space);
  });
}

std::vector<Reading> ledger_readings(const monitor::Ledger& ledger,
                                     const monitor::LogArchive* archive) {
  const monitor::LedgerCondition condition = ledger.condition();
  std::vector<Reading> readings = {
      {.name = "sparkcron_ledger_corruptions_total",
       .help = "Damaged ledger files that were set aside",
       .kind = Reading::Kind::Counter,
       .value = static_cast<double>(condition.corruptions)},
      {.name = "sparkcron_ledger_vanished_total",
       .help = "Ledger files that were removed or replaced while in use",
       .kind = Reading::Kind::Counter,
       .value = static_cast<double>(condition.vanished)},
      {.name = "sparkcron_ledger_writable",
       .help = "1 if the last write to the ledger succeeded",
       .value = condition.last_write ? 1.0 : 0.0},
      {.name = "sparkcron_ledger_bytes",
       .help = "Size of the ledger's file and of its write-ahead log",
       .value = static_cast<double>(ledger.file_bytes())}};
  if (archive != nullptr)
    readings.push_back({.name = "sparkcron_archived_logs_bytes",
                        .help = "Size of the logs of ended runs",
                        .value = static_cast<double>(archive->total_bytes())});
  return readings;
}

std::vector<Reading> disk_readings(const std::string& data_dir) {
  // As for /readyz: one call of the system, which waits for no disk.
  const auto space = monitor::disk_space_at(data_dir);
  if (!space) return {};
  return {{.name = "sparkcron_data_free_bytes",
           .help = "Free bytes on the disk of the data folder",
           .value = static_cast<double>(space->free_bytes)}};
}

}  // namespace sparkcron
