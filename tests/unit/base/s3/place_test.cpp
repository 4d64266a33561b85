#include "base/s3/place.h"

#include <map>
#include <string>

#include "base/files.h"
#include "tests/support/catch.h"
#include "tests/support/folder.h"

using base::Code;

TEST_CASE("a bucket's address has a bucket and perhaps a prefix", "[base]") {
  CHECK(base::s3::parse_url("s3://logs").value() ==
        std::pair<std::string, std::string>{"logs", ""});
  CHECK(base::s3::parse_url("s3://my.logs-1/a/b/").value() ==
        std::pair<std::string, std::string>{"my.logs-1", "a/b"});
  for (const char* url : {"", "logs", "s3://", "s3://ab", "s3://Logs", "s3://lo_gs", "http://logs",
                          "s3:///x", "s3://logs//x", "s3://logs/a b"}) {
    const auto parsed = base::s3::parse_url(url);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().message ==
          "\"" + std::string(url) + "\": s3://BUCKET or s3://BUCKET/PREFIX expected");
  }
}

TEST_CASE("credentials are read from a file as AWS has it", "[base]") {
  const auto found = base::s3::parse_credentials(
      "# ours\n[other]\naws_access_key_id=no\n[default]\n aws_access_key_id = id\r\n"
      "aws_secret_access_key=se=cret\naws_session_token = token");
  REQUIRE(found);
  CHECK(found->key_id == "id");
  CHECK(found->secret == "se=cret");
  CHECK(found->session_token == "token");
  const auto half = base::s3::parse_credentials("[default]\naws_access_key_id=id\n");
  REQUIRE_FALSE(half);
  CHECK(half.error().message == "[default] has no aws_secret_access_key");
  CHECK_FALSE(base::s3::parse_credentials("[").has_value());
  CHECK_FALSE(base::s3::parse_credentials("").has_value());
}

TEST_CASE("a listing is read, whatever else is in it", "[base]") {
  const auto listing = base::s3::parse_listing(
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
    CHECK(base::s3::parse_listing(odd).objects.empty());
}

TEST_CASE("options name a bucket, and an error names the option", "[base]") {
  const tests::Folder folder;
  const std::string file = (folder.path() / "credentials").string();
  REQUIRE(base::write_plainly(file, "[default]\naws_access_key_id=id\naws_secret_access_key=s\n"));
  std::map<std::string, std::string> variables = {{"AWS_ACCESS_KEY_ID", "the-id"},
                                                  {"AWS_SECRET_ACCESS_KEY", "the-secret"},
                                                  {"AWS_REGION", "eu-west-1"}};
  const auto environment = [&](const char* name) { return variables[name]; };
  const auto found =
      base::s3::resolve({.option = "--to", .url = "s3://files/a"}, environment).value();
  CHECK(found.bucket.endpoint == "https://s3.eu-west-1.amazonaws.com");
  CHECK(found.prefix == "a");
  CHECK(found.bucket.credentials()->key_id == "the-id");

  const auto other = base::s3::resolve({.option = "--to",
                                        .url = "s3://files",
                                        .endpoint = "http://127.0.0.1:9000/",
                                        .region = "x",
                                        .credentials_file = file},
                                       environment)
                         .value();
  CHECK(other.bucket.endpoint == "http://127.0.0.1:9000");
  CHECK(other.bucket.region == "x");
  CHECK(other.bucket.credentials()->key_id == "id");

  CHECK(
      base::s3::resolve({.option = "--to", .url = "s3://files", .endpoint = "ftp://x"}, environment)
          .error()
          .message == "--to-endpoint ftp://x: http://… or https://… expected");
  variables.erase("AWS_SECRET_ACCESS_KEY");
  CHECK(base::s3::resolve({.option = "--to", .url = "s3://files"}, environment).error().message ==
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set; or give "
        "--to-credentials-file");
}
