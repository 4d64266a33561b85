#include "kube/forwarding_api.h"

#include <nlohmann/json.hpp>

namespace kube {

using base::Result;

Result<Json> ForwardingApi::get(const ResourceType& type, const ObjectKey& key) {
  return api_.get(type, key);
}

Result<ObjectList> ForwardingApi::list(const ResourceType& type, const ListOptions& options) {
  return api_.list(type, options);
}

Result<std::unique_ptr<Watch>> ForwardingApi::watch(const ResourceType& type,
                                                    const ListOptions& options) {
  return api_.watch(type, options);
}

Result<Json> ForwardingApi::create(const ResourceType& type, const Json& object) {
  return api_.create(type, object);
}

Result<Json> ForwardingApi::update(const ResourceType& type, const Json& object,
                                   std::string_view subresource) {
  return api_.update(type, object, subresource);
}

Result<Json> ForwardingApi::patch(const ResourceType& type, const ObjectKey& key,
                                  PatchType patch_type, const Json& patch,
                                  const PatchOptions& options) {
  return api_.patch(type, key, patch_type, patch, options);
}

base::Status ForwardingApi::remove(const ResourceType& type, const ObjectKey& key,
                                   const DeleteOptions& options) {
  return api_.remove(type, key, options);
}

}  // namespace kube
