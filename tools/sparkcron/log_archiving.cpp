#include "tools/sparkcron/log_archiving.h"

#include <cstdlib>
#include <string>
#include <utility>

#include "base/s3/place.h"

namespace sparkcron {
namespace {

using base::failure;
using monitor::Reading;

base::Result<std::unique_ptr<monitor::LogBucket>> open_bucket(const Options& options) {
  ASSIGN_OR_RETURN(auto resolved,
                   base::s3::resolve({.option = "--log-archive",
                                      .url = options.log_archive,
                                      .endpoint = options.log_archive_endpoint,
                                      .region = options.log_archive_region,
                                      .credentials_file = options.log_archive_credentials},
                                     [](const char* name) {
                                       const char* value = std::getenv(name);
                                       return std::string(value == nullptr ? "" : value);
                                     }));
  return std::make_unique<monitor::LogBucket>(std::move(resolved.bucket),
                                              std::move(resolved.prefix));
}

}  // namespace

monitor::LogStore& LogStores::first() const {
  if (bucket) return *bucket;
  return *volume;
}

base::Result<LogStores> open_log_stores(const Options& options, const std::string& data_dir,
                                        base::Clock& clock) {
  LogStores stores;
  ASSIGN_OR_RETURN(stores.volume, monitor::LogArchive::open({.root = data_dir + "/logs"}, clock));
  if (options.log_archive.empty()) return stores;
  auto bucket = open_bucket(options);
  if (!bucket) return failure(bucket.error().with_context("--log-archive"));
  stores.bucket = *std::move(bucket);
  return stores;
}

Reading kept_logs_reading(uint64_t count) {
  return {.name = "sparkcron_logs_kept_total",
          .help = "Drivers' logs that were kept before their pods went",
          .kind = Reading::Kind::Counter,
          .value = static_cast<double>(count)};
}

Reading lost_logs_reading(uint64_t count) {
  return {.name = "sparkcron_logs_lost_total",
          .help = "Drivers whose pods went before their logs were kept",
          .kind = Reading::Kind::Counter,
          .value = static_cast<double>(count)};
}

std::vector<Reading> log_readings(const monitor::LogCollectorNumbers& numbers) {
  return {kept_logs_reading(numbers.kept),
          lost_logs_reading(numbers.lost),
          {.name = "sparkcron_log_store_failures_total",
           .help = "Logs that the volume or the bucket did not take; each is tried again",
           .kind = Reading::Kind::Counter,
           .value = static_cast<double>(numbers.failures)},
          {.name = "sparkcron_logs_waiting",
           .help = "Drivers that have ended and whose logs are still to be kept",
           .value = static_cast<double>(numbers.waiting)}};
}

}  // namespace sparkcron
