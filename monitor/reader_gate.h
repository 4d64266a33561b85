#pragma once

// ReaderGate: whether a request may read the history of a cluster. The API server says so: a
// TokenReview tells who calls, a LocalSubjectAccessReview whether that account may `get` the
// service's proxy, the right that leads through the API server's own proxy. So the same role opens
// both ways, and nothing else opens one. README.md has the reasoning.
//
// A token comes in one of two headers. Authorization: a token for the API server, from a caller who
// connects directly. X-Sparkcron-Authorization: one made for kHistoryAudience alone; the API
// server's proxy passes it on (it takes Authorization off) and it is good for nothing else. Tokens
// are neither logged nor kept; what was answered is remembered under their SHA-256.
//
// Errors: Unauthenticated, Forbidden (with the role that is missing); ResourceExhausted when
// strangers make it ask too often; Unavailable when the API does not answer. Threads: any.

#include <chrono>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/http/message.h"
#include "base/mutex.h"
#include "base/result.h"
#include "kube/api.h"
#include "kube/resource_type.h"

namespace monitor {

inline constexpr const char* kHistoryAudience = "sparkcron-history";
inline constexpr const char* kProxiedTokenHeader = "X-Sparkcron-Authorization";
// Of the service's port; what the API server's proxy calls the service is
// "https:<service>:<port name>", and so do roles.
inline constexpr const char* kHistoryPortName = "https";

struct ReaderGateOptions {
  kube::ObjectKey service;
  // How long an answer is believed: a right that was taken away, or given, is noticed after that.
  std::chrono::milliseconds allowed_for{30'000};
  std::chrono::milliseconds refused_for{5'000};
  size_t max_known = 1'000;
  // Tokens that are not known yet, a second and all callers together.
  int max_reviews = 20;
};

class ReaderGate {
 public:
  // All must outlive it.
  ReaderGate(kube::Api& api, base::Clock& clock, ReaderGateOptions options)
      : api_(api), clock_(clock), options_(std::move(options)) {}

  // May wait for the API.
  base::Status check(const base::http::Request& head);
  // Whether check() would allow it without asking. Never waits.
  [[nodiscard]] bool knows(const base::http::Request& head) const;
  // Tokens that are remembered now.
  [[nodiscard]] size_t known() const;

 private:
  struct Token {
    std::string text;
    bool proxied = false;
  };
  struct Known {
    base::Status answer;
    base::SteadyTime until;
  };
  static base::Result<Token> token_of(const base::http::Request& head);
  base::Status review(const Token& token);
  base::Status take_turn() REQUIRES(mutex_);
  void remember(const std::string& digest, const base::Status& answer);

  kube::Api& api_;
  base::Clock& clock_;
  const ReaderGateOptions options_;
  mutable base::Mutex mutex_;
  std::map<std::string, Known> known_ GUARDED_BY(mutex_);  // by the token's digest
  base::SteadyTime second_ GUARDED_BY(mutex_){};
  int reviews_ GUARDED_BY(mutex_) = 0;  // in that second
};

}  // namespace monitor
