#pragma once

// How to reach an API server: kubeconfig files as kubectl reads them (several are merged, the first
// definition of a name counts), or the service account of the pod that we run in.
//
// Known: inline data and files, token, tokenFile, client certificate, exec plugins
// (exec_credential.h), basic, tls-server-name, proxy-url, insecure-skip-tls-verify. Certificates
// and tokens in files are read again every minute. Auth providers and impersonation are refused by
// name: Unimplemented.
//
// Errors name the file and the field, never a secret. Threads: pure but for the files read.

#include <chrono>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/http/client.h"
#include "base/result.h"

namespace kube {

struct Connection {
  base::http::ClientOptions client;
  std::string ns = "default";  // where commands act when none is given
  std::string context;         // its name; empty in a cluster
  // client.credential for whoever must know in time: Unavailable after so long. Empty: it never
  // waits.
  std::function<base::Result<base::http::Credential>(std::chrono::milliseconds,
                                                     const std::stop_token&)>
      credential_within;
};

// `context` "" = the current one. Files that do not exist are passed over, unless all are missing
// (NotFound).
base::Result<Connection> load_kubeconfig(const std::vector<std::string>& files,
                                         const std::string& context = "");

// From the environment and files that Kubernetes gives to every pod. NotFound outside of one.
struct InCluster {
  std::string folder = "/var/run/secrets/kubernetes.io/serviceaccount";
  std::string host;  // KUBERNETES_SERVICE_HOST
  std::string port;  // KUBERNETES_SERVICE_PORT
};
base::Result<Connection> load_in_cluster(const InCluster& where);

}  // namespace kube
