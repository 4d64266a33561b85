#include "tests/support/permitted_api.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "runner/permissions.h"

namespace tests {
namespace {

std::string with_subresource(const kube::ResourceType& type, std::string_view subresource) {
  return subresource.empty() ? type.plural : type.plural + "/" + std::string(subresource);
}

}  // namespace

base::Status PermittedApi::allow(const std::string& verb, const std::string& group,
                                 const std::string& resource) {
  const auto rows = runner::permissions();
  const bool allowed = std::any_of(rows.begin(), rows.end(), [&](const runner::Permission& row) {
    return row.role == runner::Role::Controller && row.group == group && row.resource == resource &&
           row.verb == verb;
  });
  if (allowed) return {};
  base::MutexLock lock(mutex_);
  const std::string call = verb + " " + resource;
  if (std::find(refused_.begin(), refused_.end(), call) == refused_.end()) refused_.push_back(call);
  return base::failure(base::Code::Forbidden, "cannot " + verb + " resource \"" + resource +
                                                  "\" in API group \"" + group + "\"");
}

base::Status PermittedApi::allow_owners(const kube::Json& object) {
  const kube::Json* owners = base::find(object, {"metadata", "ownerReferences"});
  if (owners == nullptr) return {};
  for (const kube::Json& owner : *owners) {
    if (!owner.value("blockOwnerDeletion", false)) continue;
    const std::string kind = base::string_at(owner, {"kind"});
    const kube::ResourceType& type = kind == config::kScheduleKind
                                         ? config::scheduled_spark_applications()
                                         : config::spark_applications();
    RETURN_IF_ERROR(allow("update", type.group, type.plural + "/finalizers"));
  }
  return {};
}

base::Result<kube::Json> PermittedApi::get(const kube::ResourceType& type,
                                           const kube::ObjectKey& key) {
  RETURN_IF_ERROR(allow("get", type.group, type.plural));
  return ForwardingApi::get(type, key);
}

base::Result<kube::ObjectList> PermittedApi::list(const kube::ResourceType& type,
                                                  const kube::ListOptions& options) {
  RETURN_IF_ERROR(allow("list", type.group, type.plural));
  return ForwardingApi::list(type, options);
}

base::Result<std::unique_ptr<kube::Watch>> PermittedApi::watch(const kube::ResourceType& type,
                                                               const kube::ListOptions& options) {
  RETURN_IF_ERROR(allow("watch", type.group, type.plural));
  return ForwardingApi::watch(type, options);
}

base::Result<kube::Json> PermittedApi::create(const kube::ResourceType& type,
                                              const kube::Json& object) {
  RETURN_IF_ERROR(allow("create", type.group, type.plural));
  RETURN_IF_ERROR(allow_owners(object));
  return ForwardingApi::create(type, object);
}

base::Result<kube::Json> PermittedApi::update(const kube::ResourceType& type,
                                              const kube::Json& object,
                                              std::string_view subresource) {
  RETURN_IF_ERROR(allow("update", type.group, with_subresource(type, subresource)));
  return ForwardingApi::update(type, object, subresource);
}

base::Result<kube::Json> PermittedApi::patch(const kube::ResourceType& type,
                                             const kube::ObjectKey& key, kube::PatchType patch_type,
                                             const kube::Json& patch,
                                             const kube::PatchOptions& options) {
  RETURN_IF_ERROR(allow("patch", type.group, with_subresource(type, options.subresource)));
  return ForwardingApi::patch(type, key, patch_type, patch, options);
}

base::Status PermittedApi::remove(const kube::ResourceType& type, const kube::ObjectKey& key,
                                  const kube::DeleteOptions& options) {
  RETURN_IF_ERROR(allow("delete", type.group, type.plural));
  return ForwardingApi::remove(type, key, options);
}

std::vector<std::string> PermittedApi::refused() const {
  base::MutexLock lock(mutex_);
  return refused_;
}

}  // namespace tests
