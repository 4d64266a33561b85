#include "monitor/access_review.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/http/message.h"
#include "base/json.h"
#include "kube/resource_type.h"

namespace monitor {
namespace {

using base::Code;
using base::failure;
using base::Result;
using base::string_at;
using kube::Json;

// A projected token has some 1,200 bytes, one of OIDC with many groups a few thousand.
constexpr size_t kMaxToken = size_t{16} << 10;
constexpr std::string_view kBearer = "Bearer ";
constexpr const char* kReviews = "authorization.k8s.io";

const kube::ResourceType& token_reviews() {
  static const kube::ResourceType type{"authentication.k8s.io", "v1", "tokenreviews", "TokenReview",
                                       false};
  return type;
}

const kube::ResourceType& access_reviews() {
  static const kube::ResourceType type{kReviews, "v1", "subjectaccessreviews",
                                       "SubjectAccessReview", false};
  return type;
}

const kube::ResourceType& local_access_reviews() {
  static const kube::ResourceType type{kReviews, "v1", "localsubjectaccessreviews",
                                       "LocalSubjectAccessReview", true};
  return type;
}

// Our own lack of a right is not the caller's.
base::Error asking_failed(const char* what, const base::Error& error) {
  return {.code = Code::Unavailable,
          .message = std::string("the API server was asked ") + what +
                     " and did not say: " + error.message,
          .retry_after = error.retry_after};
}

}  // namespace

std::optional<std::string> bearer_token(std::string_view header) {
  if (header.size() <= kBearer.size() || header.size() > kMaxToken ||
      !base::http::equal_ignoring_case(header.substr(0, kBearer.size()), kBearer))
    return std::nullopt;
  return std::string(header.substr(kBearer.size()));
}

Result<Json> review_token(kube::Api& api, const std::string& token, const std::string& audience) {
  Json question = {{"apiVersion", token_reviews().api_version()},
                   {"kind", token_reviews().kind},
                   {"spec", {{"token", token}}}};
  if (!audience.empty()) question["spec"]["audiences"] = Json::array({audience});
  const auto answer = api.create(token_reviews(), question);
  if (!answer) return failure(asking_failed("whose the token is", answer.error()));
  if (!base::bool_at(*answer, {"status", "authenticated"}).value_or(false))
    return failure(Code::Unauthenticated,
                   audience.empty()
                       ? "the API server does not accept the token"
                       : "the token is not valid, or not for the audience " + audience);
  // An authenticator that knows no audiences would accept any token.
  const Json* audiences = base::find(*answer, {"status", "audiences"});
  const bool ours = audiences != nullptr && audiences->is_array() &&
                    std::find(audiences->begin(), audiences->end(), audience) != audiences->end();
  if (!audience.empty() && !ours)
    return failure(Code::Unauthenticated, "the token is not for the audience " + audience);
  const Json* user = base::find(*answer, {"status", "user"});
  if (user == nullptr || string_at(*user, {"username"}).empty())
    return failure(Code::Unauthenticated, "the token belongs to nobody");
  return *user;
}

Result<bool> review_access(kube::Api& api, const Json& user, Json attributes,
                           const std::string& ns) {
  Json spec = {{"user", string_at(user, {"username"})},
               {"resourceAttributes", std::move(attributes)}};
  for (const char* field : {"uid", "groups", "extra"})
    if (const Json* value = base::find(user, {field})) spec[field] = *value;
  const kube::ResourceType& type = ns.empty() ? access_reviews() : local_access_reviews();
  Json question = {
      {"apiVersion", type.api_version()}, {"kind", type.kind}, {"spec", std::move(spec)}};
  if (!ns.empty()) question["metadata"]["namespace"] = ns;
  const auto answer = api.create(type, question);
  if (!answer) return failure(asking_failed("what the caller may do", answer.error()));
  return base::bool_at(*answer, {"status", "allowed"}).value_or(false);
}

}  // namespace monitor
