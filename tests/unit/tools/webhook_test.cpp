#include "tools/sparkcron/webhook.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/http/certificate.h"
#include "base/http/client.h"
#include "base/log.h"
#include "monitor/metrics.h"
#include "tests/support/await.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/folder.h"
#include "tests/support/memory_api.h"
#include "tools/sparkcron/admission.h"

namespace sparkcron {
namespace {

using nlohmann::json;

struct Bed {
  tests::Folder folder;
  tests::FakeClock clock;
  tests::MemoryApi api{clock};
  Options options;
  runner::Telemetry* telemetry = nullptr;
  std::unique_ptr<Webhook> webhook;

  Bed() {
    base::set_log_level(base::LogLevel::Off);
    options.webhook = WebhookOptions{.listen = {.host = "127.0.0.1", .port = 0}};
  }
  void start() {
    webhook =
        std::make_unique<Webhook>(*options.webhook, "sparkcron", folder.path(),
                                  admission_rules(options, api, clock), api, clock, telemetry);
    webhook->start();
  }
  // A certificate that somebody else keeps.
  std::string give_certificate() {
    options.webhook->certificate_dir = folder.path();
    const auto pair =
        base::http::make_certificate({"127.0.0.1"}, base::real_clock().now(), std::chrono::days(1));
    REQUIRE(pair.has_value());
    REQUIRE(base::write_durably(folder.path() / "tls.key", pair->key).has_value());
    REQUIRE(base::write_durably(folder.path() / "tls.crt", pair->certificate).has_value());
    return pair->certificate;
  }
  base::Result<base::http::Response> ask(const std::string& trusted, const std::string& method,
                                         const std::string& path, const std::string& body) {
    base::http::ClientOptions client;
    client.base_url = "https://" + webhook->address();
    client.ca_pem = trusted;
    auto made = base::http::Client::create(std::move(client));
    REQUIRE(made.has_value());
    base::http::Request request;
    request.method = method;
    request.path = path;
    request.body = body;
    return (*made)->send(request);
  }
};

std::string review_of_schedule(const std::string& expression) {
  return json{{"apiVersion", "admission.k8s.io/v1"},
              {"kind", "AdmissionReview"},
              {"request",
               {{"uid", "u-1"},
                {"kind", {{"kind", "ScheduledSparkApplication"}}},
                {"operation", "CREATE"},
                {"namespace", "jobs"},
                {"object",
                 {{"metadata", {{"name", "nightly"}}},
                  {"spec",
                   {{"schedule", expression},
                    {"template",
                     {{"type", "Python"},
                      {"sparkVersion", "4.0.1"},
                      {"image", "spark"},
                      {"mainApplicationFile", "local:///a.py"},
                      {"driver", json::object()},
                      {"executor", json::object()}}}}}}}}}}
      .dump();
}

TEST_CASE("the webhook answers over TLS, and takes a renewed certificate without a restart") {
  Bed bed;
  const std::string first = bed.give_certificate();
  bed.start();
  REQUIRE(tests::await([&] { return bed.webhook->ready().has_value(); }));

  const auto refused = bed.ask(first, "POST", "/validate", review_of_schedule("75 * * * *"));
  REQUIRE(refused.has_value());
  CHECK(refused->status == 200);
  const json response = json::parse(refused->body)["response"];
  CHECK(response["allowed"] == false);
  CHECK(response["status"]["message"] == "spec.schedule: minute: 75 is out of range 0-59 (at 0)");
  const auto allowed = bed.ask(first, "POST", "/validate", review_of_schedule("5 * * * *"));
  CHECK(json::parse(allowed.value().body)["response"]["allowed"] == true);

  CHECK(bed.ask(first, "POST", "/validate", "hello").value().status == 400);
  CHECK(bed.ask(first, "GET", "/mutate", "").value().status == 405);
  CHECK(bed.ask(first, "POST", "/other", "").value().status == 404);

  const std::string second = bed.give_certificate();
  REQUIRE(tests::await([&] {
    return bed.ask(second, "POST", "/mutate", review_of_schedule("5 * * * *")).has_value();
  }));
  CHECK_FALSE(bed.ask(first, "POST", "/mutate", "").has_value());
}

// A Secret as a kubelet mounts it: files that lead through ..data, which changes at once for all.
class MountedSecret {
 public:
  explicit MountedSecret(std::filesystem::path folder) : folder_(std::move(folder)) {}
  std::string put(const std::string& host) {
    const auto pair =
        base::http::make_certificate({host}, base::real_clock().now(), std::chrono::days(1));
    REQUIRE(pair.has_value());
    const std::string version = "..version-" + std::to_string(++versions_);
    std::filesystem::create_directory(folder_ / version);
    REQUIRE(base::write_durably(folder_ / version / "tls.crt", pair->certificate).has_value());
    REQUIRE(base::write_durably(folder_ / version / "tls.key", pair->key).has_value());
    std::filesystem::create_directory_symlink(version, folder_ / "..data_tmp");
    std::filesystem::rename(folder_ / "..data_tmp", folder_ / "..data");
    for (const char* name : {"tls.crt", "tls.key"}) {
      if (!std::filesystem::is_symlink(folder_ / name))
        std::filesystem::create_symlink(std::filesystem::path("..data") / name, folder_ / name);
    }
    return pair->certificate;
  }

 private:
  std::filesystem::path folder_;
  int versions_ = 0;
};

TEST_CASE("what cert-manager puts into the Secret, and renews, is served without a restart") {
  Bed bed;
  MountedSecret secret(bed.folder.path());
  bed.options.webhook->certificate_dir = bed.folder.path();
  bed.start();
  // The pod may be there before the certificate is.
  REQUIRE(tests::await([&] {
    const auto ready = bed.webhook->ready();
    return !ready &&
           ready.error().message == "the webhook is not served: there is no certificate " +
                                        (bed.folder.path() / "tls.crt").string() + " yet";
  }));
  const std::string first = secret.put("127.0.0.1");
  REQUIRE(tests::await([&] {
    bed.clock.advance(std::chrono::seconds(3));
    return bed.webhook->ready().has_value();
  }));
  const std::string question = review_of_schedule("5 * * * *");
  CHECK(bed.ask(first, "POST", "/validate", question).value().status == 200);
  const std::string renewed = secret.put("127.0.0.1");
  REQUIRE(
      tests::await([&] { return bed.ask(renewed, "POST", "/validate", question).has_value(); }));
  CHECK_FALSE(bed.ask(first, "POST", "/validate", question).has_value());
  // Nobody but cert-manager's injector tells API servers: no call was made.
  CHECK(bed.api.peek(kube::secrets(), {"sparkcron", "sparkcron-webhook-certs"}).is_null());
}

TEST_CASE("each answer of the webhook is told to whoever counts") {
  Bed bed;
  const std::string certificate = bed.give_certificate();
  monitor::Metrics metrics({});
  bed.telemetry = &metrics;
  bed.start();
  REQUIRE(tests::await([&] { return bed.webhook->ready().has_value(); }));
  CHECK(bed.ask(certificate, "POST", "/validate", review_of_schedule("75 * * * *")).has_value());
  CHECK(bed.ask(certificate, "POST", "/mutate", "hello").has_value());
  const std::string text = metrics.text();
  const std::string requests = "sparkcron_webhook_requests_total";
  CHECK_THAT(
      text,
      Catch::Contains(requests + R"({resource="scheduledsparkapplications",answer="refused"} 1)") &&
          Catch::Contains(requests + R"({resource="other",answer="malformed"} 1)"));
}

TEST_CASE("the webhook makes a certificate when the API lets it, and says why it cannot") {
  Bed bed;
  bed.api.fail_all(base::Error{base::Code::Forbidden, "cannot get secrets", {}});
  bed.start();
  REQUIRE(tests::await([&] {
    const auto ready = bed.webhook->ready();
    return !ready && ready.error().message == "the webhook is not served: cannot get secrets";
  }));
  CHECK(bed.webhook->address().empty());
  bed.api.fail_all(std::nullopt);
  REQUIRE(tests::await([&] {
    bed.clock.advance(std::chrono::seconds(3));
    return bed.webhook->ready().has_value();
  }));
  CHECK_FALSE(bed.api.peek(kube::secrets(), {"sparkcron", "sparkcron-webhook-certs"}).is_null());
  CHECK_FALSE(bed.webhook->address().empty());
  // What is served goes on without the API.
  bed.api.fail_all(base::Error{base::Code::Unavailable, "gone", {}});
  bed.clock.advance(std::chrono::minutes(1));
  CHECK(bed.webhook->ready().has_value());
}

}  // namespace
}  // namespace sparkcron
