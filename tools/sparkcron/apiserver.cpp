#include "tools/sparkcron/apiserver.h"

#include <csignal>
#include <iostream>

#include <nlohmann/json.hpp>

#include "base/http/router.h"
#include "base/http/server.h"
#include "base/log.h"
#include "base/yaml/yaml.h"
#include "config/crd.h"
#include "kube/server/api_server.h"
#include "tools/sparkcron/command_line.h"
#include "tools/sparkcron/data_dir.h"

namespace sparkcron {
namespace {

// A worker waits for the disk while its write is made durable; the more wait, the more share one
// commit.
constexpr size_t kWorkers = 16;

using base::http::Handler;
using base::http::Request;
using base::http::Responder;

// Every thread that is started later inherits the mask, so only await_signal() sees them.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void await_signal(const sigset_t& signals) {
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) {
  }
}

void answer_ok(const Request&, const std::shared_ptr<Responder>& responder) {
  responder->send({.status = 200, .headers = {{"Content-Type", "text/plain"}}, .body = "ok"});
}

base::Result<std::vector<nlohmann::json>> definitions() {
  std::vector<nlohmann::json> result;
  for (const std::string_view text : config::crd_manifests()) {
    auto parsed = base::yaml::parse(text);
    if (!parsed) return base::failure(parsed.error().with_context("config/crd"));
    result.push_back(std::move(*parsed));
  }
  return result;
}

base::Result<std::unique_ptr<kube::server::ApiServer>> open_api(DataDir& data) {
  ASSIGN_OR_RETURN(std::string token, data.token());
  ASSIGN_OR_RETURN(auto custom, definitions());
  return kube::server::ApiServer::open({.path = data.file("state.db"),
                                        .tokens = {std::move(token)},
                                        .definitions = std::move(custom)});
}

base::Result<std::unique_ptr<base::http::Server>> listen(const Options& options, DataDir& data,
                                                         Handler handler) {
  base::http::ServerOptions server{.address = options.listen.host,
                                   .port = options.listen.port,
                                   .tls_certificate_file = options.tls_certificate_file,
                                   .tls_key_file = options.tls_key_file,
                                   .worker_threads = kWorkers};
  if (server.port == 0) server.port = data.last_port();
  auto listening = base::http::Server::listen(server, handler);
  // The port of the last start may be somebody else's now; port 0 asks for any.
  if (!listening && options.listen.port == 0 && server.port != 0) {
    server.port = 0;
    listening = base::http::Server::listen(server, handler);
  }
  return listening;
}

base::Status serve(const Options& options) {
  const sigset_t signals = block_signals();
  ASSIGN_OR_RETURN(auto data, DataDir::open(options.data_dir));
  ASSIGN_OR_RETURN(const auto api, open_api(data));
  base::http::Router router;
  for (const char* prefix : kube::server::ApiServer::kPrefixes)
    router.add(prefix, api->handler());
  for (const char* path : {"/livez", "/readyz", "/healthz"})
    router.add(path, answer_ok);
  ASSIGN_OR_RETURN(auto server, listen(options, data, router.handler()));
  RETURN_IF_ERROR(data.keep_port(server->port()));
  const bool tls = !options.tls_certificate_file.empty();
  const std::string authority = server->address() + ":" + std::to_string(server->port());
  const std::string url = (tls ? "https://" : "http://") + authority;
  ASSIGN_OR_RETURN(const std::string token, data.token());
  const std::string kubeconfig = data.file("kubeconfig");
  // client-go sends no bearer token over plain HTTP; from the URL it takes one.
  const std::string server_url = tls ? url : "http://sparkcron:" + token + "@" + authority;
  RETURN_IF_ERROR(write_private_file(
      kubeconfig, kubeconfig_text(server_url, token, tls ? options.tls_certificate_file : "")));
  std::cout << "Listening on " << url << "\nexport KUBECONFIG=" << kubeconfig << std::endl;
  await_signal(signals);
  base::log_info("tools", "Stopping");
  api->begin_stop();
  server.reset();
  return {};
}

}  // namespace

int run_apiserver(const Options& options) {
  const base::Status served = serve(options);
  if (served) return kExitOk;
  std::cerr << "sparkcron: " << served.error().message << "\n";
  return kExitFailure;
}

}  // namespace sparkcron
