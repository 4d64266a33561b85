#pragma once

// Which bucket a command line means, and with whose credentials.
//
// Errors: InvalidArgument says which option or variable is missing or wrong, never what it holds.
// Threads: pure but for reading the credentials' file.

#include <functional>
#include <string>
#include <utility>

#include "base/result.h"
#include "base/s3/bucket.h"

namespace base::s3 {

// Options as they were given; "" = not given.
struct Place {
  std::string option;            // how the others' names begin: "--log-archive"
  std::string url;               // s3://BUCKET/PREFIX
  std::string endpoint;          // OPTION-endpoint; default: AWS's of the region
  std::string region;            // OPTION-region; default: $AWS_REGION, else us-east-1
  std::string credentials_file;  // OPTION-credentials-file; default: the environment
};

struct Resolved {
  BucketOptions bucket;
  std::string prefix;  // without slashes around it; may be empty
};

// `environment` gives "" for what is not set. Credentials are looked at once, to fail early.
Result<Resolved> resolve(const Place& place,
                         const std::function<std::string(const char*)>& environment);

// From "s3://bucket/some/prefix": bucket and prefix. InvalidArgument tells the form.
Result<std::pair<std::string, std::string>> parse_url(const std::string& url);

// Of a credentials file as AWS has it: aws_access_key_id, aws_secret_access_key and, if it is
// there, aws_session_token of [default]. The text of an error names no value.
Result<Credentials> parse_credentials(const std::string& text);

}  // namespace base::s3
