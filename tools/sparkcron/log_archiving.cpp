#include "tools/sparkcron/log_archiving.h"

#include <cstdlib>
#include <string>
#include <tuple>
#include <utility>

#include "base/files.h"

namespace sparkcron {
namespace {

using base::Code;
using base::failure;
using monitor::BucketCredentials;
using monitor::Reading;

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

base::Result<BucketCredentials> from_environment() {
  BucketCredentials found{.key_id = variable("AWS_ACCESS_KEY_ID"),
                          .secret = variable("AWS_SECRET_ACCESS_KEY"),
                          .session_token = variable("AWS_SESSION_TOKEN")};
  if (found.key_id.empty() || found.secret.empty())
    return failure(Code::InvalidArgument,
                   "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set; or give "
                   "--log-archive-credentials-file");
  return found;
}

base::Result<BucketCredentials> from_file(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, base::read_file(path, size_t{64} << 10));
  auto found = monitor::parse_credentials(text);
  if (!found) return failure(found.error().with_context(path));
  return found;
}

base::Result<std::unique_ptr<monitor::Bucket>> open_bucket(const Options& options) {
  monitor::BucketOptions bucket;
  ASSIGN_OR_RETURN(std::tie(bucket.bucket, bucket.prefix),
                   monitor::parse_bucket_url(options.log_archive));
  bucket.region = options.log_archive_region;
  if (bucket.region.empty()) bucket.region = variable("AWS_REGION");
  if (bucket.region.empty()) bucket.region = "us-east-1";
  bucket.endpoint = options.log_archive_endpoint.empty()
                        ? "https://s3." + bucket.region + ".amazonaws.com"
                        : options.log_archive_endpoint;
  while (bucket.endpoint.ends_with("/"))
    bucket.endpoint.pop_back();
  if (!bucket.endpoint.starts_with("https://") && !bucket.endpoint.starts_with("http://"))
    return failure(Code::InvalidArgument, "--log-archive-endpoint " + options.log_archive_endpoint +
                                              ": http://… or https://… expected");
  if (options.log_archive_credentials.empty())
    bucket.credentials = from_environment;
  else
    bucket.credentials = [path = options.log_archive_credentials] { return from_file(path); };
  RETURN_IF_ERROR(bucket.credentials());
  return std::make_unique<monitor::Bucket>(std::move(bucket));
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

std::vector<Reading> log_readings(const monitor::LogCollectorNumbers& numbers) {
  return {{.name = "sparkcron_logs_kept_total",
           .help = "Drivers' logs that were kept before their pods went",
           .kind = Reading::Kind::Counter,
           .value = static_cast<double>(numbers.kept)},
          {.name = "sparkcron_logs_lost_total",
           .help = "Drivers whose pods went before their logs were kept",
           .kind = Reading::Kind::Counter,
           .value = static_cast<double>(numbers.lost)},
          {.name = "sparkcron_log_store_failures_total",
           .help = "Logs that the volume or the bucket did not take; each is tried again",
           .kind = Reading::Kind::Counter,
           .value = static_cast<double>(numbers.failures)},
          {.name = "sparkcron_logs_waiting",
           .help = "Drivers that have ended and whose logs are still to be kept",
           .value = static_cast<double>(numbers.waiting)}};
}

}  // namespace sparkcron
