#include "tools/sparkctl/forward.h"

#include <charconv>
#include <memory>
#include <optional>
#include <ostream>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "tools/sparkctl/commands.h"
#include "tools/sparkctl/lookup.h"
#include "tools/sparkctl/show.h"
#include "tools/sparkctl/table.h"

namespace sparkctl {
namespace {

using base::Code;
using base::failure;
using base::http::Request;
using base::http::Responder;
using kube::Json;

constexpr uint16_t kSparkPort = 4040;

void answer_text(Responder& responder, int status, const std::string& text) {
  responder.send({.status = status,
                  .headers = {{"Content-Type", "text/plain; charset=utf-8"}},
                  .body = text + "\n"});
}

bool is_for_this_machine(std::string_view host) {
  const std::string_view name = host.substr(0, host.rfind(':'));
  return name == "127.0.0.1" || name == "localhost";
}

int status_of(const base::Error& error) {
  if (error.code == Code::NotFound) return 404;
  if (error.code == Code::Forbidden) return 403;
  return error.code == Code::Unauthenticated ? 401 : 502;
}

// "10.0.0.1:4041"
struct PageAddress {
  std::string host;
  uint16_t port = kSparkPort;
};

PageAddress page_of(const Json& run) {
  const std::string text = base::string_at(run, {"status", "driverInfo", "webUIAddress"});
  const size_t colon = text.rfind(':');
  PageAddress address{.host = text.substr(0, colon)};
  if (colon != std::string::npos)
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), address.port);
  return address;
}

base::Result<Json> running(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(const Found found, find_schedule_or_run(session, name));
  if (found.type == config::spark_applications()) return *found.object;
  const std::string schedule = kube::key_of(*found.object).name;
  ASSIGN_OR_RETURN(const kube::ObjectList runs, runs_of(session, schedule));
  for (const Json& run : runs.items)
    if (state_of(run) == "RUNNING") return run;
  return failure(Code::NotFound, "no run of schedule \"" + schedule +
                                     "\" is RUNNING: Spark's page is there while a driver runs");
}

// Until the run has ended; a server that is away for a while ends nothing.
base::Status wait_for_end(Session& session, const kube::ObjectKey& run) {
  constexpr int kPausesBetweenLooks = 10;
  while (session.out) {
    for (int i = 0; i < kPausesBetweenLooks; ++i)
      pause(session.clock);
    const auto object = session.api.get(config::spark_applications(), run);
    const bool gone = !object && object.error().code == Code::NotFound;
    if (!gone && (!object || state_of(*object) == "RUNNING")) continue;
    session.err << run.name << (gone ? " is gone" : " is " + state_of(*object))
                << ", and Spark's page with it\n";
    return {};
  }
  return {};
}

}  // namespace

base::http::Handler spark_page(AskApi ask, const kube::ObjectKey& driver, uint16_t port) {
  const std::string proxy = "/api/v1/namespaces/" + driver.ns + "/pods/" + driver.name + ":" +
                            std::to_string(port) + "/proxy";
  return [ask = std::move(ask), proxy](const Request& request,
                                       const std::shared_ptr<Responder>& responder) {
    if (!is_for_this_machine(request.headers.get("Host")))
      return answer_text(*responder, 403, "ask for 127.0.0.1 or localhost");
    if (request.method != "GET" && request.method != "HEAD")
      return answer_text(*responder, 405, "Spark's page can only be read from here");
    // The API server puts its own path in front of the links of a page.
    std::string path = request.path;
    if (path.starts_with(proxy + "/")) path.erase(0, proxy.size());
    // Spark sends a browser from here to there, which would not be followed.
    if (path == "/" || path.empty()) path = "/jobs/";
    const auto answer = ask({.method = "GET", .path = proxy + path, .query = request.query});
    if (!answer) return answer_text(*responder, status_of(answer.error()), answer.error().message);
    base::http::Response page{.status = answer->status, .headers = {}, .body = answer->body};
    // What Spark packed the client has unpacked.
    if (answer->headers.has("Content-Type"))
      page.headers.add("Content-Type", std::string(answer->headers.get("Content-Type")));
    responder->send(std::move(page));
  };
}

base::Status forward(Session& session, const ForwardOptions& options) {
  ASSIGN_OR_RETURN(const Json run, running(session, options.name));
  const kube::ObjectKey key = kube::key_of(run);
  if (const std::string state = state_of(run); state != "RUNNING")
    return failure(
        Code::Refused,
        key.name + " is " + state + ": Spark's page is there while a driver runs" +
            (is_final(state) ? "; sparkctl logs " + key.name + " shows what it printed" : ""));
  PageAddress page = page_of(run);
  if (options.remote_port != 0) page.port = options.remote_port;
  // Standalone's drivers are processes of its own machine.
  if (page.host.starts_with("127.")) {
    session.out << "http://" << page.host << ':' << page.port << '\n';
    session.err << "The driver runs on the machine of the service: nothing is forwarded.\n";
    return {};
  }
  std::string pod = base::string_at(run, {"status", "driverInfo", "podName"});
  if (pod.empty()) pod = key.name + "-driver";
  ASSIGN_OR_RETURN(const auto server,
                   base::http::Server::listen({.port = options.port, .worker_threads = 2},
                                              spark_page(session.raw, {key.ns, pod}, page.port)));
  session.out << "http://" << server->address() << ':' << server->port() << '\n' << std::flush;
  session.err << "Spark's page of " << key.name << ", until the run ends or this is interrupted\n";
  return wait_for_end(session, key);
}

}  // namespace sparkctl
