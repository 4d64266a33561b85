#include "monitor/dashboard/spark_page.h"

#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/http/client.h"
#include "base/json.h"
#include "config/names.h"

namespace monitor::dashboard {
namespace {

using base::Code;
using base::failure;
using base::Result;
using base::string_at;
using base::http::Request;
using base::http::Response;

constexpr int kMaxAsking = 16;
constexpr std::chrono::seconds kConnect{2};
constexpr std::chrono::seconds kAnswer{10};
constexpr size_t kMaxPage = size_t{32} << 20;

// In an origin of its own, where scripts run and reach nothing but this run's pages.
constexpr const char* kPolicy =
    "sandbox allow-scripts allow-forms allow-popups; default-src 'self' 'unsafe-inline' "
    "'unsafe-eval' data: blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

// A sandbox has no storage, and Spark's scripts stop where they ask for it: they get one that lasts
// as long as the page.
constexpr std::string_view kStorage =
    "<script>for (const name of ['localStorage', 'sessionStorage']) { const kept = new Map(); "
    "Object.defineProperty(window, name, {value: {getItem: (key) => kept.has(key) ? kept.get(key) "
    ": null, setItem: (key, value) => { kept.set(key, String(value)); }, removeItem: (key) => { "
    "kept.delete(key); }}}); }</script>";

struct Ticketed {
  kube::ObjectKey run;
  std::string base;  // as the browser sees it, without a slash at the end
  std::string rest;  // of the path, with the slash
};

std::string_view ticket_of(std::string_view path) {
  path.remove_prefix(SparkPages::kPrefix.size());
  return path.substr(0, path.find('/'));
}

// The ticket says "<namespace> <run> <where the browser sees the dashboard>".
std::optional<Ticketed> read(const Login& login, std::string_view path) {
  const std::string ticket(ticket_of(path));
  const auto what = login.opened(ticket);
  if (!what) return std::nullopt;
  const size_t first = what->find(' ');
  const size_t second = what->find(' ', first + 1);
  if (second == std::string::npos) return std::nullopt;
  path.remove_prefix(SparkPages::kPrefix.size() + ticket.size());
  return Ticketed{.run = {what->substr(0, first), what->substr(first + 1, second - first - 1)},
                  .base = what->substr(second + 1) + "spark/" + ticket,
                  .rest = std::string(path)};
}

// Spark sends from one page to another by an address that only the service reaches.
std::string redirected(std::string_view location, const std::string& base) {
  if (const size_t scheme = location.find("://"); scheme != std::string_view::npos) {
    const size_t path = location.find('/', scheme + 3);
    location = path == std::string_view::npos ? "/" : location.substr(path);
  }
  if (!location.starts_with('/') || location.starts_with(base + "/")) return std::string(location);
  return base + std::string(location);
}

Response page_of(Response answered, const std::string& base) {
  Response page{.status = answered.status,
                .headers = {{"Content-Security-Policy", kPolicy},
                            {"X-Content-Type-Options", "nosniff"},
                            {"Referrer-Policy", "no-referrer"},
                            {"Cross-Origin-Opener-Policy", "same-origin"},
                            // Its scripts ask from an origin that has no name.
                            {"Cross-Origin-Resource-Policy", "cross-origin"},
                            {"Access-Control-Allow-Origin", "*"},
                            {"Cache-Control", "no-store"}},
                .body = std::move(answered.body)};
  constexpr std::string_view kHead = "<head>";
  if (const size_t head = page.body.find(kHead);
      head != std::string::npos && answered.headers.get("Content-Type").starts_with("text/html"))
    page.body.insert(head + kHead.size(), kStorage);
  // What Spark packed the client has unpacked.
  if (answered.headers.has("Content-Type"))
    page.headers.add("Content-Type", std::string(answered.headers.get("Content-Type")));
  if (answered.headers.has("Location"))
    page.headers.add("Location", redirected(answered.headers.get("Location"), base));
  return page;
}

}  // namespace

Result<std::string> find_spark_page(kube::Api& api, const kube::ObjectKey& run) {
  ASSIGN_OR_RETURN(const kube::Json object, api.get(config::spark_applications(), run));
  const std::string state = string_at(object, {"status", "applicationState", "state"});
  const std::string address = string_at(object, {"status", "driverInfo", "webUIAddress"});
  if (state != "RUNNING" || address.empty())
    return failure(Code::NotFound, run.to_string() + " is " + (state.empty() ? "New" : state) +
                                       ": Spark's UI is there while a driver runs");
  ASSIGN_OR_RETURN(
      const kube::Json pod,
      api.get(kube::pods(), {run.ns, string_at(object, {"status", "driverInfo", "podName"})}));
  const std::string ip = string_at(pod, {"status", "podIP"});
  const std::string port = address.substr(address.rfind(':') + 1);
  const bool is_port = !port.empty() && port.size() <= 5 &&
                       port.find_first_not_of("0123456789") == std::string::npos;
  if (!ip.starts_with("127.") || ip == "127.0.0.1" || address != ip + ":" + port || !is_port)
    return failure(Code::NotFound, "Spark's UI of " + run.to_string() +
                                       " is not at an address of this machine that is its own");
  return "http://" + address;
}

Result<std::string> SparkPages::link(const kube::ObjectKey& run, const std::string& seen_at) const {
  if (const auto address = find_(run); !address) return failure(address.error());
  return "spark/" + login_.ticket(run.ns + " " + run.name + " " + seen_at) + "/";
}

bool SparkPages::admits(const Login& login, std::string_view path) {
  return path.starts_with(kPrefix) && read(login, path).has_value();
}

base::Status SparkPages::give(const Request& request, base::http::Responder& responder) const {
  const auto wanted = read(login_, request.path);
  if (!wanted)
    return failure(Code::Unauthenticated, "this link is no longer good: open the run's page again");
  if (request.method == "OPTIONS") {
    // A browser asks before a script of an origin without a name may send headers of its own.
    responder.send({.status = 204,
                    .headers = {{"Access-Control-Allow-Origin", "*"},
                                {"Access-Control-Allow-Methods", "GET"},
                                {"Access-Control-Allow-Headers", "*"}},
                    .body = ""});
    return {};
  }
  if (request.method != "GET" && request.method != "HEAD")
    return failure(Code::Unimplemented, "Spark's UI can only be read from here");
  ASSIGN_OR_RETURN(const std::string address, find_(wanted->run));
  struct Turn {
    std::atomic<int>& asking;
    const bool mine = ++asking <= kMaxAsking;
    ~Turn() { --asking; }
  } const turn{asking_};
  if (!turn.mine) return failure(Code::ResourceExhausted, "too many pages are asked of Spark");
  base::http::ClientOptions options{.base_url = address, .user_agent = "sparkcron-dashboard"};
  options.connect_timeout = kConnect;
  options.request_timeout = kAnswer;
  options.max_response = kMaxPage;
  ASSIGN_OR_RETURN(const auto client, base::http::Client::create(std::move(options)));
  Request asked{.method = "GET",
                .path = wanted->rest.size() <= 1 ? "/jobs/" : wanted->rest,
                .query = request.query,
                .headers = {{"X-Forwarded-Context", wanted->base}},
                .body = "",
                .peer = ""};
  if (request.headers.has("Accept"))
    asked.headers.add("Accept", std::string(request.headers.get("Accept")));
  auto answered = client->send(asked);
  if (!answered)
    return failure(Code::Unavailable, "Spark's UI did not answer: " + answered.error().message);
  responder.send(page_of(*std::move(answered), wanted->base));
  return {};
}

}  // namespace monitor::dashboard
