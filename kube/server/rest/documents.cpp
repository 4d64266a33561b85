#include "kube/server/rest/documents.h"

#include <array>
#include <cstdio>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/server/machinery/openapi.h"
#include "kube/server/rest/discovery.h"
#include "kube/server/rest/negotiation.h"
#include "kube/server/rest/request_info.h"

namespace kube::server::rest {
namespace {

using nlohmann::json;

constexpr std::string_view kOpenApi = "/openapi/v3";
constexpr std::string_view kOldOpenApi = "/openapi/v2";

// Without definitions: OpenAPI v3 has them. kubectl asks for the old document when it is given a
// v1 List, and then leaves validation to the server if it finds no definition.
constexpr std::string_view kOldOpenApiJson =
    R"({"swagger":"2.0","info":{"title":"sparkcron","version":"v1"},"paths":{},"definitions":{}})";
// The same as gnostic's openapi.v2.Document: swagger = 1, info = 2 {title = 1, version = 2},
// paths = 8.
constexpr std::string_view kOldOpenApiProto{
    "\x0a\x03"
    "2.0"
    "\x12\x0f"
    "\x0a\x09"
    "sparkcron"
    "\x12\x02"
    "v1"
    "\x42\x00",
    24};

std::string etag_of(const std::string& text) {
  std::array<char, 32> digits{};
  std::snprintf(digits.data(), digits.size(), "\"%016zX%zX\"", std::hash<std::string>()(text),
                text.size());
  return digits.data();
}

std::vector<machinery::OpenApiKind> openapi_kinds(const types::Catalog& catalog) {
  std::vector<machinery::OpenApiKind> kinds;
  for (const types::ResourcePtr& resource : catalog.resources()) {
    kinds.push_back({.type = resource->type,
                     .schema = resource->openapi_schema,
                     .status_subresource = resource->rules.status_subresource});
  }
  return kinds;
}

std::optional<json> openapi(const types::Catalog& catalog, std::string_view path) {
  const auto kinds = openapi_kinds(catalog);
  if (path.empty()) return machinery::openapi_index(kinds);
  const auto info = parse_path(path);
  if (!info || info->version.empty() || !info->plural.empty()) return std::nullopt;
  for (const machinery::OpenApiKind& kind : kinds) {
    if (kind.type.group == info->group && kind.type.version == info->version) {
      return machinery::openapi_document(info->group, info->version, kinds);
    }
  }
  return std::nullopt;
}

// One spelling for each document: repeated slashes and those at the end mean nothing, and must not
// make a document of their own.
std::string canonical(const std::string& path) {
  std::string result;
  for (const char c : path) {
    if (c != '/' || result.empty() || result.back() != '/') result += c;
  }
  if (result.size() > 1 && result.back() == '/') result.pop_back();
  return result;
}

void answer_old_openapi(const base::http::Request& request, base::http::Responder& responder) {
  const std::string_view accept = request.headers.get("Accept");
  const bool proto = accept.find("proto-openapi.spec.v2") != std::string_view::npos;
  base::http::Response response{.status = 200, .headers = {}, .body = {}};
  response.headers.add("Vary", "Accept");
  response.headers.add(
      "Content-Type",
      proto ? "application/com.github.proto-openapi.spec.v2.v1.0+protobuf" : "application/json");
  response.body = proto ? kOldOpenApiProto : kOldOpenApiJson;
  responder.send(std::move(response));
}

}  // namespace

std::optional<json> Documents::render(const types::Catalog& catalog, const std::string& path,
                                      const std::string& aggregated) {
  if (path.starts_with(kOpenApi)) {
    return openapi(catalog, std::string_view(path).substr(kOpenApi.size()));
  }
  const Api api = path == "/api" || path.starts_with("/api/") ? Api::Core : Api::Groups;
  if (path == "/api" || path == "/apis") {
    return aggregated.empty() ? legacy_root(catalog, api)
                              : aggregated_discovery(catalog, api, aggregated);
  }
  const auto info = parse_path(path);
  if (!info || !info->plural.empty()) return std::nullopt;
  if (info->version.empty()) return legacy_group(catalog, info->group);
  return legacy_resources(catalog, info->group, info->version);
}

Documents::DocumentPtr Documents::find(const types::CatalogPtr& catalog, const std::string& path,
                                       const std::string& aggregated) {
  const base::MutexLock lock(mutex_);
  if (catalog_ != catalog) {
    catalog_ = catalog;
    documents_.clear();
  }
  const std::string key = path + " " + aggregated;
  if (const auto found = documents_.find(key); found != documents_.end()) return found->second;
  const auto rendered = render(*catalog, path, aggregated);
  if (!rendered) return nullptr;
  auto document = std::make_shared<Document>();
  document->text = base::dump_json(*rendered) + "\n";
  document->etag = etag_of(document->text);
  document->content_type = "application/json";
  if (!aggregated.empty()) {
    document->content_type +=
        ";g=apidiscovery.k8s.io;v=" + aggregated + ";as=APIGroupDiscoveryList";
  }
  documents_[key] = document;
  return document;
}

size_t Documents::size() {
  const base::MutexLock lock(mutex_);
  return documents_.size();
}

bool Documents::answer(const types::CatalogPtr& catalog, const base::http::Request& request,
                       base::http::Responder& responder) {
  const std::string path = canonical(request.path);
  if (path == kOldOpenApi) {
    answer_old_openapi(request, responder);
    return true;
  }
  std::string aggregated;
  if (path == "/api" || path == "/apis") {
    aggregated = aggregated_discovery_version(request.headers.get("Accept"));
  }
  const DocumentPtr document = find(catalog, path, aggregated);
  if (!document) return false;
  base::http::Response response{.status = 200, .headers = {}, .body = {}};
  response.headers.add("ETag", document->etag);
  response.headers.add("Vary", "Accept");
  response.headers.add("Cache-Control", "public");
  if (request.headers.get("If-None-Match") == document->etag) {
    response.status = 304;
  } else {
    response.headers.add("Content-Type", document->content_type);
    response.body = document->text;
  }
  responder.send(std::move(response));
  return true;
}

}  // namespace kube::server::rest
