#include "monitor/dashboard/cluster.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "monitor/dashboard/answers.h"
#include "monitor/dashboard/dashboard.h"
#include "monitor/dashboard/pages.h"
#include "monitor/dashboard/slots.h"
#include "monitor/history_handler.h"

namespace monitor::dashboard {
namespace {

using base::Code;
using base::failure;
using base::http::Request;
using base::http::Responder;
using base::http::Response;
using nlohmann::json;

constexpr std::string_view kScope = "/sparkcron/v1/scope";
constexpr std::string_view kSchedules = "/sparkcron/v1/schedules";

void refuse(Responder& responder, const base::Error& error) {
  Response response = refusal(error);
  if (error.code == Code::Unauthenticated)
    response.headers.set("WWW-Authenticate", "Bearer realm=\"sparkcron\"");
  responder.send(std::move(response));
}

std::string named(const std::string& ns) {
  return ns.empty() ? "all namespaces" : "namespace " + ns;
}

class ClusterDoor {
 public:
  explicit ClusterDoor(ClusterOptions options) : options_(std::move(options)) {}

  void handle(Request request, const std::shared_ptr<Responder>& responder) const {
    const bool reads = request.method == "GET" || request.method == "HEAD";
    if (reads && !request.path.starts_with(std::string(kApi) + "/"))
      return send_file(request, *responder);
    if (const auto done = route(request, responder); !done) refuse(*responder, done.error());
  }

 private:
  base::Status route(Request& request, const std::shared_ptr<Responder>& responder) const {
    if (request.headers.get(kHeader) != "1" || responder->wants_websocket())
      return failure(Code::Forbidden, std::string("only the dashboard's own pages may ask this: ") +
                                          kHeader + " is missing");
    RETURN_IF_ERROR(options_.visitors.enter(request));
    if (request.path.starts_with(std::string(kApi) + "/")) {
      request.path.erase(0, kApi.size());
      return ask(request, responder);
    }
    if (request.method != "POST")
      return failure(Code::Unimplemented, "this can only be asked with POST");
    if (request.path == "/dashboard/numbers") {
      RETURN_IF_ERROR(check(request, Sight::Runs, ""));
      responder->send(with_safety({.status = 200,
                                   .headers = {{"Content-Type", "text/plain; charset=utf-8"},
                                               {"Cache-Control", "no-store"}},
                                   .body = options_.numbers()}));
      return {};
    }
    ASSIGN_OR_RETURN(const json body, reply(request));
    answer(*responder, 200, body);
    return {};
  }

  base::Status ask(Request& request, const std::shared_ptr<Responder>& responder) const {
    const bool reads = request.method == "GET";
    if (reads && request.path == kScope) return give_scope(request, *responder);
    if (reads && request.path == kSchedules) {
      ASSIGN_OR_RETURN(Scope scope, scope_of(request, Sight::Schedules));
      return options_.feed.open(*responder, std::move(scope));
    }
    if (!may_ask(request.method, request.path))
      return failure(Code::Forbidden, "the dashboard does not " + request.method + " this");
    const bool of_history = request.path == kHistoryPath || request.path == kSummaryPath;
    if (of_history || request.path == kLogPath || request.path == "/readyz") {
      const std::string ns(request.parameter("namespace").value_or(""));
      RETURN_IF_ERROR(check(request, request.path == kLogPath ? Sight::Logs : Sight::Runs,
                            request.path == "/readyz" ? "" : ns));
      options_.inside(std::move(request), responder);
      return {};
    }
    options_.pass(std::move(request), responder);
    return {};
  }

  base::Status give_scope(const Request& request, Responder& responder) const {
    ASSIGN_OR_RETURN(const Scope scope, scope_of(request, Sight::Schedules));
    answer(responder, 200,
           {{"all", scope.all}, {"namespaces", scope.namespaces}, {"cut", scope.cut}});
    return {};
  }

  [[nodiscard]] base::Result<json> reply(const Request& request) const {
    const std::string& path = request.path;
    if (path == "/dashboard/settings") return json{{"sparkHistoryUrl", options_.spark_history_url}};
    ASSIGN_OR_RETURN(const json question, base::parse_json(request.body));
    if (path == "/dashboard/words") return words(question, options_.default_zone);
    if (path == "/dashboard/slots") return slots(question, options_.default_zone);
    if (path == "/dashboard/changes") return clock_changes(question, options_.default_zone);
    if (path == "/dashboard/recent") {
      ASSIGN_OR_RETURN(const auto namespaces, namespaces_of_recent(question));
      for (const std::string& ns : namespaces)
        RETURN_IF_ERROR(check(request, Sight::Runs, ns));
      return recent(question, options_.ledger);
    }
    if (path == "/dashboard/past") {
      ASSIGN_OR_RETURN(const std::string ns, namespace_of_past(question));
      if (!ns.empty()) {
        RETURN_IF_ERROR(check(request, Sight::Runs, ns));
        return past(question, options_.ledger);
      }
      ASSIGN_OR_RETURN(const Scope scope, scope_of(request, Sight::Runs));
      return past(question, options_.ledger,
                  scope.all ? std::nullopt : std::optional(scope.namespaces));
    }
    return failure(Code::NotFound, "there is no such page");
  }

  [[nodiscard]] base::Result<Scope> scope_of(const Request& request, Sight sight) const {
    ASSIGN_OR_RETURN(const auto namespaces, options_.feed.namespaces());
    return options_.visitors.scope(request, sight, namespaces);
  }

  [[nodiscard]] base::Status check(const Request& request, Sight sight,
                                   const std::string& ns) const {
    ASSIGN_OR_RETURN(const bool allowed, options_.visitors.may_see(request, sight, ns));
    if (allowed) return {};
    return failure(Code::Forbidden, sight == Sight::Logs
                                        ? "you may not get pods/log in " + named(ns)
                                        : "you may not list sparkapplications in " + named(ns));
  }

  const ClusterOptions options_;
};

}  // namespace

base::http::Handler cluster_handler(ClusterOptions options) {
  return [door = std::make_shared<const ClusterDoor>(std::move(options))](
             Request request, const std::shared_ptr<Responder>& responder) {
    door->handle(std::move(request), responder);
  };
}

base::http::Admit cluster_admit(const Visitors& visitors) {
  return [&visitors](const Request& head) -> base::http::Admission {
    return {.refusal = std::nullopt, .trusted = visitors.knows(head)};
  };
}

}  // namespace monitor::dashboard
