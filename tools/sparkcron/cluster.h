#pragma once

// The cluster that a command works against, and the lease by which its controllers take turns.
//
// Threads: connect() and election() of one; what they give, any.

#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "base/http/client.h"
#include "kube/http_api.h"
#include "kube/leader_elector.h"
#include "tools/sparkcron/options.h"

namespace sparkcron {

inline constexpr const char* kLease = "sparkcron-controller";

struct Cluster {
  std::stop_source requests;
  std::string url;
  std::string ns;
  std::function<std::string()> token;  // read again when its file changes; empty = none
  std::string ca_pem;
  base::http::ClientOptions person;  // the same server, for who brings a token of their own
  std::unique_ptr<kube::HttpApi> api;
  // Of the election alone: a call that hangs ends long before the lease is lost.
  std::unique_ptr<kube::HttpApi> lease_api;
};

// --kubeconfig, else the pod's service account, else $KUBECONFIG, else ~/.kube/config.
base::Status connect(const Options& options, Cluster& cluster);
kube::ElectionOptions election(const Cluster& cluster);

}  // namespace sparkcron
