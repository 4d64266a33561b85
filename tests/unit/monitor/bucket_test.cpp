#include "monitor/bucket.h"

#include <cstdlib>
#include <string>

#include "monitor/packed_log.h"
#include "tests/support/catch.h"

using base::Code;
using monitor::Bucket;
using monitor::BucketCredentials;

namespace {

const kube::ObjectKey kRun{"etl", "nightly-1"};

monitor::KeptLog log_of(const std::string& pod_uid) {
  return {.schedule = "nightly",
          .run = kRun,
          .run_uid = "r1",
          .pod = {"etl", "nightly-1-driver"},
          .pod_uid = pod_uid,
          .container = "spark-kubernetes-driver"};
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Bucket bucket(const std::string& endpoint, const BucketCredentials& who,
              const std::string& name = "logs") {
  return Bucket({.endpoint = endpoint,
                 .region = "us-east-1",
                 .bucket = name,
                 .prefix = "spark/eu",
                 .ca_file = {},
                 .credentials = [who]() -> base::Result<BucketCredentials> { return who; }});
}

}  // namespace

TEST_CASE("a bucket's address has a bucket and perhaps a prefix", "[monitor]") {
  CHECK(monitor::parse_bucket_url("s3://logs").value() ==
        std::pair<std::string, std::string>{"logs", ""});
  CHECK(monitor::parse_bucket_url("s3://my.logs-1/a/b/").value() ==
        std::pair<std::string, std::string>{"my.logs-1", "a/b"});
  for (const char* url : {"", "logs", "s3://", "s3://ab", "s3://Logs", "s3://lo_gs", "http://logs",
                          "s3:///x", "s3://logs//x", "s3://logs/a b"}) {
    const auto parsed = monitor::parse_bucket_url(url);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().message ==
          "\"" + std::string(url) + "\": s3://BUCKET or s3://BUCKET/PREFIX expected");
  }
}

TEST_CASE("credentials are read from a file as AWS has it", "[monitor]") {
  const auto found = monitor::parse_credentials(
      "# ours\n[other]\naws_access_key_id=no\n[default]\n aws_access_key_id = id\r\n"
      "aws_secret_access_key=se=cret\naws_session_token = token");
  REQUIRE(found);
  CHECK(found->key_id == "id");
  CHECK(found->secret == "se=cret");
  CHECK(found->session_token == "token");
  const auto half = monitor::parse_credentials("[default]\naws_access_key_id=id\n");
  REQUIRE_FALSE(half);
  CHECK(half.error().message == "[default] has no aws_secret_access_key");
  CHECK_FALSE(monitor::parse_credentials("[").has_value());
  CHECK_FALSE(monitor::parse_credentials("").has_value());
}

TEST_CASE("a listing is read, whatever else is in it", "[monitor]") {
  const auto listing = monitor::parse_listing(
      "<?xml version=\"1.0\"?><ListBucketResult><Name>logs</Name><Contents><Key>a/b.log.gz</Key>"
      "<LastModified>2026-11-21T00:00:00Z</LastModified></Contents><Contents>"
      "<LastModified>2026-11-22T00:00:00Z</LastModified><Key>x&amp;y</Key></Contents>"
      "<NextContinuationToken>t/1</NextContinuationToken></ListBucketResult>");
  REQUIRE(listing.objects.size() == 2);
  CHECK(listing.objects[0] ==
        std::pair<std::string, std::string>{"a/b.log.gz", "2026-11-21T00:00:00Z"});
  CHECK(listing.objects[1].first == "x&y");
  CHECK(listing.next == "t/1");
  for (const char* odd : {"", "<", "<Contents>", "<Contents></Contents>", "<Key>x</Key>"})
    CHECK(monitor::parse_listing(odd).objects.empty());
}

TEST_CASE("a store that cannot be reached says so without a secret", "[monitor]") {
  Bucket nobody = bucket("http://127.0.0.1:1", {.key_id = "the-id", .secret = "the-secret"});
  const auto put = nobody.put(log_of("p1"), "x");
  REQUIRE_FALSE(put);
  CHECK(put.error().code == Code::Unavailable);
  CHECK_THAT(put.error().message, Catch::StartsWith("http://127.0.0.1:1: "));
  CHECK_THAT(put.error().message, !Catch::Contains("the-"));
}

// Run by tests/s3/s3_test.py against a server that checks signatures.
TEST_CASE("logs are kept in a bucket of a real store", "[.s3]") {
  const std::string endpoint = variable("SPARKCRON_TEST_S3");
  REQUIRE_FALSE(endpoint.empty());
  const BucketCredentials who{.key_id = variable("SPARKCRON_TEST_S3_ID"),
                              .secret = variable("SPARKCRON_TEST_S3_SECRET")};
  Bucket logs = bucket(endpoint, who);
  const std::string big(3'000'000, 'x');

  CHECK(logs.get(kRun, "").error().code == Code::NotFound);
  CHECK_FALSE(logs.has(log_of("p1")).value());
  REQUIRE(logs.put(log_of("p1"), monitor::pack("one\n").value()));
  CHECK(logs.has(log_of("p1")).value());
  REQUIRE(logs.put(log_of("p1"), big));
  CHECK(logs.get(kRun, "").value() == big);
  CHECK(logs.get(kRun, "spark-kubernetes-driver").value() == big);
  CHECK(logs.get(kRun, "sidecar").error().code == Code::NotFound);
  CHECK(logs.get({"etl", "nightly"}, "").error().code == Code::NotFound);
  // All that names of Kubernetes may have.
  monitor::KeptLog dotted = log_of("p2");
  dotted.run.name = "nightly.etl-1.v2";
  REQUIRE(logs.put(dotted, "dotted"));
  CHECK(logs.get(dotted.run, "").value() == "dotted");

  Bucket wrong = bucket(endpoint, {.key_id = who.key_id, .secret = "wrong-secret"});
  const auto refused = wrong.put(log_of("p1"), "x");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::Unavailable);
  CHECK_THAT(refused.error().message,
             Catch::StartsWith("put spark/eu/etl/nightly-1/r1/nightly-1-driver/p1/"
                               "spark-kubernetes-driver.log.gz into bucket logs: HTTP 403 "));
  CHECK_THAT(refused.error().message, !Catch::Contains("wrong-secret"));
  CHECK_FALSE(wrong.get(kRun, "").has_value());
  Bucket missing = bucket(endpoint, who, "no-such-bucket");
  CHECK_THAT(missing.put(log_of("p1"), "x").error().message, Catch::Contains("HTTP 404"));
}
