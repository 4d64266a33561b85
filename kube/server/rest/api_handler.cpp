#include "kube/server/rest/api_handler.h"

#include <atomic>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/constant_time.h"
#include "base/guard.h"
#include "base/json.h"
#include "base/log.h"
#include "kube/server/rest/discovery.h"
#include "kube/server/rest/shaped_responder.h"
#include "kube/server/rest/verbs.h"

namespace kube::server::rest {
namespace {

using base::http::Request;
using base::http::Responder;

// Remembers that an answer has begun: what throws afterwards cannot be answered a second time.
class OnceResponder final : public Responder {
 public:
  explicit OnceResponder(std::shared_ptr<Responder> inner) : inner_(std::move(inner)) {}
  [[nodiscard]] bool answered() const { return answered_; }

  void send(base::http::Response response) override {
    answered_ = true;
    inner_->send(std::move(response));
  }
  std::shared_ptr<base::http::Stream> stream(int status, base::http::Headers headers) override {
    answered_ = true;
    return inner_->stream(status, std::move(headers));
  }
  [[nodiscard]] bool wants_websocket() const override { return inner_->wants_websocket(); }
  std::shared_ptr<base::http::Stream> accept_websocket() override {
    answered_ = true;
    return inner_->accept_websocket();
  }

 private:
  const std::shared_ptr<Responder> inner_;
  std::atomic<bool> answered_ = false;
};

using Verb = void (*)(ApiRequest&);

bool wants_watch(const ApiRequest& call) {
  return call.info.watch || call.flag("watch");
}

Verb collection_verb(const ApiRequest& call) {
  const std::string& method = call.request.method;
  if (method == "GET" || method == "HEAD") {
    return wants_watch(call) ? handle_watch : handle_list;
  }
  if (method == "POST") return handle_create;
  if (method == "DELETE") return handle_delete_collection;
  return nullptr;
}

Verb object_verb(const ApiRequest& call) {
  const std::string& method = call.request.method;
  if (method == "GET" || method == "HEAD") {
    return wants_watch(call) ? handle_watch : handle_get;
  }
  if (method == "PUT") return handle_update;
  if (method == "PATCH") return handle_patch;
  const bool main = call.info.subresource.empty();
  return method == "DELETE" && main ? handle_delete : nullptr;
}

Verb scale_verb(const ApiRequest& call) {
  const std::string& method = call.request.method;
  if (method == "GET" || method == "HEAD") return handle_get_scale;
  if (method == "PUT") return handle_update_scale;
  return method == "PATCH" ? handle_patch_scale : nullptr;
}

// Null with `known` false: there is no such subresource.
Verb subresource_verb(const ApiRequest& call, bool& known) {
  const std::string& sub = call.info.subresource;
  known = true;
  if (sub == "status" && call.resource->rules.status_subresource) return object_verb(call);
  if (sub == "scale" && call.resource->scale) return scale_verb(call);
  if (call.resource->storage == "serviceaccounts" && sub == "token")
    return call.request.method == "POST" ? handle_token_request : nullptr;
  if (call.resource->type == kube::pods()) {
    const std::string& method = call.request.method;
    if (sub == "log") return method == "GET" ? handle_log : nullptr;
    if (sub == "binding") return method == "POST" ? handle_binding : nullptr;
    if (sub == "eviction") return method == "POST" ? handle_eviction : nullptr;
  }
  known = false;
  return nullptr;
}

// A real server answers in two ways, by the part of it that serves the kind.
ApiError wrong_method(const ApiRequest& call) {
  const std::string& method = call.request.method;
  ApiError error = machinery::method_not_supported(call.resource->type);
  if (!call.resource->custom) {
    error.kind.clear();
    error.group.clear();
    error.bare_details = true;
    return error;
  }
  const char* verb = method == "POST" ? "create" : method == "PUT" ? "update" : nullptr;
  if (method == "DELETE") verb = "delete";
  if (method == "PATCH") verb = "patch";
  if (verb == nullptr || call.info.subresource.empty()) return error;
  const std::string resource = call.resource->type.plural + "." + call.resource->type.group;
  error.message = std::string(verb) + " is not supported on resources of kind \"" + resource + "\"";
  return error;
}

bool fits_scope(const ApiRequest& call) {
  const bool namespaced = call.resource->type.namespaced;
  if (!namespaced) return call.info.ns.empty();
  // Across namespaces there are only lists, watches and deletions of collections.
  return !call.info.ns.empty() || (call.info.name.empty() && call.request.method != "POST");
}

}  // namespace

ApiHandler::ApiHandler(Services services, std::vector<std::string> tokens)
    : services_(services), tokens_(std::move(tokens)) {
  CHECK(!tokens_.empty());
}

std::optional<Caller> ApiHandler::authenticate(std::string_view authorization) const {
  constexpr std::string_view kScheme = "Bearer ";
  if (!authorization.starts_with(kScheme)) return std::nullopt;
  authorization.remove_prefix(kScheme.size());
  bool known = false;
  for (const std::string& token : tokens_) {
    known = base::equal_in_constant_time(authorization, token) || known;
  }
  if (!known) return services_.tokens.recognise(authorization);
  return Caller{.username = "sparkcron-admin",
                .uid = "",
                .groups = {"system:masters", "system:authenticated"}};
}

base::http::Admission ApiHandler::admit(const Request& head) const {
  if (authenticate(head.headers.get("Authorization")))
    return {.refusal = std::nullopt, .trusted = true};
  return {.refusal = response_of(machinery::unauthorized())};
}

void ApiHandler::handle(Request request, std::shared_ptr<Responder> responder, LocalCall* local) {
  const auto caller = authenticate(request.headers.get("Authorization"));
  if (!caller) return answer(*responder, machinery::unauthorized());
  const auto once = std::make_shared<OnceResponder>(std::move(responder));
  // Also the seam to the JSON library, which throws where code forgot to ask for a type.
  const auto done =
      base::guarded("request", [&] { route(std::move(request), *caller, once, local); });
  if (done) return;
  base::log_error("kube/server", "A request failed unexpectedly",
                  {{"error", done.error().message}});
  if (once->answered()) return;  // an open stream ends as its owner goes
  if (done.error().code == base::Code::ResourceExhausted) {
    return answer(*once, machinery::unavailable("the server is out of memory, try again later"));
  }
  answer(*once, machinery::internal_error("the request could not be handled"));
}

void ApiHandler::route(Request request, const Caller& caller, std::shared_ptr<Responder> responder,
                       LocalCall* local) {
  if (request.path == "/version" || request.path == "/version/") {
    return answer(*responder, 200, base::dump_json(version_info()) + "\n");
  }
  const auto catalog = services_.objects.catalog();
  const auto info = parse_path(request.path);
  if (!info || info->plural.empty()) {
    if (request.method == "GET" && documents_.answer(catalog, request, *responder)) return;
    return answer(*responder, machinery::resource_not_found());
  }
  auto resource = catalog->find(info->group, info->version, info->plural);
  if (!resource) {
    ApiError error = machinery::resource_not_found();
    error.bare_details = true;
    return answer(*responder, error);
  }
  const auto representation = negotiate(request.headers.get("Accept"));
  const bool plain_text = info->subresource == "log";
  if (!representation && !plain_text) {
    return answer(*responder, machinery::not_acceptable({"application/json", "application/yaml",
                                                         "application/json;stream=watch"}));
  }
  const Syntax syntax = representation ? representation->syntax : Syntax::Json;
  if (syntax != Syntax::Json || !resource->deprecation.empty()) {
    responder =
        std::make_shared<ShapedResponder>(std::move(responder), syntax, resource->deprecation);
  }
  ApiRequest call{.services = services_,
                  .request = std::move(request),
                  .responder = std::move(responder),
                  .caller = caller,
                  .info = *info,
                  .catalog = catalog,
                  .resource = std::move(resource),
                  .representation = representation.value_or(Representation{}),
                  .local = local};
  dispatch(call);
}

void ApiHandler::dispatch(ApiRequest& call) {
  if (!fits_scope(call)) return answer(*call.responder, machinery::resource_not_found());
  bool known = true;
  Verb verb = nullptr;
  if (call.info.watch && (call.request.method != "GET" || !call.info.subresource.empty()))
    return answer(*call.responder, machinery::resource_not_found());
  if (!call.resource->can_be_stored) {
    if (call.request.method == "POST" && call.info.name.empty()) verb = handle_review;
  } else if (!call.info.subresource.empty()) {
    verb = subresource_verb(call, known);
  } else {
    verb = call.info.name.empty() ? collection_verb(call) : object_verb(call);
  }
  if (!known && call.resource->custom && !call.info.watch) {
    return answer(*call.responder, machinery::not_found(call.resource->type, call.info.name));
  }
  if (!known) return answer(*call.responder, machinery::resource_not_found());
  if (!verb) return answer(*call.responder, wrong_method(call));
  // Only a watch can answer an upgrade; anything else would leave the client hanging.
  if (call.responder->wants_websocket() && verb != handle_watch) {
    return answer(*call.responder,
                  machinery::bad_request("only watches may be upgraded to a WebSocket"));
  }
  verb(call);
}

}  // namespace kube::server::rest
