#include "monitor/reader_gate.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/sha256.h"

namespace monitor {
namespace {

using base::Code;
using base::failure;
using base::Result;
using base::Status;
using base::string_at;
using kube::Json;

// A projected token has some 1,200 bytes, one of OIDC with many groups a few thousand.
constexpr size_t kMaxToken = size_t{16} << 10;
constexpr std::string_view kBearer = "Bearer ";
constexpr std::chrono::milliseconds kSecond{1'000};

const kube::ResourceType& token_reviews() {
  static const kube::ResourceType type{"authentication.k8s.io", "v1", "tokenreviews", "TokenReview",
                                       false};
  return type;
}

const kube::ResourceType& access_reviews() {
  static const kube::ResourceType type{"authorization.k8s.io", "v1", "localsubjectaccessreviews",
                                       "LocalSubjectAccessReview", true};
  return type;
}

std::optional<std::string> bearer_token(std::string_view header) {
  if (header.size() <= kBearer.size() || header.size() > kMaxToken ||
      !base::http::equal_ignoring_case(header.substr(0, kBearer.size()), kBearer))
    return std::nullopt;
  return std::string(header.substr(kBearer.size()));
}

// Of the way as well: a token of one header is worth nothing in the other.
std::string digest_of(const std::string& token, bool proxied) {
  return base::sha256_hex((proxied ? "proxied " : "direct ") + token);
}

// What is not the caller's doing may be different in a moment.
bool is_an_answer(const Status& status) {
  return status || status.error().code == Code::Unauthenticated ||
         status.error().code == Code::Forbidden;
}

// Our own lack of a right is not the caller's.
base::Error asking_failed(const char* what, const base::Error& error) {
  return {.code = Code::Unavailable,
          .message = std::string("the API server was asked ") + what +
                     " and did not say: " + error.message,
          .retry_after = error.retry_after};
}

}  // namespace

Result<ReaderGate::Token> ReaderGate::token_of(const base::http::Request& head) {
  for (const auto& [header, proxied] :
       {std::pair{kProxiedTokenHeader, true}, std::pair{"Authorization", false}}) {
    if (!head.headers.has(header)) continue;
    auto token = bearer_token(head.headers.get(header));
    if (!token)
      return failure(Code::Unauthenticated, std::string(header) + ": a bearer token is expected");
    return Token{.text = *std::move(token), .proxied = proxied};
  }
  return failure(Code::Unauthenticated,
                 "a bearer token is needed: in Authorization one for the API server, or in " +
                     std::string(kProxiedTokenHeader) + " one for the audience " +
                     kHistoryAudience);
}

bool ReaderGate::knows(const base::http::Request& head) const {
  const auto token = token_of(head);
  if (!token) return false;
  base::MutexLock lock(mutex_);
  const auto known = known_.find(digest_of(token->text, token->proxied));
  return known != known_.end() && known->second.answer && clock_.steady_now() < known->second.until;
}

size_t ReaderGate::known() const {
  base::MutexLock lock(mutex_);
  return known_.size();
}

Status ReaderGate::check(const base::http::Request& head) {
  ASSIGN_OR_RETURN(const Token token, token_of(head));
  const std::string digest = digest_of(token.text, token.proxied);
  {
    base::MutexLock lock(mutex_);
    const auto known = known_.find(digest);
    if (known != known_.end() && clock_.steady_now() < known->second.until)
      return known->second.answer;
    RETURN_IF_ERROR(take_turn());
  }
  const Status answer = review(token);
  if (is_an_answer(answer)) remember(digest, answer);
  return answer;
}

// The API server is not to be flooded by who only guesses.
Status ReaderGate::take_turn() {
  const base::SteadyTime now = clock_.steady_now();
  if (now - second_ >= kSecond) {
    second_ = now;
    reviews_ = 0;
  }
  if (++reviews_ <= options_.max_reviews) return {};
  return failure(base::Error{.code = Code::ResourceExhausted,
                             .message = "too many tokens that are not known yet: try again",
                             .retry_after = kSecond});
}

void ReaderGate::remember(const std::string& digest, const Status& answer) {
  base::MutexLock lock(mutex_);
  const base::SteadyTime now = clock_.steady_now();
  if (known_.size() >= options_.max_known)
    std::erase_if(known_, [&](const auto& known) { return known.second.until <= now; });
  // Still too many: who is forgotten is asked about again.
  if (known_.size() >= options_.max_known)
    known_.erase(std::min_element(known_.begin(), known_.end(), [](const auto& a, const auto& b) {
      return a.second.until < b.second.until;
    }));
  known_[digest] = {.answer = answer,
                    .until = now + (answer ? options_.allowed_for : options_.refused_for)};
}

Status ReaderGate::review(const Token& token) {
  ASSIGN_OR_RETURN(const Json user, user_of(token));
  return authorize(user);
}

Result<Json> ReaderGate::user_of(const Token& token) {
  Json question = {{"apiVersion", token_reviews().api_version()},
                   {"kind", token_reviews().kind},
                   {"spec", {{"token", token.text}}}};
  // Without an audience the token must be one for the API server.
  if (token.proxied) question["spec"]["audiences"] = Json::array({kHistoryAudience});
  const auto answer = api_.create(token_reviews(), question);
  if (!answer) return failure(asking_failed("whose the token is", answer.error()));
  if (!base::bool_at(*answer, {"status", "authenticated"}).value_or(false))
    return failure(Code::Unauthenticated,
                   token.proxied ? "the token is not valid, or not for the audience " +
                                       std::string(kHistoryAudience)
                                 : std::string("the API server does not accept the token"));
  // An authenticator that knows no audiences would accept any token.
  const Json* audiences = base::find(*answer, {"status", "audiences"});
  const bool ours =
      audiences != nullptr && audiences->is_array() &&
      std::find(audiences->begin(), audiences->end(), Json(kHistoryAudience)) != audiences->end();
  if (token.proxied && !ours)
    return failure(Code::Unauthenticated,
                   "the token is not for the audience " + std::string(kHistoryAudience));
  const Json* user = base::find(*answer, {"status", "user"});
  if (user == nullptr || string_at(*user, {"username"}).empty())
    return failure(Code::Unauthenticated, "the token belongs to nobody");
  return *user;
}

Status ReaderGate::authorize(const Json& user) {
  const std::string name = "https:" + options_.service.name + ":" + kHistoryPortName;
  Json spec = {{"user", string_at(user, {"username"})},
               {"resourceAttributes",
                {{"namespace", options_.service.ns},
                 {"verb", "get"},
                 {"version", "v1"},
                 {"resource", "services"},
                 {"subresource", "proxy"},
                 {"name", name}}}};
  for (const char* field : {"uid", "groups", "extra"})
    if (const Json* value = base::find(user, {field})) spec[field] = *value;
  const auto answer =
      api_.create(access_reviews(), {{"apiVersion", access_reviews().api_version()},
                                     {"kind", access_reviews().kind},
                                     {"metadata", {{"namespace", options_.service.ns}}},
                                     {"spec", std::move(spec)}});
  if (!answer) return failure(asking_failed("what the caller may do", answer.error()));
  if (base::bool_at(*answer, {"status", "allowed"}).value_or(false)) return {};
  return failure(Code::Forbidden, string_at(user, {"username"}) + " may not get services/proxy \"" +
                                      name + "\" in namespace " + options_.service.ns +
                                      ": the role " + options_.service.name +
                                      "-reader there allows it");
}

}  // namespace monitor
