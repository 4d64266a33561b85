#include "runner/admission/certificate_keeper.h"

#include <algorithm>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/files.h"
#include "base/log.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/folder.h"
#include "tests/support/memory_api.h"

using namespace runner::admission;
using nlohmann::json;
using std::chrono::days;
using std::chrono::hours;

namespace {

const kube::ResourceType kValidating{"admissionregistration.k8s.io", "v1",
                                     "validatingwebhookconfigurations",
                                     "ValidatingWebhookConfiguration", false};
const kube::ResourceType kMutating{"admissionregistration.k8s.io", "v1",
                                   "mutatingwebhookconfigurations", "MutatingWebhookConfiguration",
                                   false};
const kube::ObjectKey kSecret{"sparkcron", "sparkcron-webhook-certs"};

json configuration(const kube::ResourceType& type) {
  return {{"apiVersion", type.api_version()},
          {"kind", type.kind},
          {"metadata", {{"name", "sparkcron-webhook"}}},
          {"webhooks",
           {{{"name", "a"}, {"clientConfig", {{"service", {{"name", "s"}}}}}},
            {{"name", "b"}, {"clientConfig", {{"service", {{"name", "s"}}}}}}}}};
}

struct Bed {
  tests::Folder folder;
  tests::FakeClock clock{base::WallTime{std::chrono::sys_days{std::chrono::year{2026} / 11 / 28}}};
  tests::MemoryApi api{clock};

  Bed() {
    base::set_log_level(base::LogLevel::Off);
    for (const auto& type : {kValidating, kMutating})
      REQUIRE(api.create(type, configuration(type)).has_value());
  }
  KeeperOptions options(const std::string& replica) {
    return {.secret = kSecret,
            .configuration = "sparkcron-webhook",
            .rules = {.hosts = {"sparkcron-webhook.sparkcron.svc"}},
            .certificate_file = folder.path() / (replica + ".crt"),
            .key_file = folder.path() / (replica + ".key")};
  }
  std::string file(const std::string& name) {
    return base::read_file(folder.path() / name).value_or("");
  }
  std::string stored(const char* key) {
    const json secret = api.peek(kube::secrets(), kSecret);
    return base::decode_base64(secret["data"].value(key, "")).value_or("");
  }
  std::vector<std::string> bundles() {
    std::vector<std::string> all;
    for (const auto& type : {kValidating, kMutating}) {
      const json found = api.peek(type, {"", "sparkcron-webhook"});
      for (const json& webhook : found["webhooks"])
        all.push_back(base::decode_base64(webhook["clientConfig"].value("caBundle", "")).value());
    }
    return all;
  }
  bool published() {
    const std::string bundle = stored("ca.crt");
    const std::vector<std::string> told = bundles();
    CHECK(told.size() == 4);
    return std::all_of(told.begin(), told.end(),
                       [&bundle](const std::string& one) { return one == bundle; });
  }
};

}  // namespace

TEST_CASE("replicas share one certificate, and all configurations trust it") {
  Bed bed;
  CertificateKeeper first(bed.api, bed.clock, bed.options("first"));
  CertificateKeeper second(bed.api, bed.clock, bed.options("second"));
  REQUIRE(first.step().has_value());
  REQUIRE(second.step().has_value());
  CHECK_FALSE(bed.stored("tls.crt").empty());
  CHECK(bed.file("first.crt") == bed.stored("tls.crt"));
  CHECK(bed.file("second.crt") == bed.stored("tls.crt"));
  CHECK(bed.file("second.key") == bed.stored("tls.key"));
  CHECK(bed.published());
  const uint64_t writes = bed.api.revision();
  REQUIRE(first.step().has_value());
  CHECK(bed.api.revision() == writes);
}

TEST_CASE("an empty Secret that the chart made is filled") {
  Bed bed;
  REQUIRE(bed.api
              .create(kube::secrets(), {{"apiVersion", "v1"},
                                        {"kind", "Secret"},
                                        {"metadata",
                                         {{"name", kSecret.name},
                                          {"namespace", kSecret.ns},
                                          {"labels", {{"app", "sparkcron"}}}}}})
              .has_value());
  CertificateKeeper keeper(bed.api, bed.clock, bed.options("one"));
  REQUIRE(keeper.step().has_value());
  CHECK(bed.file("one.crt") == bed.stored("tls.crt"));
  CHECK(bed.api.peek(kube::secrets(), kSecret)["metadata"]["labels"]["app"] == "sparkcron");
}

TEST_CASE("the certificate is exchanged while both are trusted") {
  Bed bed;
  CertificateKeeper keeper(bed.api, bed.clock, bed.options("one"));
  REQUIRE(keeper.step().has_value());
  const std::string first = bed.stored("tls.crt");
  bed.clock.advance(days(336));
  REQUIRE(keeper.step().has_value());
  CHECK(bed.stored("tls.crt") == first);
  CHECK(bed.file("one.crt") == first);
  const std::string next = bed.stored("next.crt");
  CHECK(bed.stored("ca.crt") == first + next);
  CHECK(bed.published());

  bed.clock.advance(hours(1));
  REQUIRE(keeper.step().has_value());
  CHECK(bed.file("one.crt") == next);
  CHECK(bed.stored("ca.crt") == next + first);
  CHECK(bed.stored("next.key").empty());
  CHECK(bed.published());

  bed.clock.advance(hours(1));
  REQUIRE(keeper.step().has_value());
  CHECK(bed.stored("ca.crt") == next);
  CHECK(bed.published());
}

TEST_CASE("nobody moves on while a configuration could not be told") {
  Bed bed;
  CertificateKeeper keeper(bed.api, bed.clock, bed.options("one"));
  REQUIRE(keeper.step().has_value());
  const std::string first = bed.stored("tls.crt");
  bed.clock.advance(days(336));
  // The Secret is written, the first configuration is not.
  bed.api.fail("update", {base::Code::Conflict, "no, first the Secret", {}});
  CHECK(keeper.step().error().code == base::Code::Conflict);
  CHECK(bed.stored("next.crt").empty());
  REQUIRE(keeper.step().has_value());
  json other = bed.api.peek(kMutating, {"", "sparkcron-webhook"});
  other["webhooks"][1]["clientConfig"]["caBundle"] = "";
  REQUIRE(bed.api.update(kMutating, other, "").has_value());
  bed.clock.advance(hours(2));
  REQUIRE(keeper.step().has_value());
  CHECK(bed.stored("tls.crt") == first);
  CHECK(bed.published());
  REQUIRE(keeper.step().has_value());
  CHECK(bed.stored("tls.crt") != first);
}

TEST_CASE("a certificate that is there is served though nobody can be told") {
  Bed bed;
  CertificateKeeper first(bed.api, bed.clock, bed.options("first"));
  REQUIRE(first.step().has_value());
  CertificateKeeper second(bed.api, bed.clock, bed.options("second"));
  json other = bed.api.peek(kMutating, {"", "sparkcron-webhook"});
  other["webhooks"][0]["clientConfig"]["caBundle"] = "";
  REQUIRE(bed.api.update(kMutating, other, "").has_value());
  bed.api.fail("update",
               {base::Code::Forbidden, "cannot update mutatingwebhookconfigurations", {}});
  const auto step = second.step();
  REQUIRE_FALSE(step.has_value());
  CHECK(step.error().message == "cannot update mutatingwebhookconfigurations");
  CHECK(bed.file("second.crt") == bed.stored("tls.crt"));
}

TEST_CASE("a cluster without the configurations has a certificate all the same") {
  tests::FakeClock clock;
  tests::MemoryApi api(clock);
  tests::Folder folder;
  base::set_log_level(base::LogLevel::Off);
  CertificateKeeper keeper(api, clock,
                           {.secret = kSecret,
                            .configuration = "none",
                            .rules = {.hosts = {"x.y.svc"}},
                            .certificate_file = folder.path() / "tls.crt",
                            .key_file = folder.path() / "tls.key"});
  REQUIRE(keeper.step().has_value());
  CHECK(base::read_file(folder.path() / "tls.crt").has_value());
}
