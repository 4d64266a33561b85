#include "monitor/dashboard/pages.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "base/stable_hash.h"
#include "monitor/dashboard/assets.h"
#include "monitor/dashboard/dashboard.h"

namespace monitor::dashboard {

using base::Code;
using base::http::Headers;
using base::http::Request;
using base::http::Responder;
using base::http::Response;
using nlohmann::json;

namespace {

constexpr std::string_view kObjects = "/apis/sparkoperator.k8s.io/v1beta2/";

// Nothing from elsewhere, nothing inline, in nobody's frame: hostile text stays text even where we
// would err.
constexpr const char* kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for "
    "'script'";

std::string_view type_of(std::string_view name) {
  if (name.ends_with(".js")) return "text/javascript; charset=utf-8";
  if (name.ends_with(".css")) return "text/css; charset=utf-8";
  if (name.ends_with(".svg")) return "image/svg+xml";
  return "text/html; charset=utf-8";
}

}  // namespace

Response with_safety(Response response) {
  response.headers.set("Content-Security-Policy", kPolicy);
  response.headers.set("X-Content-Type-Options", "nosniff");
  response.headers.set("Referrer-Policy", "no-referrer");
  response.headers.set("Cross-Origin-Opener-Policy", "same-origin");
  response.headers.set("Cross-Origin-Resource-Policy", "same-origin");
  return response;
}

void answer(Responder& responder, int status, const json& body, Headers headers) {
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
                                          {Code::ResourceExhausted, 429, "TooManyRequests"},
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

void send_file(const Request& request, Responder& responder) {
  CHECK(asset_names().size() == asset_texts().size());
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
