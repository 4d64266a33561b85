#include "monitor/dashboard/visitors.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/sha256.h"
#include "config/names.h"
#include "monitor/access_review.h"

namespace monitor::dashboard {
namespace {

using base::Code;
using base::failure;
using base::Result;
using base::Status;
using kube::Json;

constexpr std::chrono::milliseconds kSecond{1'000};
constexpr size_t kSights = 3;

Result<std::string> token_of(const base::http::Request& head) {
  const auto token = bearer_token(head.headers.get("Authorization"));
  if (token) return *token;
  return failure(Code::Unauthenticated, "log in with a bearer token for the API server");
}

Json attributes_of(Sight sight, const std::string& ns) {
  if (sight == Sight::Logs)
    return {{"namespace", ns},
            {"verb", "get"},
            {"version", "v1"},
            {"resource", "pods"},
            {"subresource", "log"}};
  const kube::ResourceType& type = sight == Sight::Schedules
                                       ? config::scheduled_spark_applications()
                                       : config::spark_applications();
  return {{"namespace", ns},
          {"verb", "list"},
          {"group", type.group},
          {"version", type.version},
          {"resource", type.plural}};
}

}  // namespace

bool Visitors::knows(const base::http::Request& head) const {
  const auto token = token_of(head);
  if (!token) return false;
  base::MutexLock lock(mutex_);
  const auto known = known_.find(base::sha256_hex(*token));
  return known != known_.end() && known->second.answer && clock_.steady_now() < known->second.until;
}

size_t Visitors::known() const {
  base::MutexLock lock(mutex_);
  return known_.size();
}

Status Visitors::enter(const base::http::Request& head) {
  const auto user = user_of(head);
  if (!user) return failure(user.error());
  return {};
}

Result<Json> Visitors::user_of(const base::http::Request& head) {
  ASSIGN_OR_RETURN(const std::string token, token_of(head));
  const std::string digest = base::sha256_hex(token);
  {
    base::MutexLock lock(mutex_);
    const auto known = known_.find(digest);
    if (known != known_.end() && clock_.steady_now() < known->second.until) {
      if (!known->second.answer) return failure(known->second.answer.error());
      return known->second.user;
    }
    RETURN_IF_ERROR(take_turn());
  }
  auto user = review_token(api_, token, "");
  // What is not the caller's doing may be different in a moment.
  if (user || user.error().code == Code::Unauthenticated) remember(digest, user);
  return user;
}

// The API server is not to be flooded by who only guesses.
Status Visitors::take_turn() {
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

void Visitors::remember(const std::string& digest, const Result<Json>& user) {
  base::MutexLock lock(mutex_);
  const base::SteadyTime now = clock_.steady_now();
  if (known_.size() >= options_.max_known)
    std::erase_if(known_, [&](const auto& known) { return known.second.until <= now; });
  // Still too many: who is forgotten is asked about again.
  if (known_.size() >= options_.max_known)
    known_.erase(std::min_element(known_.begin(), known_.end(), [](const auto& a, const auto& b) {
      return a.second.until < b.second.until;
    }));
  // What the account may do is asked anew with it: its groups may be others now.
  Known& known = known_[digest] = {};
  known.until = now + (user ? options_.allowed_for : options_.refused_for);
  if (user)
    known.user = *user;
  else
    known.answer = failure(user.error());
}

Result<bool> Visitors::may_see(const base::http::Request& head, Sight sight,
                               const std::string& ns) {
  ASSIGN_OR_RETURN(const Json user, user_of(head));
  ASSIGN_OR_RETURN(const std::string token, token_of(head));
  const std::string digest = base::sha256_hex(token);
  if (!ns.empty()) {
    ASSIGN_OR_RETURN(const bool everywhere, may_see(head, sight, ""));
    if (everywhere) return true;
  }
  const Right right{sight, ns};
  {
    base::MutexLock lock(mutex_);
    const auto known = known_.find(digest);
    if (known != known_.end()) {
      const auto judged = known->second.rights.find(right);
      if (judged != known->second.rights.end() && clock_.steady_now() < judged->second.until)
        return judged->second.allowed;
    }
  }
  ASSIGN_OR_RETURN(const bool allowed, review_access(api_, user, attributes_of(sight, ns)));
  base::MutexLock lock(mutex_);
  const auto known = known_.find(digest);
  if (known == known_.end()) return allowed;
  auto& rights = known->second.rights;
  if (rights.size() >= kSights * (options_.max_namespaces + 1)) rights.clear();
  rights[right] = {
      .allowed = allowed,
      .until = clock_.steady_now() + (allowed ? options_.allowed_for : options_.refused_for)};
  return allowed;
}

Result<Scope> Visitors::scope(const base::http::Request& head, Sight sight,
                              const std::vector<std::string>& namespaces) {
  Scope scope;
  ASSIGN_OR_RETURN(scope.all, may_see(head, sight, ""));
  if (scope.all) return scope;
  scope.considered.insert(namespaces.begin(), namespaces.end());
  for (size_t i = 0; i < namespaces.size(); ++i) {
    if (i == options_.max_namespaces) {
      scope.cut = true;
      break;
    }
    ASSIGN_OR_RETURN(const bool allowed, may_see(head, sight, namespaces[i]));
    if (allowed) scope.namespaces.insert(namespaces[i]);
  }
  return scope;
}

}  // namespace monitor::dashboard
