#include "monitor/log_bucket.h"

#include <cstdlib>
#include <string>

#include "monitor/packed_log.h"
#include "tests/support/catch.h"

using base::Code;
using base::s3::Credentials;
using monitor::LogBucket;

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

LogBucket bucket(const std::string& endpoint, const Credentials& who,
                 const std::string& name = "logs") {
  return {{.endpoint = endpoint,
           .region = "us-east-1",
           .bucket = name,
           .ca_file = {},
           .credentials = [who]() -> base::Result<Credentials> { return who; }},
          "spark/eu"};
}

}  // namespace

TEST_CASE("a store that cannot be reached says so without a secret", "[monitor]") {
  LogBucket nobody = bucket("http://127.0.0.1:1", {.key_id = "the-id", .secret = "the-secret"});
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
  const Credentials who{.key_id = variable("SPARKCRON_TEST_S3_ID"),
                        .secret = variable("SPARKCRON_TEST_S3_SECRET")};
  LogBucket logs = bucket(endpoint, who);
  const std::string big(3'000'000, 'x');

  CHECK(logs.get({.run = kRun}).error().code == Code::NotFound);
  CHECK_FALSE(logs.has(log_of("p1")).value());
  REQUIRE(logs.put(log_of("p1"), monitor::pack("one\n").value()));
  CHECK(logs.has(log_of("p1")).value());
  REQUIRE(logs.put(log_of("p1"), big));
  CHECK(logs.get({.run = kRun}).value() == big);
  CHECK(logs.get({.run = kRun, .container = "spark-kubernetes-driver"}).value() == big);
  CHECK(logs.get({.run = kRun, .container = "sidecar"}).error().code == Code::NotFound);
  CHECK(logs.get({.run = {"etl", "nightly"}}).error().code == Code::NotFound);
  // All that names of Kubernetes may have.
  monitor::KeptLog dotted = log_of("p2");
  dotted.run.name = "nightly.etl-1.v2";
  REQUIRE(logs.put(dotted, "dotted"));
  CHECK(logs.get({.run = dotted.run}).value() == "dotted");
  // Attempts of one run.
  monitor::KeptLog tried = log_of("p3");
  tried.run.name = "tried";
  tried.attempt = 1;
  REQUIRE(logs.put(tried, "first"));
  tried.pod_uid = "p4";
  tried.attempt = 2;
  REQUIRE(logs.put(tried, "second"));
  CHECK(logs.get({.run = tried.run, .attempt = 1}).value() == "first");
  CHECK(logs.get({.run = tried.run, .attempt = 2}).value() == "second");
  CHECK(logs.get({.run = tried.run, .attempt = 3}).error().message ==
        "no log of attempt 3 of run etl/tried is kept in bucket logs, but of attempts 1 and 2");

  LogBucket wrong = bucket(endpoint, {.key_id = who.key_id, .secret = "wrong-secret"});
  const auto refused = wrong.put(log_of("p1"), "x");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::Unavailable);
  CHECK_THAT(refused.error().message,
             Catch::StartsWith("put spark/eu/etl/nightly-1/r1/nightly-1-driver/p1/"
                               "spark-kubernetes-driver.log.gz into bucket logs: HTTP 403 "));
  CHECK_THAT(refused.error().message, !Catch::Contains("wrong-secret"));
  CHECK_FALSE(wrong.get({.run = kRun}).has_value());
  LogBucket missing = bucket(endpoint, who, "no-such-bucket");
  CHECK_THAT(missing.put(log_of("p1"), "x").error().message, Catch::Contains("HTTP 404"));
}
