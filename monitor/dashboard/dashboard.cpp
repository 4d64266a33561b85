#include "monitor/dashboard/dashboard.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "base/stable_hash.h"
#include "monitor/dashboard/answers.h"
#include "monitor/dashboard/assets.h"
#include "monitor/dashboard/slots.h"

namespace monitor::dashboard {
namespace {

using base::Code;
using base::failure;
using base::http::Headers;
using base::http::Request;
using base::http::Responder;
using base::http::Response;
using nlohmann::json;

constexpr std::string_view kApi = "/dashboard/api";
constexpr std::string_view kObjects = "/apis/sparkoperator.k8s.io/v1beta2/";
constexpr size_t kMaxPath = 256;

// Nothing from elsewhere, nothing inline, in nobody's frame: hostile text stays text even where we
// would err.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for "
    "'script'";

Response with_safety(Response response) {
  response.headers.set("Content-Security-Policy", kPolicy);
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("Referrer-Policy", "no-referrer");
  response.headers.set("Cross-Origin-Opener-Policy", "same-origin");
  response.headers.set("Cross-Origin-Resource-Policy", "same-origin");
  return response;
}

void answer(Responder& responder, int status, const json& body, Headers headers = {}) {
  headers.add("Content-Type", "application/json");
  headers.add("Cache-Control", "no-store");
  responder.send(with_safety(
      {.status = status, .headers = std::move(headers), .body = base::dump_json(body)}));
}

Response refusal(const base::Error& error) {
  int status = 503;
  const char* reason = "ServiceUnavailable";
  struct Meaning {
    Code code;
    int status;
    const char* reason;
  };
  static constexpr Meaning kMeanings[] = {{Code::InvalidArgument, 400, "BadRequest"},
                                          {Code::TooLarge, 413, "RequestEntityTooLarge"},
                                          {Code::Unauthenticated, 401, "Unauthorized"},
                                          {Code::Forbidden, 403, "Forbidden"},
                                          {Code::NotFound, 404, "NotFound"},
                                          {Code::Unimplemented, 405, "MethodNotAllowed"},
                                          {Code::Internal, 500, "InternalError"}};
  for (const Meaning& one : kMeanings) {
    if (one.code != error.code) continue;
    status = one.status;
    reason = one.reason;
  }
  return with_safety(
      {.status = status,
       .headers = {{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}},
       .body = base::dump_json({{"kind", "Status"},
                                {"apiVersion", "v1"},
                                {"status", "Failure"},
                                {"reason", reason},
                                {"message", error.message},
                                {"code", status}})});
}

std::string_view type_of(std::string_view name) {
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "text/html; charset=utf-8";
}

void send_file(const Request& request, Responder& responder) {
  std::string_view name = std::string_view(request.path).substr(std::string_view(kPath).size());
  if (name.empty()) {
    // Relative, for the path may have a prefix that only a proxy knows.
    return responder.send(
        with_safety({.status = 308, .headers = {{"Location", "dashboard/"}}, .body = ""}));
  }
  name.remove_prefix(1);
  if (name.empty()) name = "index.html";
  const auto& names = asset_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end())
    return responder.send(refusal({.code = Code::NotFound, .message = "there is no such page"}));
  const std::string_view text = asset_texts()[static_cast<size_t>(found - names.begin())];
  const std::string tag = "\"" + base::short_hash(text) + "\"";
  Headers headers{
      {"Content-Type", std::string(type_of(name))}, {"Cache-Control", "no-cache"}, {"ETag", tag}};
  if (request.headers.get("If-None-Match") == tag)
    return responder.send(with_safety({.status = 304, .headers = std::move(headers), .body = ""}));
  responder.send(
      with_safety({.status = 200, .headers = std::move(headers), .body = std::string(text)}));
}

std::optional<std::string_view> cookie_of(const Request& request, std::string_view name) {
  for (const auto& [field, value] : request.headers.fields()) {
    if (!base::http::equal_ignoring_case(field, "Cookie")) continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      std::string_view pair = rest.substr(0, rest.find(';'));
      rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
      while (pair.starts_with(' '))
        pair.remove_prefix(1);
      if (pair.size() > name.size() && pair.starts_with(name) && pair[name.size()] == '=')
        return pair.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

bool has_session(const Request& request, const Login& login, std::string_view cookie) {
  const auto session = cookie_of(request, cookie);
  return session && login.knows(*session);
}

// Where the browser sees the dashboard, a proxy's prefix before it. Goes into a header.
bool is_dashboard_path(std::string_view path) {
  constexpr std::string_view kEnd = "/dashboard/";
  return path.size() <= kMaxPath && path.ends_with(kEnd) && path.starts_with('/') &&
         std::all_of(path.begin(), path.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '/' || c == '.' || c == '-' || c == '_' || c == '~';
         });
}

class Door {
 public:
  explicit Door(Options options) : options_(std::move(options)) {
    CHECK(asset_names().size() == asset_texts().size());
  }

  void handle(Request request, std::shared_ptr<Responder> responder) const {
    if (const auto done = route(request, responder); !done) responder->send(refusal(done.error()));
  }

 private:
  base::Status route(Request& request, const std::shared_ptr<Responder>& responder) const {
    const std::string path = request.path;
    if (path == "/dashboard/links") return give_link(request, *responder);
    const bool is_api = path.starts_with(std::string(kApi) + "/");
    if (!is_api && (request.method == "GET" || request.method == "HEAD")) {
      send_file(request, *responder);
      return {};
    }
    if (request.headers.get(kHeader) != "1" || responder->wants_websocket())
      return failure(Code::Forbidden, std::string("only the dashboard's own pages may ask this: ") +
                                          kHeader + " is missing");
    if (path == "/dashboard/login") return log_in(request, *responder);
    if (!has_session(request, options_.login, options_.cookie))
      return failure(Code::Unauthenticated, "log in: `sparkctl dashboard` prints a link");
    if (is_api) return ask_inside(request, responder);
    if (request.method != "POST")
      return failure(Code::Unimplemented, "this can only be asked with POST");
    if (path == "/dashboard/logout") return log_out(request, *responder);
    if (path == "/dashboard/numbers") return give_numbers(*responder);
    ASSIGN_OR_RETURN(const json body, reply(path, request.body));
    answer(*responder, 200, body);
    return {};
  }

  [[nodiscard]] base::Result<json> reply(const std::string& path, const std::string& body) const {
    constexpr std::array kQuestions{"/dashboard/settings", "/dashboard/words",
                                    "/dashboard/recent",   "/dashboard/past",
                                    "/dashboard/slots",    "/dashboard/changes"};
    if (std::find(kQuestions.begin(), kQuestions.end(), path) == kQuestions.end())
      return failure(Code::NotFound, "there is no such page");
    if (path == "/dashboard/settings") return json{{"sparkHistoryUrl", options_.spark_history_url}};
    ASSIGN_OR_RETURN(const json question, base::parse_json(body));
    if (path == "/dashboard/recent") return recent(question, options_.ledger);
    if (path == "/dashboard/past") return past(question, options_.ledger);
    if (path == "/dashboard/slots") return slots(question, options_.default_zone);
    if (path == "/dashboard/changes") return clock_changes(question, options_.default_zone);
    return words(question, options_.default_zone);
  }

  base::Status give_numbers(Responder& responder) const {
    responder.send(with_safety(
        {.status = 200,
         .headers = {{"Content-Type", "text/plain; charset=utf-8"}, {"Cache-Control", "no-store"}},
         .body = options_.numbers()}));
    return {};
  }

  base::Status give_link(const Request& request, Responder& responder) const {
    RETURN_IF_ERROR(options_.authorize(request));
    if (request.method != "POST")
      return failure(Code::Unimplemented, "a link can only be asked for with POST");
    ASSIGN_OR_RETURN(const std::string code, options_.login.new_code());
    answer(responder, 201,
           {{"kind", "DashboardLink"},
            {"apiVersion", "sparkcron/v1"},
            {"login", code},
            {"seconds", std::chrono::seconds(Login::kCodeLife).count()}});
    return {};
  }

  base::Status log_in(const Request& request, Responder& responder) const {
    if (request.method != "POST")
      return failure(Code::Unimplemented, "the login can only be asked for with POST");
    ASSIGN_OR_RETURN(const json body, base::parse_json(request.body));
    const std::string path = base::string_at(body, {"path"});
    if (!is_dashboard_path(path))
      return failure(Code::InvalidArgument, "path: must end with /dashboard/");
    if (!options_.login.use_code(base::string_at(body, {"code"})))
      return failure(Code::Unauthenticated,
                     "the link was used already or is older than five minutes: get another with "
                     "`sparkctl dashboard`");
    ASSIGN_OR_RETURN(const std::string session, options_.login.new_session());
    answer(responder, 200, json::object(),
           {{"Set-Cookie", cookie(session, path, Login::kSessionLife)}});
    return {};
  }

  base::Status log_out(const Request& request, Responder& responder) const {
    ASSIGN_OR_RETURN(const json body, base::parse_json(request.body));
    const std::string path = base::string_at(body, {"path"});
    if (!is_dashboard_path(path))
      return failure(Code::InvalidArgument, "path: must end with /dashboard/");
    answer(responder, 200, json::object(),
           {{"Set-Cookie", cookie("", path, std::chrono::seconds(0))}});
    return {};
  }

  [[nodiscard]] std::string cookie(const std::string& value, const std::string& path,
                                   std::chrono::seconds life) const {
    return options_.cookie + "=" + value + "; Path=" + path +
           "; Max-Age=" + std::to_string(life.count()) + "; Secure; HttpOnly; SameSite=Strict";
  }

  // As the API's own client would ask; of the browser's headers only what shapes the answer.
  base::Status ask_inside(Request& request, const std::shared_ptr<Responder>& responder) const {
    request.path.erase(0, kApi.size());
    if (!may_ask(request.method, request.path))
      return failure(Code::Forbidden, "the dashboard does not " + request.method + " this");
    Headers headers{{"Authorization", "Bearer " + options_.token}, {"User-Agent", "dashboard"}};
    for (const char* name : {"Accept", "Content-Type"})
      if (request.headers.has(name)) headers.add(name, std::string(request.headers.get(name)));
    request.headers = std::move(headers);
    options_.inside(std::move(request), responder);
    return {};
  }

  const Options options_;
};

}  // namespace

base::http::Handler handler(Options options) {
  return [door = std::make_shared<const Door>(std::move(options))](
             Request request, std::shared_ptr<Responder> responder) {
    door->handle(std::move(request), std::move(responder));
  };
}

base::http::Admit admit(const Login& login, std::string cookie, Authorize authorize) {
  return [&login, cookie = std::move(cookie),
          authorize = std::move(authorize)](const Request& head) -> base::http::Admission {
    if (has_session(head, login, cookie) || authorize(head))
      return {.refusal = std::nullopt, .trusted = true};
    if (head.method == "GET" || head.method == "HEAD" || head.path == "/dashboard/login") return {};
    return {.refusal = refusal({.code = Code::Unauthenticated,
                                .message = "log in: `sparkctl dashboard` prints a link"})};
  };
}

bool may_ask(std::string_view method, std::string_view path) {
  constexpr std::string_view kCore = "/api/v1/";
  constexpr std::string_view kNamespaces = "namespaces/";
  if (method == "PATCH") {
    // …/namespaces/<namespace>/scheduledsparkapplications/<name>, and no subresource.
    const std::string start = std::string(kObjects) + std::string(kNamespaces);
    if (!path.starts_with(start)) return false;
    path.remove_prefix(start.size());
    constexpr std::string_view kSchedules = "/scheduledsparkapplications/";
    const size_t at = path.find('/');
    if (at == 0 || at == std::string_view::npos || !path.substr(at).starts_with(kSchedules))
      return false;
    path.remove_prefix(at + kSchedules.size());
    return !path.empty() && path.find('/') == std::string_view::npos;
  }
  if (method != "GET") return false;
  for (const char* one : {kHistoryPath, kSummaryPath, kLogPath, "/readyz"})
    if (path == one) return true;
  if (path.starts_with(kObjects)) return true;
  if (!path.starts_with(kCore)) return false;
  path.remove_prefix(kCore.size());
  if (!path.starts_with(kNamespaces)) return false;
  path.remove_prefix(kNamespaces.size());
  const size_t at = path.find('/');
  if (at == 0 || at == std::string_view::npos) return false;
  path.remove_prefix(at + 1);
  const std::string_view resource = path.substr(0, path.find('/'));
  return resource == "pods" || resource == "events";
}

}  // namespace monitor::dashboard
