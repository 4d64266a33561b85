#include "monitor/log_keeping_api.h"

#include <nlohmann/json.hpp>

#include "config/names.h"

namespace monitor {

using base::Result;
using kube::Json;
using kube::ObjectKey;
using kube::ResourceType;

Result<Json> LogKeepingApi::get(const ResourceType& type, const ObjectKey& key) {
  return api_.get(type, key);
}

Result<kube::ObjectList> LogKeepingApi::list(const ResourceType& type,
                                             const kube::ListOptions& options) {
  return api_.list(type, options);
}

Result<std::unique_ptr<kube::Watch>> LogKeepingApi::watch(const ResourceType& type,
                                                          const kube::ListOptions& options) {
  return api_.watch(type, options);
}

Result<Json> LogKeepingApi::create(const ResourceType& type, const Json& object) {
  return api_.create(type, object);
}

Result<Json> LogKeepingApi::update(const ResourceType& type, const Json& object,
                                   std::string_view subresource) {
  return api_.update(type, object, subresource);
}

Result<Json> LogKeepingApi::patch(const ResourceType& type, const ObjectKey& key,
                                  kube::PatchType patch_type, const Json& patch,
                                  const kube::PatchOptions& options) {
  return api_.patch(type, key, patch_type, patch, options);
}

base::Status LogKeepingApi::remove(const ResourceType& type, const ObjectKey& key,
                                   const kube::DeleteOptions& options) {
  if (type == kube::pods()) logs_.await_pod(key);
  if (type == config::spark_applications()) logs_.await_run(key);
  return api_.remove(type, key, options);
}

}  // namespace monitor
