#pragma once

// LogBucket: a LogStore in an S3-compatible bucket. Keys are
// <prefix>/<namespace>/<run>/<run uid>/<pod>/<pod uid>/<file>,
// the last as log_file_name() has it. What is old is not
// removed here: that is what a bucket's lifecycle rules are for.
//
// Errors: Unavailable, as base::s3::Bucket says them. Threads: any.

#include <string>

#include "base/result.h"
#include "base/s3/bucket.h"
#include "monitor/log_store.h"

namespace monitor {

class LogBucket final : public LogStore {
 public:
  // `prefix` without slashes around it; may be empty.
  LogBucket(base::s3::BucketOptions options, std::string prefix);

  base::Result<bool> has(const KeptLog& log) override;
  base::Status put(const KeptLog& log, const std::string& packed) override;
  base::Result<std::string> get(const WantedLog& wanted) override;

 private:
  [[nodiscard]] std::string key_of(const KeptLog& log) const;

  const base::s3::Bucket bucket_;
  const std::string prefix_;  // "" or with a slash behind it
};

}  // namespace monitor
