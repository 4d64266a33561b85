#pragma once

// Credentials from an exec plugin of a kubeconfig (client.authentication.k8s.io, v1 and v1beta1),
// as kubectl asks aws, gcloud or kubelogin for them.
//
// The plugin has 30 seconds to write at most 1 MiB and to end; it gets our environment with its own
// additions and KUBERNETES_EXEC_INFO, no terminal, and our standard error. What it gives is kept
// until it expires or the API server answers 401. A minute before it expires the plugin runs again,
// and nobody waits for it but in the last ten seconds; while it says nothing, or fails, what has
// not expired goes on. One that fails is not started again for ten seconds. It runs on a thread of
// its own, and is ended with this object.
//
// Errors name the plugin and what is wrong, never what it wrote. Threads: any.

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/http/client.h"
#include "base/result.h"

namespace kube {

struct ExecPlugin {
  std::string api_version;
  std::string command;  // a path, or a name that PATH finds
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;  // in addition to ours
  std::string install_hint;
  std::string cluster;  // spec.cluster as JSON, if the plugin is to know it; else empty
  std::chrono::milliseconds time_limit{30'000};
};

struct ExecCredential {
  base::http::Credential credential;
  std::optional<base::WallTime> expires;  // nullopt: until the server refuses it
};
// Pure: what a plugin wrote.
base::Result<ExecCredential> parse_exec_credential(std::string_view text,
                                                   std::string_view api_version);

class ExecCredentials {
 public:
  explicit ExecCredentials(ExecPlugin plugin, base::Clock& clock = base::real_clock());
  ~ExecCredentials();
  struct Wait {
    std::chrono::milliseconds at_most = std::chrono::hours(1);  // the plugin's own limit is shorter
    std::stop_token stop = {};
  };
  // Runs the plugin if there is no credential that is fresh, and waits for it. Unavailable when it
  // takes longer, Cancelled when the wait is stopped; it runs on, and whoever comes later gets what
  // it says.
  base::Result<base::http::Credential> get(const Wait& wait);
  base::Result<base::http::Credential> get() { return get({}); }
  // The server refused it.
  void reject();

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace kube
