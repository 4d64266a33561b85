#include "tools/sparkctl/history_service.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "tools/sparkctl/table.h"

namespace sparkctl {
namespace {

using base::Code;
using base::failure;
using base::http::Request;
using base::http::Response;
using kube::Json;

// What the chart calls it in a release of its own name.
const kube::ObjectKey kUsual{"sparkcron", "sparkcron-history"};
// As monitor/reader_gate.h has them.
constexpr const char* kAudience = "sparkcron-history";
constexpr const char* kTokenHeader = "X-Sparkcron-Authorization";
// The least that an API server gives.
constexpr int kTokenSeconds = 600;

struct Service {
  kube::ObjectKey key;
  bool guessed = false;
};

base::Result<Service> named(const std::string& text) {
  const size_t slash = text.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == text.size() ||
      text.find('/', slash + 1) != std::string::npos)
    return failure(Code::InvalidArgument, "--history-service \"" + text +
                                              "\": NAMESPACE/NAME expected, such as " +
                                              kUsual.to_string());
  return Service{.key = {text.substr(0, slash), text.substr(slash + 1)}};
}

// By its label, where the caller may list services; else by its usual name.
base::Result<Service> find_service(Session& session) {
  if (!session.history_service.empty()) return named(session.history_service);
  const auto services =
      session.api.list(kube::services(), {.ns = "", .label_selector = kHistorySelector});
  if (!services && services.error().code != Code::Forbidden) return failure(services.error());
  if (!services || services->items.empty()) return Service{.key = kUsual, .guessed = true};
  if (services->items.size() == 1) return Service{.key = kube::key_of(services->items.front())};
  std::string names;
  for (const Json& service : services->items)
    names += (names.empty() ? "" : ", ") + kube::key_of(service).to_string();
  return failure(Code::InvalidArgument, "several services keep a history (" + safe_text(names) +
                                            "): choose one with --history-service");
}

base::Error explained(const base::Error& error, const Service& service) {
  const std::string name = service.key.to_string();
  switch (error.code) {
    case Code::Forbidden:
      return {.code = Code::Forbidden,
              .message = "reading the history of " + name + " needs the role " + service.key.name +
                         "-reader of namespace " + service.key.ns + ": " + error.message};
    case Code::NotFound:
      return {.code = Code::Unimplemented,
              .message = service.guessed
                             ? "no service keeps a history here: install the chart with "
                               "controller.history.enable, or name the service with "
                               "--history-service NAMESPACE/NAME; what the cluster still has is "
                               "shown by sparkctl list runs"
                             : "there is no history service " + name + ": " + error.message +
                                   "; see kubectl get services -A -l " + kHistorySelector};
    case Code::Unavailable:
      return {.code = Code::Unavailable,
              .message = "the history service " + name + " does not answer: " + error.message};
    default:
      return error.with_context("history service " + name);
  }
}

// monitor::choose_log().
bool is_of_standalone(const base::Error& error) {
  return error.code == Code::NotFound && error.message.find("no log of ") != std::string::npos;
}

// A subresource that is created: its path is that of a collection below the account.
base::Result<std::string> make_token(Session& session, const Service& service) {
  const kube::ResourceType type{"", "v1", "serviceaccounts/" + service.key.name + "/token",
                                "TokenRequest", true};
  const auto issued = session.api.create(
      type,
      {{"apiVersion", "authentication.k8s.io/v1"},
       {"kind", "TokenRequest"},
       {"metadata", {{"name", service.key.name}, {"namespace", service.key.ns}}},
       {"spec", {{"audiences", Json::array({kAudience})}, {"expirationSeconds", kTokenSeconds}}}});
  if (!issued) return failure(explained(issued.error(), service));
  std::string token = base::string_at(*issued, {"status", "token"});
  if (token.empty())
    return failure(Code::Unavailable, "history service " + service.key.to_string() +
                                          ": the API server's answer holds no token");
  return token;
}

}  // namespace

base::Result<Response> ask_history(Session& session, const std::string& path,
                                   std::vector<std::pair<std::string, std::string>> query) {
  Request request{.method = "GET", .path = path, .query = std::move(query)};
  if (session.history_service.empty()) {
    auto own = session.raw(request);
    // Kubernetes knows no such path, and most may not even ask for it. Standalone does: what it has
    // not is said in words of its own.
    const bool elsewhere =
        !own && !is_of_standalone(own.error()) &&
        (own.error().code == Code::NotFound || own.error().code == Code::Forbidden);
    if (!elsewhere) return own;
  }
  ASSIGN_OR_RETURN(const Service service, find_service(session));
  ASSIGN_OR_RETURN(const std::string token, make_token(session, service));
  request.path = "/api/v1/namespaces/" + service.key.ns + "/services/https:" + service.key.name +
                 ":https/proxy" + path;
  request.headers.add(kTokenHeader, "Bearer " + token);
  auto answer = session.raw(request);
  // By now the service is there: "not found" is its own word about what was asked for.
  if (!answer && answer.error().code != Code::NotFound)
    return failure(explained(answer.error(), service));
  return answer;
}

}  // namespace sparkctl
