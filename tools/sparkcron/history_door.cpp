#include "tools/sparkcron/history_door.h"

#include <algorithm>
#include <utility>

#include "base/http/router.h"
#include "tools/sparkcron/certificate.h"

namespace sparkcron {
namespace {

// People who ask; each may wait for the API.
constexpr size_t kThreads = 8;
constexpr size_t kMaxConnections = 256;
constexpr size_t kMaxStrangers = 64;
// Logs of 32 MiB, three at a time.
constexpr size_t kMemory = size_t{128} << 20;

base::Result<CertificateFiles> certificate_of(const Options& options, const std::string& host,
                                              const DataDir& data) {
  if (!options.tls_certificate_file.empty())
    return CertificateFiles{options.tls_certificate_file, options.tls_key_file};
  CertificateFiles files{data.file("history.crt"), data.file("history.key")};
  RETURN_IF_ERROR(ensure_certificate(files, host, base::real_clock().now()));
  return files;
}

}  // namespace

base::Result<std::unique_ptr<HistoryDoor>> HistoryDoor::open(const Options& options,
                                                             const std::string& ns, DataDir& data,
                                                             kube::Api& api, base::Clock& clock,
                                                             monitor::Ledger& ledger,
                                                             monitor::OpenRunLog logs) {
  std::unique_ptr<HistoryDoor> door(
      new HistoryDoor(api, clock, {.service = {ns, options.history_service}}));
  const monitor::Authorize authorize = [gate = &door->gate_](const base::http::Request& head) {
    return gate->check(head);
  };
  // Nobody's body is read: all that is served is read with GET.
  const base::http::Admit admit =
      [gate = &door->gate_](const base::http::Request& head) -> base::http::Admission {
    return {.refusal = std::nullopt, .trusted = gate->knows(head)};
  };
  base::http::Router router;
  router.add(monitor::kHistoryPath, monitor::history_handler(ledger, authorize), admit);
  router.add(monitor::kSummaryPath, monitor::summary_handler(ledger, authorize), admit);
  router.add(monitor::kLogPath, monitor::log_handler(std::move(logs), authorize), admit);
  ASSIGN_OR_RETURN(const CertificateFiles certificate,
                   certificate_of(options, options.history_service + "." + ns + ".svc", data));
  base::http::ServerOptions server{.address = options.history_listen->host,
                                   .port = options.history_listen->port,
                                   .tls_certificate_file = certificate.certificate,
                                   .tls_key_file = certificate.key};
  server.worker_threads = kThreads;
  server.admit = router.admit();
  server.max_connections = std::min(options.max_connections, kMaxConnections);
  server.max_strangers = std::min(server.max_connections / 4, kMaxStrangers);
  server.max_stranger_body = 0;
  server.memory_budget = std::min(options.memory_budget, kMemory);
  ASSIGN_OR_RETURN(door->server_, base::http::Server::listen(server, router.handler()));
  return door;
}

}  // namespace sparkcron
