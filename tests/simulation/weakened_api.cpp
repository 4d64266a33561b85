#include "tests/simulation/weakened_api.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/object.h"

namespace simulation {

using kube::Json;

base::Result<Json> WeakenedApi::get(const kube::ResourceType& type, const kube::ObjectKey& key) {
  at_call_();
  return ForwardingApi::get(type, key);
}

base::Result<kube::ObjectList> WeakenedApi::list(const kube::ResourceType& type,
                                                 const kube::ListOptions& options) {
  at_call_();
  return ForwardingApi::list(type, options);
}

base::Result<Json> WeakenedApi::create(const kube::ResourceType& type, const Json& object) {
  at_call_();
  Json next = object;
  if (without_ == Without::Mounts && type == kube::pods()) next["spec"].erase("volumes");
  return ForwardingApi::create(type, next);
}

base::Result<Json> WeakenedApi::update(const kube::ResourceType& type, const Json& object,
                                       std::string_view subresource) {
  at_call_();
  Json next = object;
  if (without_ == Without::Versions) next["metadata"].erase("resourceVersion");
  if (without_ == Without::Filling && type == kube::config_maps()) {
    // As if it had been created with all that it holds.
    RETURN_IF_ERROR(ForwardingApi::remove(type, kube::key_of(object)));
    for (const char* member : {"uid", "resourceVersion"})
      next["metadata"].erase(member);
    return ForwardingApi::create(type, next);
  }
  return ForwardingApi::update(type, next, subresource);
}

base::Result<Json> WeakenedApi::patch(const kube::ResourceType& type, const kube::ObjectKey& key,
                                      kube::PatchType patch_type, const Json& patch,
                                      const kube::PatchOptions& options) {
  at_call_();
  Json next = patch;
  if (without_ == Without::Versions && next.contains("metadata"))
    next["metadata"].erase("resourceVersion");
  return ForwardingApi::patch(type, key, patch_type, next, options);
}

base::Status WeakenedApi::remove(const kube::ResourceType& type, const kube::ObjectKey& key,
                                 const kube::DeleteOptions& options) {
  at_call_();
  return ForwardingApi::remove(type, key, options);
}

}  // namespace simulation
