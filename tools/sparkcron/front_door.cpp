#include "tools/sparkcron/front_door.h"

#include <filesystem>
#include <iostream>
#include <system_error>

#include "base/files.h"
#include "base/log.h"
#include "tools/sparkcron/version.h"

namespace sparkcron {
namespace {

// Where clients on this machine reach a server that listens there.
std::string reachable_host(const std::string& listen) {
  if (listen == "0.0.0.0") return "127.0.0.1";
  return listen == "::" ? "::1" : listen;
}

std::string url_of(const base::http::Server& server) {
  std::string host = reachable_host(server.address());
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return "https://" + host + ":" + std::to_string(server.port());
}

// The user's, else our own: kubectl keeps its token to itself unless it speaks TLS.
base::Result<CertificateFiles> choose_certificate(const Options& options, const DataDir& data) {
  if (!options.tls_certificate_file.empty()) {
    std::error_code problem;
    const auto certificate = std::filesystem::absolute(options.tls_certificate_file, problem);
    if (problem)
      return base::failure(
          base::Code::InvalidArgument,
          "--tls-cert-file " + options.tls_certificate_file + ": " + problem.message());
    return CertificateFiles{certificate, options.tls_key_file};
  }
  CertificateFiles files{data.file("tls.crt"), data.file("tls.key")};
  RETURN_IF_ERROR(
      ensure_certificate(files, reachable_host(options.listen.host), base::real_clock().now()));
  if (!options.listen.is_loopback()) {
    base::log_warning("sparkcron",
                      "Beyond this machine clients must be given the certificate that sparkcron "
                      "made for itself; give "
                      "one they trust with --tls-cert-file and --tls-key-file",
                      {{"listen", options.listen.host}, {"certificate", files.certificate}});
  }
  return files;
}

}  // namespace

base::Result<FrontDoor> open_front_door(const Options& options, DataDir& data,
                                        const base::http::Router& router) {
  FrontDoor door;
  ASSIGN_OR_RETURN(door.certificate, choose_certificate(options, data));
  base::http::ServerOptions server{.address = options.listen.host,
                                   .port = options.listen.port,
                                   .tls_certificate_file = door.certificate.certificate,
                                   .tls_key_file = door.certificate.key};
  // A write holds its thread until it is durable, and all that wait share one fsync: more threads
  // than cores are more writes a second.
  server.worker_threads = 32;
  server.admit = router.admit();
  server.max_connections = options.max_connections;
  server.max_strangers = options.max_connections / 8;
  server.memory_budget = options.memory_budget;
  if (options.listen.port == 0) server.port = data.last_port();
  auto listening = base::http::Server::listen(server, router.handler());
  if (!listening && options.listen.port == 0 && server.port != 0) {
    base::log_warning("sparkcron", "The port of the last start is taken, another is picked",
                      {{"port", std::to_string(server.port)}});
    server.port = 0;
    listening = base::http::Server::listen(server, router.handler());
  }
  if (!listening) return base::failure(listening.error());
  door.server = std::move(*listening);
  door.url = url_of(*door.server);
  RETURN_IF_ERROR(data.keep_port(door.server->port()));
  return door;
}

base::Status write_kubeconfigs(const FrontDoor& door, DataDir& data, const std::string& token,
                               const std::string& operators) {
  if (!operators.empty()) {
    ASSIGN_OR_RETURN(const std::string pem, base::read_file(door.certificate.certificate));
    const auto written =
        base::write_durably(operators, kubeconfig_text(door.url, token, "", pem), 0640);
    if (!written) return base::failure(written.error().with_context("--operator-kubeconfig"));
  }
  return base::write_durably(data.file("kubeconfig"),
                             kubeconfig_text(door.url, token, door.certificate.certificate));
}

void announce(const FrontDoor& door, const DataDir& data, const std::string& what) {
  const std::string kubeconfig = data.file("kubeconfig");
  std::cout << version_text() << " " << what << " listens on " << door.url << "\n"
            << "kubeconfig: " << kubeconfig << "\n\n"
            << "  export KUBECONFIG=" << kubeconfig << "\n"
            << "  kubectl get scheduledsparkapplications\n"
            << std::flush;
}

}  // namespace sparkcron
