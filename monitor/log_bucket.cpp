#include "monitor/log_bucket.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace monitor {

using base::Code;
using base::failure;
using base::Result;
using base::Status;

namespace {

// Of listings, a thousand keys each: a run has a few.
constexpr int kMaxPages = 10;

std::string file_of(const std::string& key) {
  return key.substr(key.rfind('/') + 1);
}

}  // namespace

LogBucket::LogBucket(base::s3::BucketOptions options, std::string prefix)
    : bucket_(std::move(options)), prefix_(prefix.empty() ? "" : std::move(prefix) + "/") {}

std::string LogBucket::key_of(const KeptLog& log) const {
  std::string key = prefix_;
  for (const std::string* part :
       {&log.run.ns, &log.run.name, &log.run_uid, &log.pod.name, &log.pod_uid})
    key += *part + "/";
  return key + log_file_name(log.container, log.attempt);
}

Result<bool> LogBucket::has(const KeptLog& log) {
  return bucket_.has(key_of(log));
}

Status LogBucket::put(const KeptLog& log, const std::string& packed) {
  return bucket_.put(key_of(log), packed);
}

Result<std::string> LogBucket::get(const WantedLog& wanted) {
  const std::string prefix = prefix_ + wanted.run.ns + "/" + wanted.run.name + "/";
  std::vector<std::pair<std::string, std::string>> logs;  // when, which
  std::string from;
  for (int page = 0; page < kMaxPages; ++page) {
    ASSIGN_OR_RETURN(const base::s3::Listing listing, bucket_.list(prefix, from));
    for (const auto& [key, modified] : listing.objects)
      if (key.starts_with(prefix) && parse_log_file_name(file_of(key)))
        logs.emplace_back(modified, key);
    from = listing.next;
    if (from.empty()) break;
  }
  std::sort(logs.begin(), logs.end());
  std::vector<FoundLog> found;
  for (const auto& [modified, key] : logs)
    found.push_back(
        {.run_uid = key.substr(prefix.size(), key.find('/', prefix.size()) - prefix.size()),
         .file = *parse_log_file_name(file_of(key))});
  ASSIGN_OR_RETURN(const size_t chosen, choose_log(wanted, found, " in bucket " + bucket_.name()));
  return bucket_.get(logs[chosen].second);
}

}  // namespace monitor
