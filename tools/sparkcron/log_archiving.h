#pragma once

// Where a controller on a cluster keeps drivers' logs: in the data folder, or in the bucket that
// the command line names.
//
// Threads: main only; the store is used from any.

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "monitor/log_archive.h"
#include "monitor/log_bucket.h"
#include "monitor/log_collector.h"
#include "monitor/metrics.h"
#include "tools/sparkcron/options.h"

namespace sparkcron {

struct LogStores {
  std::unique_ptr<monitor::LogArchive> volume;
  std::unique_ptr<monitor::LogBucket> bucket;  // null: the volume is all

  [[nodiscard]] monitor::LogStore& first() const;
  // Where a log waits while the bucket fails; null without a bucket.
  [[nodiscard]] monitor::LogStore* second() const { return bucket ? volume.get() : nullptr; }
};

// InvalidArgument says which option or variable is missing or wrong, never what it holds.
base::Result<LogStores> open_log_stores(const Options& options, const std::string& data_dir,
                                        base::Clock& clock);

// sparkcron_logs_kept_total and sparkcron_logs_lost_total, wherever logs are kept.
monitor::Reading kept_logs_reading(uint64_t count);
monitor::Reading lost_logs_reading(uint64_t count);
// These and others.
std::vector<monitor::Reading> log_readings(const monitor::LogCollectorNumbers& numbers);

}  // namespace sparkcron
