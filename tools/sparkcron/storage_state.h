#pragma once

// What /readyz and /metrics say of the files that the service keeps.
//
// Threads: the checks and readings from any thread; everything passed in outlives them.

#include <string>
#include <vector>

#include "monitor/health.h"
#include "monitor/ledger.h"
#include "monitor/log_archive.h"
#include "monitor/metrics.h"
#include "tools/sparkcron/options.h"

namespace sparkcron {

// The ledger of this data folder, as the command line wants it.
monitor::LedgerOptions ledger_options(const std::string& data_dir, const Options& options);

// "ledger" (ready): the last write to it succeeded. A warning: "ledger-file", the file was damaged
// or removed since the start.
void add_ledger_checks(monitor::Health& health, const monitor::Ledger& ledger);
// A warning: "disk-space", little is left where the data is.
void add_disk_check(monitor::Health& health, const std::string& data_dir);

// sparkcron_ledger_corruptions_total and others. `archive` may be null.
std::vector<monitor::Reading> ledger_readings(const monitor::Ledger& ledger,
                                              const monitor::LogArchive* archive);
// sparkcron_data_free_bytes.
std::vector<monitor::Reading> disk_readings(const std::string& data_dir);

}  // namespace sparkcron
