#include "monitor/reader_gate.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/sha256.h"
#include "monitor/access_review.h"

namespace monitor {
namespace {

using base::Code;
using base::failure;
using base::Result;
using base::Status;
using base::string_at;
using kube::Json;

constexpr std::chrono::milliseconds kSecond{1'000};

// Of the way as well: a token of one header is worth nothing in the other.
std::string digest_of(const std::string& token, bool proxied) {
  return base::sha256_hex((proxied ? "proxied " : "direct ") + token);
}

// What is not the caller's doing may be different in a moment.
bool is_an_answer(const Status& status) {
  return status || status.error().code == Code::Unauthenticated ||
         status.error().code == Code::Forbidden;
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

// Without an audience the token must be one for the API server.
Status ReaderGate::review(const Token& token) {
  ASSIGN_OR_RETURN(const Json user,
                   review_token(api_, token.text, token.proxied ? kHistoryAudience : ""));
  const std::string name = "https:" + options_.service.name + ":" + kHistoryPortName;
  ASSIGN_OR_RETURN(const bool allowed, review_access(api_, user,
                                                     {{"namespace", options_.service.ns},
                                                      {"verb", "get"},
                                                      {"version", "v1"},
                                                      {"resource", "services"},
                                                      {"subresource", "proxy"},
                                                      {"name", name}},
                                                     options_.service.ns));
  if (allowed) return {};
  return failure(Code::Forbidden, string_at(user, {"username"}) + " may not get services/proxy \"" +
                                      name + "\" in namespace " + options_.service.ns +
                                      ": the role " + options_.service.name +
                                      "-reader there allows it");
}

}  // namespace monitor
