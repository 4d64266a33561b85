#include "kube/http_api.h"

#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/log.h"
#include "base/rfc3339.h"
#include "kube/api_requests.h"
#include "kube/api_status.h"
#include "kube/list_decoder.h"
#include "kube/resource_path.h"
#include "kube/watch_decoder.h"

namespace kube {
namespace {

using base::http::BodyStream;
using base::http::Request;
using base::http::Response;

constexpr std::chrono::seconds kLogSilence{30};
constexpr std::chrono::seconds kListSilence{30};
constexpr size_t kMaxErrorBody = size_t{64} << 10;

Request with_body(Request request, const Json& body) {
  request.body = base::dump_json(body);
  return request;
}

// Of `299 - "text"`, with \" and \\ in it; "" for what is written otherwise.
std::string warning_of(std::string_view header) {
  std::string text;
  const size_t begin = header.find('"');
  if (begin == std::string_view::npos) return text;
  for (size_t i = begin + 1; i < header.size() && header[i] != '"'; ++i) {
    if (header[i] == '\\' && i + 1 < header.size()) ++i;
    text.push_back(header[i]);
  }
  return text;
}

bool is_success(int status) {
  return status >= 200 && status < 300;
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
        decoder_.feed(*std::move(*bytes));
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
  if (options_.on_warning) {
    for (const auto& [name, value] : response.headers.fields())
      if (base::http::equal_ignoring_case(name, "Warning")) options_.on_warning(warning_of(value));
  }
  return response;
}

// Who reads an object may ask who manages its fields; who has written it does not.
base::Result<Json> HttpApi::ask(const Request& request) {
  ASSIGN_OR_RETURN(const Response response, raw(request));
  base::JsonLimits limits{
      .bytes = size_t{64} << 20, .depth = ObjectLimits{}.depth, .leave_out = {}};
  if (request.method != "GET") limits.leave_out = kManagedFieldsPath;
  auto parsed = base::parse_json(response.body, limits);
  if (!parsed) {
    return base::failure(base::Code::Unavailable,
                         request.method + " " + request.path + ": " + parsed.error().message);
  }
  return parsed;
}

base::Result<Json> HttpApi::get(const ResourceType& type, const ObjectKey& key) {
  ASSIGN_OR_RETURN(const Request request, get_request(type, key));
  return ask(request);
}

base::Result<ObjectList> HttpApi::list(const ResourceType& type, const ListOptions& options) {
  return list_in_pages(type, options, options_.page_size,
                       [&](const Request& request, ObjectList& result) {
                         return list_page(request, type, options.content, result);
                       });
}

// A page that is too large as a whole is read again as it comes, object by object.
base::Result<std::string> HttpApi::list_page(const Request& request, const ResourceType& type,
                                             ListOptions::Content content, ObjectList& result) {
  ListDecoder decoder(type, result, ObjectLimits{}, content);
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
  ASSIGN_OR_RETURN(const Request request, watch_request(type, options));
  ASSIGN_OR_RETURN(std::unique_ptr<BodyStream> stream, open(request, options_.watch_silence));
  return std::make_unique<HttpWatch>(std::move(stream));
}

base::Result<Json> HttpApi::create(const ResourceType& type, const Json& object) {
  ASSIGN_OR_RETURN(Request request, create_request(type, object, options_.field_manager));
  if (!options_.field_validation.empty())
    request.query.emplace_back("fieldValidation", options_.field_validation);
  return ask(with_body(std::move(request), object));
}

base::Result<Json> HttpApi::update(const ResourceType& type, const Json& object,
                                   std::string_view subresource) {
  ASSIGN_OR_RETURN(Request request,
                   update_request(type, object, subresource, options_.field_manager));
  return ask(with_body(std::move(request), object));
}

base::Result<Json> HttpApi::patch(const ResourceType& type, const ObjectKey& key,
                                  PatchType patch_type, const Json& patch,
                                  const PatchOptions& options) {
  ASSIGN_OR_RETURN(Request request,
                   patch_request(type, key, patch_type, options, options_.field_manager));
  return ask(with_body(std::move(request), patch));
}

base::Status HttpApi::remove(const ResourceType& type, const ObjectKey& key,
                             const DeleteOptions& options) {
  ASSIGN_OR_RETURN(Request request, remove_request(type, key));
  RETURN_IF_ERROR(raw(with_body(std::move(request), remove_body(options))));
  return {};
}

base::Result<std::unique_ptr<BodyStream>> HttpApi::logs(const ObjectKey& pod,
                                                        const LogOptions& options) {
  ASSIGN_OR_RETURN(std::string path, object_path(pods(), pod, "log"));
  Request request{.method = "GET", .path = std::move(path)};
  if (!options.container.empty()) request.query.emplace_back("container", options.container);
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
