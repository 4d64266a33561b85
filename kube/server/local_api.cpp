#include "kube/server/local_api.h"

#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/json.h"
#include "kube/api_requests.h"
#include "kube/api_status.h"
#include "kube/server/objects/objects.h"

namespace kube::server {
namespace {

using base::http::Request;
using base::http::Response;
using rest::LocalCall;

// Takes answers that are no stored objects: errors, Status, reviews.
class Taker final : public base::http::Responder {
 public:
  [[nodiscard]] const std::optional<Response>& response() const { return response_; }
  void send(Response response) override { response_ = std::move(response); }
  [[nodiscard]] bool wants_websocket() const override { return false; }
  // Only logs are streams to everybody, and this Api has no call for them.
  std::shared_ptr<base::http::Stream> stream(int /*status*/,
                                             base::http::Headers /*headers*/) override {
    return nullptr;
  }
  std::shared_ptr<base::http::Stream> accept_websocket() override { return nullptr; }

 private:
  std::optional<Response> response_;
};

}  // namespace

base::Result<std::string> LocalApi::perform(Request request, LocalCall& call) {
  if (options_.stop.stop_requested()) return base::failure(base::Code::Cancelled, "cancelled");
  request.headers.add("Authorization", "Bearer " + options_.token);
  request.headers.add("User-Agent", options_.field_manager);
  call.watch_backlog = options_.watch_backlog;
  const auto taker = std::make_shared<Taker>();
  handler_.handle(std::move(request), taker, &call);
  if (!taker->response()) return std::string();
  const Response& response = *taker->response();
  if (response.status >= 200 && response.status < 300) return response.body;
  return base::failure(
      error_of(response.status, response.body, response.headers.get("Retry-After")));
}

base::Result<Json> LocalApi::ask(Request request, const Json* body) {
  LocalCall call{.body = body};
  ASSIGN_OR_RETURN(const std::string text, perform(std::move(request), call));
  if (!call.object) return base::parse_json(text);
  if (body == nullptr) return objects::Objects::served(*call.resource, *call.object);
  return objects::Objects::served(*call.resource, *call.object, kManagedFieldsPath);
}

base::Result<Json> LocalApi::get(const ResourceType& type, const ObjectKey& key) {
  ASSIGN_OR_RETURN(Request request, get_request(type, key));
  return ask(std::move(request));
}

base::Result<ObjectList> LocalApi::list(const ResourceType& type, const ListOptions& options) {
  // In one piece: what is listed is in memory, and pages would copy the state for each.
  return list_in_pages(type, options, 0, [&](const Request& request, ObjectList& result) {
    return list_page(request, type, options.content, result);
  });
}

base::Result<std::string> LocalApi::list_page(const Request& request, const ResourceType& type,
                                              ListOptions::Content content, ObjectList& result) {
  LocalCall call;
  RETURN_IF_ERROR(perform(request, call));
  CHECK(call.page != nullptr);
  result.items.reserve(result.items.size() + call.page->objects.size());
  for (const storage::ObjectPtr& object : call.page->objects) {
    if (content == ListOptions::Content::Versions) {
      result.items.push_back(version_of(type, {object->key.ns, object->key.name},
                                        object->indexed.uid, std::to_string(object->revision)));
      continue;
    }
    Json item = objects::Objects::served(*call.resource, *object);
    item.emplace("apiVersion", type.api_version());
    item.emplace("kind", type.kind);
    result.items.push_back(std::move(item));
  }
  result.resource_version = call.page->resource_version;
  return call.page->continue_token;
}

base::Result<std::unique_ptr<Watch>> LocalApi::watch(const ResourceType& type,
                                                     const ListOptions& options) {
  ASSIGN_OR_RETURN(Request request, watch_request(type, options));
  LocalCall call;
  RETURN_IF_ERROR(perform(std::move(request), call));
  CHECK(call.watch != nullptr);
  return std::make_unique<rest::LocalWatch>(std::move(call.watch), options_.stop);
}

base::Result<Json> LocalApi::create(const ResourceType& type, const Json& object) {
  ASSIGN_OR_RETURN(Request request, create_request(type, object, options_.field_manager));
  return ask(std::move(request), &object);
}

base::Result<Json> LocalApi::update(const ResourceType& type, const Json& object,
                                    std::string_view subresource) {
  ASSIGN_OR_RETURN(Request request,
                   update_request(type, object, subresource, options_.field_manager));
  return ask(std::move(request), &object);
}

base::Result<Json> LocalApi::patch(const ResourceType& type, const ObjectKey& key,
                                   PatchType patch_type, const Json& patch,
                                   const PatchOptions& options) {
  ASSIGN_OR_RETURN(Request request,
                   patch_request(type, key, patch_type, options, options_.field_manager));
  return ask(std::move(request), &patch);
}

base::Status LocalApi::remove(const ResourceType& type, const ObjectKey& key,
                              const DeleteOptions& options) {
  ASSIGN_OR_RETURN(Request request, remove_request(type, key));
  const Json body = remove_body(options);
  LocalCall call{.body = &body};
  RETURN_IF_ERROR(perform(std::move(request), call));
  return {};
}

}  // namespace kube::server
