#include "tools/sparkcron/webhook.h"

#include <chrono>
#include <filesystem>
#include <string_view>
#include <utility>

#include "base/files.h"
#include "base/guard.h"
#include "base/http/router.h"
#include "base/log.h"

namespace sparkcron {
namespace {

using base::Code;
using base::failure;
using base::http::Request;
using base::http::Responder;
using base::http::Response;
using std::chrono::seconds;
namespace admission = runner::admission;

// How often the Secret is looked at; the steps of an exchange are an hour apart.
constexpr seconds kLook{15};
constexpr seconds kRetry{3};

std::string_view answer_of(admission::Verdict verdict) {
  switch (verdict) {
    case admission::Verdict::Allowed:
      return "allowed";
    case admission::Verdict::Changed:
      return "changed";
    case admission::Verdict::Refused:
      return "refused";
    case admission::Verdict::NoReview:
      break;
  }
  return "malformed";
}

}  // namespace

Webhook::Webhook(const WebhookOptions& options, const std::string& ns, const std::string& folder,
                 admission::Rules rules, kube::Api& api, base::Clock& clock,
                 runner::Telemetry* telemetry)
    : options_(options), rules_(std::move(rules)), clock_(clock), telemetry_(telemetry) {
  const bool given = !options.certificate_dir.empty();
  const std::string where = given ? options.certificate_dir : folder;
  certificate_file_ = where + "/tls.crt";
  key_file_ = where + "/tls.key";
  if (given) return;
  const std::string host = options.service + "." + ns + ".svc";
  keeper_ = std::make_unique<admission::CertificateKeeper>(
      api, clock,
      admission::KeeperOptions{.secret = {ns, options.secret},
                               .configuration = options.configuration,
                               .rules = {.hosts = {host, host + ".cluster.local"}},
                               .certificate_file = certificate_file_,
                               .key_file = key_file_});
}

Webhook::~Webhook() {
  stop();
}

void Webhook::start() {
  thread_ = base::start_thread("webhook", [this] { run(); });
}

void Webhook::stop() {
  {
    base::MutexLock lock(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  server_.reset();
}

base::Status Webhook::ready() const {
  base::MutexLock lock(mutex_);
  if (state_) return {};
  return failure(state_.error().with_context("the webhook is not served"));
}

std::string Webhook::address() const {
  base::MutexLock lock(mutex_);
  return address_;
}

void Webhook::run() {
  std::string told;  // each problem once
  while (true) {
    const auto done = base::guarded("keep the webhook", [this] { return step(); });
    const bool conflict = !done && done.error().code == Code::Conflict;
    const std::string problem = done || conflict ? "" : done.error().message;
    if (!problem.empty() && problem != told)
      base::log_warning("sparkcron", "The webhook has a problem", {{"error", problem}});
    told = problem;
    base::MutexLock lock(mutex_);
    // A server that is there goes on with the certificate that it has.
    state_ = server_ != nullptr ? base::Status() : done;
    const base::SteadyTime until = clock_.steady_now() + (done ? kLook : kRetry);
    while (!stopping_ && clock_.wait_until(lock, changed_, until)) {
    }
    if (stopping_) return;
  }
}

base::Status Webhook::step() {
  base::Status kept;
  if (keeper_ != nullptr) kept = keeper_->step();
  // The certificate may be there though it could not be told to the API servers.
  if (server_ == nullptr && base::path_exists(certificate_file_)) RETURN_IF_ERROR(listen());
  if (server_ == nullptr && kept)
    return failure(Code::NotFound, "there is no certificate " + certificate_file_ + " yet");
  return kept;
}

base::Status Webhook::listen() {
  base::http::ServerOptions options{.address = options_.listen.host,
                                    .port = options_.listen.port,
                                    .tls_certificate_file = certificate_file_,
                                    .tls_key_file = key_file_};
  // API servers do not say who they are, so anybody who reaches the port may ask: a few
  // connections, little memory.
  options.max_body = admission::kMaxBody;
  options.max_connections = 256;
  options.memory_budget = size_t{64} << 20;
  base::http::Router router;
  for (const char* path : {"/validate", "/mutate"}) {
    router.add(path, [this](const Request& request, const std::shared_ptr<Responder>& responder) {
      handle(request, *responder);
    });
  }
  ASSIGN_OR_RETURN(server_, base::http::Server::listen(std::move(options), router.handler()));
  const std::string address = server_->address() + ":" + std::to_string(server_->port());
  base::log_info("sparkcron", "Serves the admission webhook", {{"address", address}});
  base::MutexLock lock(mutex_);
  address_ = address;
  return {};
}

void Webhook::handle(const Request& request, Responder& responder) const {
  if (request.method != "POST") {
    responder.send(Response{.status = 405, .headers = {{"Allow", "POST"}}, .body = {}});
    return;
  }
  const base::SteadyTime asked = clock_.steady_now();
  admission::Reply reply = request.path == "/validate" ? admission::validate(request.body, rules_)
                                                       : admission::mutate(request.body, rules_);
  if (telemetry_ != nullptr) {
    telemetry_->admission_answered(
        reply.resource, answer_of(reply.verdict),
        std::chrono::duration_cast<std::chrono::milliseconds>(clock_.steady_now() - asked));
  }
  responder.send(Response{
      .status = reply.status,
      .headers = {{"Content-Type", reply.status == 200 ? "application/json" : "text/plain"}},
      .body = std::move(reply.body)});
}

}  // namespace sparkcron
