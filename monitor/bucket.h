#pragma once

// Bucket: a LogStore in an S3-compatible store of objects. Keys are
// <prefix>/<namespace>/<run>/<run uid>/<pod>/<pod uid>/<container>.log.gz; addresses have the
// bucket in their path. libcurl signs each request (AWS Signature Version 4). What is old is not
// removed here: that is what a bucket's lifecycle rules are for.
//
// Errors: Unavailable with what the store answered ("put logs/etl/… into bucket x: HTTP 403
// AccessDenied: …"); no credential is in any text. Threads: any.

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "monitor/log_store.h"

namespace monitor {

struct BucketCredentials {
  std::string key_id;
  std::string secret;
  std::string session_token;  // "" = none
};

struct BucketOptions {
  std::string endpoint;  // "https://s3.example.com:9000"
  std::string region;    // "us-east-1"
  std::string bucket;
  std::string prefix;   // without slashes around it; may be empty
  std::string ca_file;  // "" = the system's
  // Asked for each request, so that rotated ones are taken up.
  std::function<base::Result<BucketCredentials>()> credentials;
  std::chrono::milliseconds timeout{30'000};
};

class Bucket final : public LogStore {
 public:
  explicit Bucket(BucketOptions options);
  ~Bucket() override;

  base::Result<bool> has(const KeptLog& log) override;
  base::Status put(const KeptLog& log, const std::string& packed) override;
  base::Result<std::string> get(const kube::ObjectKey& run, const std::string& container) override;

 private:
  struct Answer {
    long status = 0;
    std::string body;
  };
  base::Result<Answer> send(const std::string& method, const std::string& key,
                            const std::string& query, const std::string& body);
  [[nodiscard]] std::string key_of(const KeptLog& log) const;

  const BucketOptions options_;
};

// From "s3://bucket/some/prefix": bucket and prefix. InvalidArgument tells the form.
base::Result<std::pair<std::string, std::string>> parse_bucket_url(const std::string& url);

// Of a credentials file as AWS has it: aws_access_key_id, aws_secret_access_key and, if it is
// there, aws_session_token of [default]. The text of an error names no value.
base::Result<BucketCredentials> parse_credentials(const std::string& text);

// Of the answer to ListObjectsV2: keys with their LastModified, and whether there are more.
struct BucketListing {
  std::vector<std::pair<std::string, std::string>> objects;
  std::string next;  // the token to go on with; "" = that is all
};
BucketListing parse_listing(const std::string& xml);

}  // namespace monitor
