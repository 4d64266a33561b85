#include "tools/sparkcron/history_door.h"

#include <algorithm>
#include <utility>

#include "base/http/router.h"
#include "monitor/dashboard/cluster.h"
#include "monitor/dashboard/dashboard.h"
#include "tools/sparkcron/certificate.h"

namespace sparkcron {
namespace {

// People who ask; each may wait for the API.
constexpr size_t kThreads = 8;
constexpr size_t kMaxConnections = 256;
constexpr size_t kMaxStrangers = 64;
// Logs of 32 MiB, three at a time.
constexpr size_t kMemory = size_t{128} << 20;
constexpr size_t kMaxAnswer = size_t{32} << 20;  // of the API server, to a page

base::Result<CertificateFiles> certificate_of(const Options& options, const std::string& host,
                                              const DataDir& data) {
  if (!options.tls_certificate_file.empty())
    return CertificateFiles{options.tls_certificate_file, options.tls_key_file};
  CertificateFiles files{data.file("history.crt"), data.file("history.key")};
  RETURN_IF_ERROR(ensure_certificate(files, host, base::real_clock().now()));
  return files;
}

base::Status everybody(const base::http::Request&) {
  return {};
}

}  // namespace

HistoryDoor::~HistoryDoor() {
  // Handlers that wait for the API server end, so that the server can.
  passage_.stop();
  server_.reset();
}

void HistoryDoor::add_history(base::http::Router& router) {
  const monitor::Authorize authorize = [this](const base::http::Request& head) {
    return gate_.check(head);
  };
  const base::http::Admit admit = [this](const base::http::Request& head) -> base::http::Admission {
    return {.refusal = std::nullopt, .trusted = gate_.knows(head)};
  };
  router.add(monitor::kHistoryPath, monitor::history_handler(parts_.ledger, authorize), admit);
  router.add(monitor::kSummaryPath, monitor::summary_handler(parts_.ledger, authorize), admit);
  router.add(monitor::kLogPath, monitor::log_handler(parts_.logs, authorize), admit);
}

void HistoryDoor::add_dashboard(base::http::Router& router, const Options& options) {
  // Who may ask was decided before.
  base::http::Router inside;
  inside.add(monitor::kHistoryPath, monitor::history_handler(parts_.ledger, everybody));
  inside.add(monitor::kSummaryPath, monitor::summary_handler(parts_.ledger, everybody));
  inside.add(monitor::kLogPath, monitor::log_handler(parts_.logs, everybody));
  inside.add("/readyz", parts_.health);
  router.add(monitor::dashboard::kPath,
             monitor::dashboard::cluster_handler(
                 {.visitors = visitors_,
                  .feed = parts_.feed,
                  .ledger = parts_.ledger,
                  .inside = inside.handler(),
                  .pass =
                      [this](const base::http::Request& request,
                             const std::shared_ptr<base::http::Responder>& responder) {
                        passage_.pass(request, responder);
                      },
                  .default_zone = options.default_time_zone,
                  .numbers = parts_.numbers,
                  .spark_history_url = options.spark_history_url}),
             monitor::dashboard::cluster_admit(visitors_));
}

base::Result<std::unique_ptr<HistoryDoor>> HistoryDoor::open(const Options& options,
                                                             const std::string& ns, DataDir& data,
                                                             HistoryParts parts) {
  parts.api_server.max_response = kMaxAnswer;
  ASSIGN_OR_RETURN(auto person, base::http::Client::create(parts.api_server));
  std::unique_ptr<HistoryDoor> door(new HistoryDoor(
      std::move(parts), {.service = {ns, options.history_service}}, std::move(person)));
  base::http::Router router;
  door->add_history(router);
  door->add_dashboard(router, options);
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
  server.memory_budget = std::min(options.memory_budget, kMemory);
  ASSIGN_OR_RETURN(door->server_, base::http::Server::listen(server, router.handler()));
  return door;
}

}  // namespace sparkcron
