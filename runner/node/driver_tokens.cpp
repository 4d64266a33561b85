#include "runner/node/driver_tokens.h"

#include <chrono>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "base/rfc3339.h"

namespace runner::node {
namespace {

using Json = nlohmann::json;

constexpr std::chrono::seconds kWished = std::chrono::hours(24 * 7);
constexpr std::chrono::minutes kAskAgain{1};
constexpr size_t kMost = 1000;

}  // namespace

base::Result<IssuedToken> request_token(kube::Api& api, const std::string& ns,
                                        const std::string& service_account) {
  // A subresource that is created: its path is that of a collection below the account.
  const kube::ResourceType type{"", "v1", "serviceaccounts/" + service_account + "/token",
                                "TokenRequest", true};
  const auto answer =
      api.create(type, {{"apiVersion", "authentication.k8s.io/v1"},
                        {"kind", "TokenRequest"},
                        {"metadata", {{"name", service_account}, {"namespace", ns}}},
                        {"spec", {{"expirationSeconds", kWished.count()}}}});
  RETURN_IF_ERROR(answer);
  IssuedToken issued{.token = base::string_at(*answer, {"status", "token"}), .expires = {}};
  const auto expires =
      base::parse_rfc3339(base::string_at(*answer, {"status", "expirationTimestamp"}));
  if (issued.token.empty() || !expires)
    return base::failure(base::Code::Unavailable, "the answer holds no token");
  issued.expires = *expires;
  return issued;
}

std::string DriverTokens::token_for(const Json& pod) {
  const std::string ns = kube::key_of(pod).ns;
  std::string account = base::string_at(pod, {"spec", "serviceAccountName"});
  if (account.empty()) account = "default";
  if (known_.size() >= kMost && !known_.contains({ns, account})) known_.clear();
  Known& known = known_[{ns, account}];
  if (clock_.now() >= known.renew_at) renew(ns, account, known);
  if (!known.token.empty()) return known.token;
  return own_ ? own_() : std::string();
}

void DriverTokens::renew(const std::string& ns, const std::string& service_account, Known& known) {
  const base::WallTime now = clock_.now();
  const bool first = known.renew_at == base::WallTime{};
  auto issued = request_(ns, service_account);
  if (issued) {
    known = {.token = std::move(issued->token),
             .renew_at = now + (issued->expires - now) / 5 * 4,
             .expires = issued->expires};
    return;
  }
  // The old one serves as long as it holds.
  known.renew_at = now + kAskAgain;
  if (known.token.empty() ? first : now >= known.expires)
    base::log_warning(
        "runner/node", "A driver gets the node's own token",
        {{"serviceAccount", ns + "/" + service_account}, {"error", issued.error().message}});
  if (now >= known.expires) known.token.clear();
}

}  // namespace runner::node
