#include "kube/http_api.h"

#include <random>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "kube/api_status.h"
#include "kube/list_decoder.h"
#include "kube/resource_path.h"
#include "kube/watch_decoder.h"

namespace kube {
namespace {

using base::http::BodyStream;
using base::http::Request;
using base::http::Response;

// As client-go: between five and ten minutes, so that watches do not all end at once.
constexpr int kShortestWatchSeconds = 290;
constexpr int kLongestWatchSeconds = 580;
constexpr std::chrono::seconds kLogSilence{30};
constexpr std::chrono::seconds kListSilence{30};
constexpr size_t kMaxErrorBody = size_t{64} << 10;

std::chrono::seconds random_watch_time() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::chrono::seconds{
      std::uniform_int_distribution<int>(kShortestWatchSeconds, kLongestWatchSeconds)(generator)};
}

void add_unless_empty(Request& request, const char* name, const std::string& value) {
  if (!value.empty()) request.query.emplace_back(name, value);
}

Request with_body(std::string method, std::string path, const Json& body,
                  const char* content_type = "application/json") {
  return {.method = std::move(method),
          .path = std::move(path),
          .headers = {{"Accept", "application/json"}, {"Content-Type", content_type}},
          .body = base::dump_json(body)};
}

Request get_request(std::string path) {
  return {.method = "GET", .path = std::move(path), .headers = {{"Accept", "application/json"}}};
}

bool is_success(int status) {
  return status >= 200 && status < 300;
}

const char* content_type_of(PatchType type) {
  switch (type) {
    case PatchType::JsonPatch:
      return "application/json-patch+json";
    case PatchType::MergePatch:
      return "application/merge-patch+json";
    case PatchType::StrategicMerge:
      return "application/strategic-merge-patch+json";
    case PatchType::Apply:
      return "application/apply-patch+yaml";  // JSON is YAML
  }
  return "";
}

const char* name_of(Propagation propagation) {
  switch (propagation) {
    case Propagation::Background:
      return "Background";
    case Propagation::Foreground:
      return "Foreground";
    case Propagation::Orphan:
      return "Orphan";
  }
  return "";
}

Json delete_body(const DeleteOptions& options) {
  Json body = {{"apiVersion", "v1"},
               {"kind", "DeleteOptions"},
               {"propagationPolicy", name_of(options.propagation)}};
  if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
  if (!options.resource_version.empty()) {
    body["preconditions"]["resourceVersion"] = options.resource_version;
  }
  if (options.grace_period) body["gracePeriodSeconds"] = options.grace_period->count();
  return body;
}

class HttpWatch final : public Watch {
 public:
  explicit HttpWatch(std::unique_ptr<BodyStream> stream) : stream_(std::move(stream)) {}
  void cancel() override { stream_->cancel(); }

  base::Result<std::optional<WatchEvent>> next() override {
    while (true) {
      ASSIGN_OR_RETURN(std::optional<WatchEvent> event, decoder_.next());
      if (event) return event;
      base::Result<std::optional<std::string>> bytes = stream_->read();
      // Silence is no failure of a server that has nothing to say; whether it still answers shows
      // when the watch is opened again.
      if (!bytes && bytes.error().code == base::Code::DeadlineExceeded) {
        base::log_info("kube", "A watch was silent and is opened again",
                       {{"error", bytes.error().message}});
        return std::nullopt;
      }
      if (!bytes) return base::failure(bytes.error());
      if (*bytes) {
        decoder_.feed(**bytes);
      } else if (decoder_.at_boundary()) {
        return std::nullopt;
      } else {
        return base::failure(base::Code::Unavailable, "the watch ended inside an event");
      }
    }
  }

 private:
  const std::unique_ptr<BodyStream> stream_;
  WatchDecoder decoder_;
};

}  // namespace

HttpApi::HttpApi(std::unique_ptr<base::http::Client> client, HttpApiOptions options)
    : client_(std::move(client)), options_(std::move(options)) {}

base::Result<Response> HttpApi::raw(const Request& request) {
  ASSIGN_OR_RETURN(Response response, client_->send(request, options_.stop));
  if (!is_success(response.status)) {
    return base::failure(
        error_of(response.status, response.body, response.headers.get("Retry-After")));
  }
  return response;
}

base::Result<Json> HttpApi::ask(const Request& request) {
  ASSIGN_OR_RETURN(const Response response, raw(request));
  auto parsed =
      base::parse_json(response.body, {.bytes = size_t{64} << 20, .depth = ObjectLimits{}.depth});
  if (!parsed) {
    return base::failure(base::Code::Unavailable,
                         request.method + " " + request.path + ": " + parsed.error().message);
  }
  return parsed;
}

base::Result<Json> HttpApi::get(const ResourceType& type, const ObjectKey& key) {
  ASSIGN_OR_RETURN(std::string path, object_path(type, key));
  return ask(get_request(std::move(path)));
}

base::Result<ObjectList> HttpApi::list(const ResourceType& type, const ListOptions& options) {
  auto listed = list_pages(type, options, options_.page_size);
  // The continue token expired while we paged: one large answer cannot.
  if (!listed && listed.error().code == base::Code::Gone && options.limit == 0) {
    return list_pages(type, options, 0);
  }
  return listed;
}

base::Result<ObjectList> HttpApi::list_pages(const ResourceType& type, const ListOptions& options,
                                             int64_t page_size) {
  ObjectList result;
  std::string token;
  do {
    ASSIGN_OR_RETURN(std::string path, collection_path(type, options.ns));
    Request request = get_request(std::move(path));
    add_unless_empty(request, "labelSelector", options.label_selector);
    add_unless_empty(request, "fieldSelector", options.field_selector);
    int64_t limit = page_size;
    if (options.limit > 0) {
      const int64_t left = options.limit - static_cast<int64_t>(result.items.size());
      limit = page_size > 0 ? std::min(page_size, left) : left;
    }
    if (limit > 0) request.query.emplace_back("limit", std::to_string(limit));
    // A token stands for a revision already.
    add_unless_empty(request, "resourceVersion", token.empty() ? options.resource_version : "");
    add_unless_empty(request, "continue", token);
    ASSIGN_OR_RETURN(token, list_page(request, type, result));
  } while (!token.empty() &&
           (options.limit == 0 || static_cast<int64_t>(result.items.size()) < options.limit));
  return result;
}

// A page that is too large as a whole is read again as it comes, object by object.
base::Result<std::string> HttpApi::list_page(const Request& request, const ResourceType& type,
                                             ObjectList& result) {
  ListDecoder decoder(type, result);
  const auto response = raw(request);
  if (response) {
    decoder.feed(response->body);
    return decoder.finish();
  }
  if (response.error().code != base::Code::TooLarge) return base::failure(response.error());
  ASSIGN_OR_RETURN(const auto stream, open(request, kListSilence));
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<std::string> bytes, stream->read());
    if (!bytes) return decoder.finish();
    decoder.feed(*bytes);
  }
}

base::Result<std::unique_ptr<Watch>> HttpApi::watch(const ResourceType& type,
                                                    const ListOptions& options) {
  ASSIGN_OR_RETURN(std::string path, collection_path(type, options.ns));
  Request request = get_request(std::move(path));
  const std::chrono::seconds time = random_watch_time();
  request.query = {{"watch", "true"},
                   {"allowWatchBookmarks", "true"},
                   {"timeoutSeconds", std::to_string(time.count())}};
  if (options.resource_version.empty()) {
    request.query.emplace_back("sendInitialEvents", "true");
    request.query.emplace_back("resourceVersionMatch", "NotOlderThan");
  }
  add_unless_empty(request, "resourceVersion", options.resource_version);
  add_unless_empty(request, "labelSelector", options.label_selector);
  add_unless_empty(request, "fieldSelector", options.field_selector);
  ASSIGN_OR_RETURN(std::unique_ptr<BodyStream> stream, open(request, options_.watch_silence));
  return std::make_unique<HttpWatch>(std::move(stream));
}

base::Result<Json> HttpApi::create(const ResourceType& type, const Json& object) {
  const ObjectKey key = key_of(object);
  if (type.namespaced && key.ns.empty()) {
    return base::failure(base::Code::InvalidArgument,
                         type.kind + " \"" + key.name + "\" needs a namespace");
  }
  // A Binding is a subresource in all but name: the form that every API server knows is under its
  // pod.
  ASSIGN_OR_RETURN(std::string path, type.kind == "Binding" ? object_path(pods(), key, "binding")
                                                            : collection_path(type, key.ns));
  Request request = with_body("POST", std::move(path), object);
  add_unless_empty(request, "fieldManager", options_.field_manager);
  return ask(request);
}

base::Result<Json> HttpApi::update(const ResourceType& type, const Json& object,
                                   std::string_view subresource) {
  ASSIGN_OR_RETURN(std::string path, object_path(type, key_of(object), subresource));
  Request request = with_body("PUT", std::move(path), object);
  add_unless_empty(request, "fieldManager", options_.field_manager);
  return ask(request);
}

base::Result<Json> HttpApi::patch(const ResourceType& type, const ObjectKey& key,
                                  PatchType patch_type, const Json& patch,
                                  const PatchOptions& options) {
  ASSIGN_OR_RETURN(std::string path, object_path(type, key, options.subresource));
  Request request = with_body("PATCH", std::move(path), patch, content_type_of(patch_type));
  add_unless_empty(request, "fieldManager",
                   options.field_manager.empty() ? options_.field_manager : options.field_manager);
  if (options.force && patch_type == PatchType::Apply) request.query.emplace_back("force", "true");
  return ask(request);
}

base::Status HttpApi::remove(const ResourceType& type, const ObjectKey& key,
                             const DeleteOptions& options) {
  ASSIGN_OR_RETURN(std::string path, object_path(type, key));
  RETURN_IF_ERROR(raw(with_body("DELETE", std::move(path), delete_body(options))));
  return {};
}

base::Result<std::unique_ptr<BodyStream>> HttpApi::logs(const ObjectKey& pod,
                                                        const LogOptions& options) {
  ASSIGN_OR_RETURN(std::string path, object_path(pods(), pod, "log"));
  Request request{.method = "GET", .path = std::move(path)};
  add_unless_empty(request, "container", options.container);
  if (options.follow) request.query.emplace_back("follow", "true");
  if (options.previous) request.query.emplace_back("previous", "true");
  if (options.timestamps) request.query.emplace_back("timestamps", "true");
  if (options.tail_lines) {
    request.query.emplace_back("tailLines", std::to_string(*options.tail_lines));
  }
  if (options.since) {
    request.query.emplace_back(
        "sinceTime",
        base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(*options.since)));
  }
  // A quiet program may be silent for hours; TCP keep-alive finds a dead server.
  return open(request, options.follow ? std::chrono::milliseconds{0} : kLogSilence);
}

base::Result<std::unique_ptr<BodyStream>> HttpApi::open(const Request& request,
                                                        std::chrono::milliseconds idle_timeout) {
  ASSIGN_OR_RETURN(std::unique_ptr<BodyStream> stream,
                   client_->open(request, idle_timeout, options_.stop));
  if (is_success(stream->status())) return stream;
  std::string body;
  while (body.size() < kMaxErrorBody) {
    const auto bytes = stream->read();
    if (!bytes || !*bytes) break;
    body += **bytes;
  }
  return base::failure(error_of(stream->status(), body, stream->headers().get("Retry-After")));
}

}  // namespace kube
