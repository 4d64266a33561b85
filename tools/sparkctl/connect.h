#pragma once

// Which API server a command talks to: the first that is there of --kubeconfig, KUBECONFIG,
// ~/.kube/config, the kubeconfig in the default data folder of sparkcron standalone, and the
// service account of the pod that we run in.
//
// Threads: main only.

#include <functional>
#include <string>

#include "base/result.h"
#include "kube/kubeconfig.h"

namespace sparkctl {

// Empty when the variable is not set.
using Environment = std::function<std::string(const char* name)>;

struct ConnectOptions {
  std::string kubeconfig;
  std::string context;
};

// NotFound says where was looked and what to do.
base::Result<kube::Connection> find_connection(const ConnectOptions& options,
                                               const Environment& environment);

}  // namespace sparkctl
