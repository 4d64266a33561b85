#include "tools/sparkcron/cluster.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <utility>
#include <vector>

#include <unistd.h>

#include "kube/kubeconfig.h"
#include "tools/sparkcron/process_setup.h"
#include "tools/sparkcron/surroundings.h"
#include "tools/sparkcron/version.h"

namespace sparkcron {
namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::vector<std::string> split_paths(const std::string& paths) {
  std::vector<std::string> all;
  for (size_t begin = 0; begin <= paths.size();) {
    const size_t end = std::min(paths.find(':', begin), paths.size());
    if (end > begin) all.push_back(paths.substr(begin, end - begin));
    begin = end + 1;
  }
  return all;
}

base::Result<kube::Connection> find_cluster(const Options& options) {
  if (!options.kubeconfig.empty()) return kube::load_kubeconfig({options.kubeconfig});
  kube::InCluster pod;
  pod.host = variable("KUBERNETES_SERVICE_HOST");
  pod.port = variable("KUBERNETES_SERVICE_PORT");
  if (auto connection = kube::load_in_cluster(pod)) return connection;
  if (const std::string named = variable("KUBECONFIG"); !named.empty()) {
    return kube::load_kubeconfig(split_paths(named));
  }
  return kube::load_kubeconfig({variable("HOME") + "/.kube/config"});
}

base::Result<std::unique_ptr<kube::HttpApi>> make_api(base::http::ClientOptions client,
                                                      const Cluster& cluster) {
  ASSIGN_OR_RETURN(auto made, base::http::Client::create(std::move(client)));
  return std::make_unique<kube::HttpApi>(
      std::move(made), kube::HttpApiOptions{.stop = cluster.requests.get_token()});
}

base::http::ClientOptions without_credential(const base::http::ClientOptions& client) {
  base::http::ClientOptions person{.base_url = client.base_url, .user_agent = client.user_agent};
  person.ca_pem = client.ca_pem;
  person.ca = client.ca;
  person.tls_server_name = client.tls_server_name;
  person.proxy = client.proxy;
  person.insecure_skip_tls_verify = client.insecure_skip_tls_verify;
  return person;
}

}  // namespace

base::Status connect(const Options& options, Cluster& cluster) {
  ASSIGN_OR_RETURN(kube::Connection connection, find_cluster(options));
  connection.client.user_agent = std::string("sparkcron/") + kVersion;
  cluster.url = connection.client.base_url;
  cluster.ns = connection.ns;
  cluster.token = connection.client.bearer_token;
  if (const auto credential = connection.client.credential) {
    cluster.token = [credential] {
      const auto now = credential({});
      return now ? now->token : std::string();
    };
  }
  cluster.ca_pem = connection.client.ca_pem;
  cluster.person = without_credential(connection.client);
  ASSIGN_OR_RETURN(cluster.api, make_api(connection.client, cluster));
  const std::chrono::seconds call = kube::LeaseTimes{}.call;
  connection.client.connect_timeout = connection.client.request_timeout = call;
  if (connection.credential_within)
    connection.client.credential = [within = connection.credential_within, call](
                                       const std::stop_token& stop) { return within(call, stop); };
  ASSIGN_OR_RETURN(cluster.lease_api, make_api(std::move(connection.client), cluster));
  return {};
}

kube::ElectionOptions election(const Cluster& cluster) {
  return {.lease = {cluster.ns, kLease},
          .identity = node_name() + "_" + std::to_string(::getpid()),
          .times = {}};
}

}  // namespace sparkcron
