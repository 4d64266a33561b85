#include "kube/timed_api.h"

#include <nlohmann/json.hpp>

namespace kube {

using base::Result;

Result<Json> TimedApi::get(const ResourceType& type, const ObjectKey& key) {
  return timed("get", [&] { return ForwardingApi::get(type, key); });
}

Result<ObjectList> TimedApi::list(const ResourceType& type, const ListOptions& options) {
  return timed("list", [&] { return ForwardingApi::list(type, options); });
}

Result<std::unique_ptr<Watch>> TimedApi::watch(const ResourceType& type,
                                               const ListOptions& options) {
  return timed("watch", [&] { return ForwardingApi::watch(type, options); });
}

Result<Json> TimedApi::create(const ResourceType& type, const Json& object) {
  return timed("create", [&] { return ForwardingApi::create(type, object); });
}

Result<Json> TimedApi::update(const ResourceType& type, const Json& object,
                              std::string_view subresource) {
  return timed("update", [&] { return ForwardingApi::update(type, object, subresource); });
}

Result<Json> TimedApi::patch(const ResourceType& type, const ObjectKey& key, PatchType patch_type,
                             const Json& patch, const PatchOptions& options) {
  return timed("patch",
               [&] { return ForwardingApi::patch(type, key, patch_type, patch, options); });
}

base::Status TimedApi::remove(const ResourceType& type, const ObjectKey& key,
                              const DeleteOptions& options) {
  return timed("delete", [&] { return ForwardingApi::remove(type, key, options); });
}

}  // namespace kube
