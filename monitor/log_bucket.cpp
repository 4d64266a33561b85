#include "monitor/log_bucket.h"

#include <algorithm>
#include <utility>

namespace monitor {

using base::Code;
using base::failure;
using base::Result;
using base::Status;

namespace {

// Of listings, a thousand keys each: a run has a few.
constexpr int kMaxPages = 10;

}  // namespace

LogBucket::LogBucket(base::s3::BucketOptions options, std::string prefix)
    : bucket_(std::move(options)), prefix_(prefix.empty() ? "" : std::move(prefix) + "/") {}

std::string LogBucket::key_of(const KeptLog& log) const {
  std::string key = prefix_;
  for (const std::string* part :
       {&log.run.ns, &log.run.name, &log.run_uid, &log.pod.name, &log.pod_uid})
    key += *part + "/";
  return key + log.container + ".log.gz";
}

Result<bool> LogBucket::has(const KeptLog& log) {
  return bucket_.has(key_of(log));
}

Status LogBucket::put(const KeptLog& log, const std::string& packed) {
  return bucket_.put(key_of(log), packed);
}

Result<std::string> LogBucket::get(const kube::ObjectKey& run, const std::string& container) {
  const std::string prefix = prefix_ + run.ns + "/" + run.name + "/";
  const std::string end = "/" + container + ".log.gz";
  std::pair<std::string, std::string> newest;  // when, which
  std::string from;
  for (int page = 0; page < kMaxPages; ++page) {
    ASSIGN_OR_RETURN(const base::s3::Listing listing, bucket_.list(prefix, from));
    for (const auto& [key, modified] : listing.objects)
      if (key.starts_with(prefix) && key.ends_with(container.empty() ? ".log.gz" : end))
        newest = std::max(newest, {modified, key});
    from = listing.next;
    if (from.empty()) break;
  }
  if (newest.second.empty())
    return failure(Code::NotFound,
                   "no log of run " + run.to_string() + " is kept in bucket " + bucket_.name());
  return bucket_.get(newest.second);
}

}  // namespace monitor
