#include "kube/api_requests.h"

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include <nlohmann/json.hpp>

#include "kube/resource_path.h"

namespace kube {
namespace {

using base::http::Request;

// As client-go: between five and ten minutes, so that watches do not all end at once.
constexpr int kShortestWatchSeconds = 290;
constexpr int kLongestWatchSeconds = 580;

std::chrono::seconds random_watch_time() {
  thread_local std::minstd_rand generator{std::random_device{}()};
  return std::chrono::seconds{
      std::uniform_int_distribution<int>(kShortestWatchSeconds, kLongestWatchSeconds)(generator)};
}

void add_unless_empty(Request& request, const char* name, const std::string& value) {
  if (!value.empty()) request.query.emplace_back(name, value);
}

Request reading(std::string path) {
  return {.method = "GET", .path = std::move(path), .headers = {{"Accept", "application/json"}}};
}

Request writing(std::string method, std::string path, const char* content_type) {
  return {.method = std::move(method),
          .path = std::move(path),
          .headers = {{"Accept", "application/json"}, {"Content-Type", content_type}}};
}

constexpr const char* kJson = "application/json";

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

}  // namespace

base::Result<Request> get_request(const ResourceType& type, const ObjectKey& key) {
  ASSIGN_OR_RETURN(std::string path, object_path(type, key));
  return reading(std::move(path));
}

base::Result<Request> list_request(const ResourceType& type, const ListOptions& options,
                                   int64_t limit, const std::string& token) {
  ASSIGN_OR_RETURN(std::string path, collection_path(type, options.ns));
  Request request = reading(std::move(path));
  add_unless_empty(request, "labelSelector", options.label_selector);
  add_unless_empty(request, "fieldSelector", options.field_selector);
  // Who does not know it sends the objects.
  if (options.content == ListOptions::Content::Versions)
    request.headers.set("Accept",
                        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,"
                        "application/json");
  if (limit > 0) request.query.emplace_back("limit", std::to_string(limit));
  // A token stands for a revision already.
  add_unless_empty(request, "resourceVersion", token.empty() ? options.resource_version : "");
  add_unless_empty(request, "continue", token);
  return request;
}

namespace {

base::Result<ObjectList> pages(const ResourceType& type, const ListOptions& options,
                               int64_t page_size, const AskPage& ask) {
  ObjectList result;
  std::string token;
  do {
    int64_t limit = page_size;
    if (options.limit > 0) {
      const int64_t left = options.limit - static_cast<int64_t>(result.items.size());
      limit = page_size > 0 ? std::min(page_size, left) : left;
    }
    ASSIGN_OR_RETURN(const Request request, list_request(type, options, limit, token));
    ASSIGN_OR_RETURN(token, ask(request, result));
  } while (!token.empty() &&
           (options.limit == 0 || static_cast<int64_t>(result.items.size()) < options.limit));
  return result;
}

}  // namespace

base::Result<ObjectList> list_in_pages(const ResourceType& type, const ListOptions& options,
                                       int64_t page_size, const AskPage& ask) {
  auto listed = pages(type, options, page_size, ask);
  // The continue token expired while we paged: one large answer cannot.
  if (!listed && listed.error().code == base::Code::Gone && options.limit == 0) {
    return pages(type, options, 0, ask);
  }
  return listed;
}

base::Result<Request> watch_request(const ResourceType& type, const ListOptions& options) {
  ASSIGN_OR_RETURN(std::string path, collection_path(type, options.ns));
  Request request = reading(std::move(path));
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
  return request;
}

base::Result<Request> create_request(const ResourceType& type, const Json& object,
                                     const std::string& field_manager) {
  const ObjectKey key = key_of(object);
  if (type.namespaced && key.ns.empty()) {
    return base::failure(base::Code::InvalidArgument,
                         type.kind + " \"" + key.name + "\" needs a namespace");
  }
  // A Binding is a subresource in all but name: the form that every API server knows is under its
  // pod.
  ASSIGN_OR_RETURN(std::string path, type.kind == "Binding" ? object_path(pods(), key, "binding")
                                                            : collection_path(type, key.ns));
  Request request = writing("POST", std::move(path), kJson);
  add_unless_empty(request, "fieldManager", field_manager);
  return request;
}

base::Result<Request> update_request(const ResourceType& type, const Json& object,
                                     std::string_view subresource,
                                     const std::string& field_manager) {
  ASSIGN_OR_RETURN(std::string path, object_path(type, key_of(object), subresource));
  Request request = writing("PUT", std::move(path), kJson);
  add_unless_empty(request, "fieldManager", field_manager);
  return request;
}

base::Result<Request> patch_request(const ResourceType& type, const ObjectKey& key,
                                    PatchType patch_type, const PatchOptions& options,
                                    const std::string& field_manager) {
  ASSIGN_OR_RETURN(std::string path, object_path(type, key, options.subresource));
  Request request = writing("PATCH", std::move(path), content_type_of(patch_type));
  add_unless_empty(request, "fieldManager",
                   options.field_manager.empty() ? field_manager : options.field_manager);
  if (options.force && patch_type == PatchType::Apply) request.query.emplace_back("force", "true");
  return request;
}

base::Result<Request> remove_request(const ResourceType& type, const ObjectKey& key) {
  ASSIGN_OR_RETURN(std::string path, object_path(type, key));
  return writing("DELETE", std::move(path), kJson);
}

Json remove_body(const DeleteOptions& options) {
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

}  // namespace kube
