#pragma once

// Bucket: objects in an S3-compatible store. Addresses have the bucket in their path. libcurl signs
// each request (AWS Signature Version 4). A key is whole: whoever makes it puts a prefix in front.
//
// Errors: Unavailable with what the store answered ("put logs/etl/… into bucket x: HTTP 403
// AccessDenied: …"); no credential is in any text. Threads: any.

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace base::s3 {

struct Credentials {
  std::string key_id;
  std::string secret;
  std::string session_token;  // "" = none
};

struct BucketOptions {
  std::string endpoint;  // "https://s3.example.com:9000"
  std::string region;    // "us-east-1"
  std::string bucket;
  std::string ca_file;  // "" = the system's
  // Asked for each request, so that rotated ones are taken up.
  std::function<Result<Credentials>()> credentials;
  std::chrono::milliseconds timeout{30'000};  // of one request with its body
};

// Of the answer to ListObjectsV2: keys with their LastModified, a thousand at most.
struct Listing {
  std::vector<std::pair<std::string, std::string>> objects;
  std::string next;  // the token to go on with; "" = that is all
};

class Bucket {
 public:
  explicit Bucket(BucketOptions options);

  [[nodiscard]] const std::string& name() const { return options_.bucket; }
  // Where a store tells nobody what is there, nothing is.
  [[nodiscard]] Result<bool> has(const std::string& key) const;
  [[nodiscard]] Status put(const std::string& key, const std::string& bytes) const;
  // At most 64 MiB.
  [[nodiscard]] Result<std::string> get(const std::string& key) const;
  // `from` is Listing::next of the page before, "" for the first one.
  [[nodiscard]] Result<Listing> list(const std::string& prefix, const std::string& from) const;

 private:
  struct Answer {
    long status = 0;
    std::string body;
  };
  [[nodiscard]] Result<Answer> send(const std::string& method, const std::string& key,
                                    const std::string& query, const std::string& body) const;

  const BucketOptions options_;
};

Listing parse_listing(const std::string& xml);

}  // namespace base::s3
