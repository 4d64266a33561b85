#pragma once

// Visitors: who opens the dashboard of a cluster, by the bearer token that each request carries,
// and in which namespaces each may see what. The API server says so: a TokenReview whose the token
// is, a SubjectAccessReview for every right and namespace. A right for all namespaces is asked for
// first, and saves the others.
//
// Tokens are neither logged nor kept; what was answered is remembered under their SHA-256, for half
// a minute. Errors: Unauthenticated; ResourceExhausted when strangers make it ask too often;
// Unavailable when the API does not answer. Threads: any.

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/http/message.h"
#include "base/mutex.h"
#include "base/result.h"
#include "kube/api.h"

namespace monitor::dashboard {

// Of a namespace: to list schedules, to list runs (the history, too), to read logs.
enum class Sight { Schedules, Runs, Logs };

struct Scope {
  bool all = false;
  std::set<std::string> namespaces;  // unless all
  std::set<std::string> considered;  // those that were asked about or cut, unless all
  bool cut = false;                  // there are more than are asked about

  [[nodiscard]] bool has(const std::string& ns) const { return all || namespaces.contains(ns); }
};

struct VisitorsOptions {
  std::chrono::milliseconds allowed_for{30'000};
  std::chrono::milliseconds refused_for{5'000};
  size_t max_known = 1'000;
  // Tokens that are not known yet, a second and all callers together.
  int max_reviews = 20;
  size_t max_namespaces = 200;
};

class Visitors {
 public:
  // Both must outlive it.
  Visitors(kube::Api& api, base::Clock& clock, VisitorsOptions options = {})
      : api_(api), clock_(clock), options_(options) {}

  // Whether the API server knows the caller. May wait for it, as the next two.
  base::Status enter(const base::http::Request& head);
  // Of somebody who has entered; ns "" = all namespaces at once.
  base::Result<bool> may_see(const base::http::Request& head, Sight sight, const std::string& ns);
  base::Result<Scope> scope(const base::http::Request& head, Sight sight,
                            const std::vector<std::string>& namespaces);
  // Whether enter() would let the caller in without asking. Never waits.
  [[nodiscard]] bool knows(const base::http::Request& head) const;
  // Tokens that are remembered now.
  [[nodiscard]] size_t known() const;

 private:
  using Right = std::pair<Sight, std::string>;
  struct Judged {
    bool allowed = false;
    base::SteadyTime until;
  };
  struct Known {
    base::Status answer;
    kube::Json user;
    base::SteadyTime until;
    std::map<Right, Judged> rights;
  };
  base::Result<kube::Json> user_of(const base::http::Request& head);
  base::Status take_turn() REQUIRES(mutex_);
  void remember(const std::string& digest, const base::Result<kube::Json>& user);

  kube::Api& api_;
  base::Clock& clock_;
  const VisitorsOptions options_;
  mutable base::Mutex mutex_;
  std::map<std::string, Known> known_ GUARDED_BY(mutex_);  // by the token's digest
  base::SteadyTime second_ GUARDED_BY(mutex_){};
  int reviews_ GUARDED_BY(mutex_) = 0;  // in that second
};

}  // namespace monitor::dashboard
