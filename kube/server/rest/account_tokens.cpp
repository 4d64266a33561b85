#include "kube/server/rest/account_tokens.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/base64.h"
#include "base/check.h"
#include "base/constant_time.h"
#include "base/json.h"
#include "kube/server/objects/identity.h"

namespace kube::server::rest {
namespace {

using nlohmann::json;

// {"alg":"HS256","typ":"JWT"}: the only head that is taken, so that nobody chooses another
// algorithm.
constexpr std::string_view kHead = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
constexpr std::string_view kPurpose = "sparkcron: tokens of service accounts";
constexpr size_t kMaxToken = size_t{8} << 10;
constexpr const char* kMember = "kubernetes.io";

std::string hmac(std::string_view key, std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  const void* done =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &size);
  CHECK(done != nullptr);
  return {digest.begin(), digest.begin() + size};
}

// The alphabet of URLs, without padding (RFC 4648 section 5).
std::string encode(std::string_view bytes) {
  std::string text = base::encode_base64(bytes);
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  text.erase(std::find(text.begin(), text.end(), '='), text.end());
  return text;
}

std::optional<std::string> decode(std::string_view text) {
  std::string standard(text);
  std::replace(standard.begin(), standard.end(), '-', '+');
  std::replace(standard.begin(), standard.end(), '_', '/');
  return base::decode_base64(standard);
}

int64_t seconds_of(base::WallTime time) {
  return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

bool is_for_this_server(const json& claims) {
  const json* audiences = base::find(claims, {"aud"});
  return audiences != nullptr && audiences->is_array() &&
         std::find(audiences->begin(), audiences->end(), AccountTokens::kAudience) !=
             audiences->end();
}

}  // namespace

AccountTokens::AccountTokens(const objects::Objects& objects,
                             const std::vector<std::string>& tokens)
    : objects_(objects) {
  CHECK(!tokens.empty());
  for (const std::string& token : tokens)
    keys_.push_back(hmac(token, kPurpose));
}

std::string AccountTokens::issue(const Grant& grant) const {
  json named = {{"namespace", grant.ns},
                {"serviceaccount", {{"name", grant.account}, {"uid", grant.uid}}}};
  if (grant.bound) {
    named["bound"] = {{"resource", grant.bound->resource},
                      {"name", grant.bound->name},
                      {"uid", grant.bound->uid}};
  }
  const json claims = {{"iss", kAudience},
                       {"sub", "system:serviceaccount:" + grant.ns + ":" + grant.account},
                       {"aud", grant.audiences},
                       {"iat", seconds_of(grant.issued)},
                       {"nbf", seconds_of(grant.issued)},
                       {"exp", seconds_of(grant.issued) + grant.lifetime.count()},
                       {"jti", objects::new_uid()},
                       {kMember, std::move(named)}};
  const std::string text = std::string(kHead) + "." + encode(base::dump_json(claims));
  return text + "." + encode(hmac(keys_.front(), text));
}

bool AccountTokens::is_signed(std::string_view text, std::string_view signature) const {
  return std::any_of(keys_.begin(), keys_.end(), [&](const std::string& key) {
    return base::equal_in_constant_time(signature, hmac(key, text));
  });
}

bool AccountTokens::exists(const std::string& resource, const std::string& ns,
                           const std::string& name, const std::string& uid) const {
  const auto object = objects_.store().get({.resource = resource, .ns = ns, .name = name});
  return object != nullptr && object->indexed.uid == uid;
}

std::optional<Caller> AccountTokens::recognise(std::string_view token) const {
  if (token.size() > kMaxToken || !token.starts_with(kHead)) return std::nullopt;
  const size_t end = token.rfind('.');
  if (end == std::string_view::npos || end <= kHead.size() || token[kHead.size()] != '.')
    return std::nullopt;
  const auto signature = decode(token.substr(end + 1));
  if (!signature || !is_signed(token.substr(0, end), *signature)) return std::nullopt;
  // From here on it is what we wrote ourselves.
  const auto text = decode(token.substr(kHead.size() + 1, end - kHead.size() - 1));
  const auto claims = text ? base::parse_json(*text) : base::Result<json>(json());
  if (!claims || !is_for_this_server(*claims)) return std::nullopt;
  const int64_t now = seconds_of(objects_.clock().now());
  if (now >= base::integer_at(*claims, {"exp"}).value_or(0)) return std::nullopt;
  const std::string ns = base::string_at(*claims, {kMember, "namespace"});
  const std::string name = base::string_at(*claims, {kMember, "serviceaccount", "name"});
  const std::string uid = base::string_at(*claims, {kMember, "serviceaccount", "uid"});
  if (!exists("serviceaccounts", ns, name, uid)) return std::nullopt;
  if (const json* bound = base::find(*claims, {kMember, "bound"})) {
    const std::string resource = base::string_at(*bound, {"resource"});
    if (!exists(resource, resource == "nodes" ? "" : ns, base::string_at(*bound, {"name"}),
                base::string_at(*bound, {"uid"}))) {
      return std::nullopt;
    }
  }
  return Caller{
      .username = "system:serviceaccount:" + ns + ":" + name,
      .uid = uid,
      .groups = {"system:serviceaccounts", "system:serviceaccounts:" + ns, "system:authenticated"}};
}

}  // namespace kube::server::rest
