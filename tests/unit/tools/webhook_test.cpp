#include "tools/sparkcron/webhook.h"

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/http/certificate.h"
#include "base/http/client.h"
#include "base/log.h"
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
  std::unique_ptr<Webhook> webhook;

  Bed() {
    base::set_log_level(base::LogLevel::Off);
    options.webhook = WebhookOptions{.listen = {.host = "127.0.0.1", .port = 0}};
  }
  void start() {
    webhook = std::make_unique<Webhook>(*options.webhook, "sparkcron", folder.path(),
                                        admission_rules(options, api, clock), api, clock);
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
