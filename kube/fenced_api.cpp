#include "kube/fenced_api.h"

#include <nlohmann/json.hpp>

namespace kube {

base::Status FencedApi::pass() const {
  if (fence_()) return {};
  return base::failure(base::Code::Unavailable, "not written: this replica does not lead");
}

base::Result<Json> FencedApi::create(const ResourceType& type, const Json& object) {
  RETURN_IF_ERROR(pass());
  return ForwardingApi::create(type, object);
}

base::Result<Json> FencedApi::update(const ResourceType& type, const Json& object,
                                     std::string_view subresource) {
  RETURN_IF_ERROR(pass());
  return ForwardingApi::update(type, object, subresource);
}

base::Result<Json> FencedApi::patch(const ResourceType& type, const ObjectKey& key,
                                    PatchType patch_type, const Json& patch,
                                    const PatchOptions& options) {
  RETURN_IF_ERROR(pass());
  return ForwardingApi::patch(type, key, patch_type, patch, options);
}

base::Status FencedApi::remove(const ResourceType& type, const ObjectKey& key,
                               const DeleteOptions& options) {
  RETURN_IF_ERROR(pass());
  return ForwardingApi::remove(type, key, options);
}

}  // namespace kube
