#include "runner/admission/certificate_keeper.h"

#include <optional>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/files.h"
#include "base/json.h"
#include "base/log.h"
#include "base/rfc3339.h"

namespace runner::admission {
namespace {

using base::Code;
using base::string_at;
using nlohmann::json;

constexpr const char* kChanged = "sparkoperator.k8s.io/webhook-certificate-changed";

const kube::ResourceType& validating() {
  static const kube::ResourceType type{"admissionregistration.k8s.io", "v1",
                                       "validatingwebhookconfigurations",
                                       "ValidatingWebhookConfiguration", false};
  return type;
}

const kube::ResourceType& mutating() {
  static const kube::ResourceType type{"admissionregistration.k8s.io", "v1",
                                       "mutatingwebhookconfigurations",
                                       "MutatingWebhookConfiguration", false};
  return type;
}

std::string data_at(const json& secret, const char* key) {
  return base::decode_base64(string_at(secret, {"data", key})).value_or("");
}

CertificateState read_state(const json& secret) {
  CertificateState state;
  state.current = {.certificate = data_at(secret, "tls.crt"), .key = data_at(secret, "tls.key")};
  if (base::find(secret, {"data", "next.crt"}) != nullptr)
    state.next = {.certificate = data_at(secret, "next.crt"), .key = data_at(secret, "next.key")};
  state.bundle = data_at(secret, "ca.crt");
  const auto changed =
      base::parse_rfc3339(string_at(secret, {"metadata", "annotations", kChanged}));
  if (changed) state.changed = *changed;
  return state;
}

bool trusts(const json& configuration, const std::string& bundle) {
  const json* webhooks = base::find(configuration, {"webhooks"});
  if (webhooks == nullptr || !webhooks->is_array()) return true;
  for (const json& webhook : *webhooks)
    if (string_at(webhook, {"clientConfig", "caBundle"}) != bundle) return false;
  return true;
}

}  // namespace

struct CertificateKeeper::Stored {
  json secret;  // null: there is none
  CertificateState state;
};

CertificateKeeper::CertificateKeeper(kube::Api& api, base::Clock& clock, KeeperOptions options)
    : api_(api), clock_(clock), options_(std::move(options)) {}

base::Status CertificateKeeper::step() {
  ASSIGN_OR_RETURN(const Stored stored, read_secret());
  // What is there is served before anything else can fail.
  if (!stored.state.current.certificate.empty()) RETURN_IF_ERROR(write_files(stored.state.current));
  struct Configuration {
    const kube::ResourceType& type;
    json object;
  };
  std::vector<Configuration> configurations;
  Published published = Published::Yes;
  for (const kube::ResourceType* type : {&validating(), &mutating()}) {
    auto found = api_.get(*type, {"", options_.configuration});
    if (!found && found.error().code == Code::NotFound) continue;  // nobody asks us through it
    if (!found) return base::failure(found.error());
    if (!trusts(*found, base::encode_base64(stored.state.bundle))) published = Published::NotYet;
    configurations.push_back({*type, *std::move(found)});
  }
  ASSIGN_OR_RETURN(const CertificateState state,
                   rotate(clock_.now(), stored.state, published, options_.rules));
  if (!(state == stored.state)) {
    RETURN_IF_ERROR(write_secret(stored, state));
    RETURN_IF_ERROR(write_files(state.current));
  }
  for (Configuration& one : configurations)
    RETURN_IF_ERROR(publish(std::move(one.object), one.type, base::encode_base64(state.bundle)));
  return {};
}

base::Result<CertificateKeeper::Stored> CertificateKeeper::read_secret() {
  auto found = api_.get(kube::secrets(), options_.secret);
  if (!found && found.error().code == Code::NotFound) return Stored{};
  if (!found) return base::failure(found.error());
  Stored stored{.secret = *std::move(found), .state = {}};
  stored.state = read_state(stored.secret);
  return stored;
}

base::Status CertificateKeeper::write_secret(const Stored& stored, const CertificateState& state) {
  json secret = stored.secret;
  const bool is_new = secret.is_null();
  if (is_new) {
    secret = {{"apiVersion", "v1"},
              {"kind", "Secret"},
              {"type", "Opaque"},
              {"metadata", {{"name", options_.secret.name}, {"namespace", options_.secret.ns}}}};
  }
  const auto put = [&secret](const char* key, const std::string& text) {
    secret["data"][key] = base::encode_base64(text);
  };
  put("tls.crt", state.current.certificate);
  put("tls.key", state.current.key);
  put("ca.crt", state.bundle);
  if (state.next) {
    put("next.crt", state.next->certificate);
    put("next.key", state.next->key);
  } else {
    secret["data"].erase("next.crt");
    secret["data"].erase("next.key");
  }
  secret["metadata"]["annotations"][kChanged] =
      base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(state.changed));
  const auto done =
      is_new ? api_.create(kube::secrets(), secret) : api_.update(kube::secrets(), secret);
  if (!done && done.error().code == Code::AlreadyExists)
    return base::failure(Code::Conflict, done.error().message);
  if (!done) return base::failure(done.error());
  base::log_info("runner", "Changed the webhook's certificate",
                 {{"secret", options_.secret.to_string()},
                  {"state", state.next ? "the next one is made" : "one is in use"}});
  return {};
}

base::Status CertificateKeeper::write_files(const base::http::KeyPair& pair) {
  if (pair == written_) return {};
  RETURN_IF_ERROR(base::write_durably(options_.key_file, pair.key));
  RETURN_IF_ERROR(base::write_durably(options_.certificate_file, pair.certificate));
  written_ = pair;
  return {};
}

base::Status CertificateKeeper::publish(json configuration, const kube::ResourceType& type,
                                        const std::string& bundle) {
  if (trusts(configuration, bundle)) return {};
  for (json& webhook : configuration["webhooks"])
    webhook["clientConfig"]["caBundle"] = bundle;
  const auto written = api_.update(type, configuration);
  if (!written) return base::failure(written.error());
  base::log_info("runner", "Told the API servers which certificate to trust",
                 {{"configuration", type.kind + " " + options_.configuration}});
  return {};
}

}  // namespace runner::admission
