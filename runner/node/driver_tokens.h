#pragma once

// DriverTokens: what drivers say to the API of a cluster: a token of their own service account
// (TokenRequest), not the node's. Each is asked for a week, which the API server may shorten, and
// renewed when a fifth of its time is left. An API that gives none (it has no TokenRequest, or the
// node may not create serviceaccounts/token) leaves the node's own, which is asked about again
// after a minute.
//
// Threads: one.

#include <functional>
#include <map>
#include <string>
#include <utility>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "kube/api.h"

namespace runner::node {

struct IssuedToken {
  std::string token;
  base::WallTime expires;
};

// Unavailable when the answer holds no token.
base::Result<IssuedToken> request_token(kube::Api& api, const std::string& ns,
                                        const std::string& service_account);

class DriverTokens {
 public:
  using Request = std::function<base::Result<IssuedToken>(const std::string& ns,
                                                          const std::string& service_account)>;
  DriverTokens(Request request, std::function<std::string()> own, base::Clock& clock)
      : request_(std::move(request)), own_(std::move(own)), clock_(clock) {}

  std::string token_for(const nlohmann::json& pod);

 private:
  struct Known {
    std::string token;  // "": the node's own
    base::WallTime renew_at;
    base::WallTime expires;
  };
  void renew(const std::string& ns, const std::string& service_account, Known& known);

  const Request request_;
  const std::function<std::string()> own_;
  base::Clock& clock_;
  // By namespace and service account. Bound: 1,000; then all are asked for anew.
  std::map<std::pair<std::string, std::string>, Known> known_;
};

}  // namespace runner::node
