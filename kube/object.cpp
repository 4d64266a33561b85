#include "kube/object.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"

namespace kube {
namespace {

// Null when it is missing or no list.
const Json* list_at(const Json& object, std::string_view member) {
  const Json* list = base::find(object, {"metadata", member});
  return list != nullptr && list->is_array() ? list : nullptr;
}

template <class Matches>
std::optional<OwnerReference> first_owner(const Json& object, Matches matches) {
  for (OwnerReference& owner : owners_of(object))
    if (matches(owner)) return std::move(owner);
  return std::nullopt;
}

}  // namespace

ObjectKey key_of(const Json& object) {
  return {base::string_at(object, {"metadata", "namespace"}),
          base::string_at(object, {"metadata", "name"})};
}

std::string uid_of(const Json& object) {
  return base::string_at(object, {"metadata", "uid"});
}

std::string resource_version_of(const Json& object) {
  return base::string_at(object, {"metadata", "resourceVersion"});
}

Json version_of(const ResourceType& type, const Json& object) {
  return version_of(type, key_of(object), uid_of(object), resource_version_of(object));
}

Json version_of(const ResourceType& type, const ObjectKey& key, std::string uid,
                std::string resource_version) {
  Json metadata = {{"name", key.name},
                   {"uid", std::move(uid)},
                   {"resourceVersion", std::move(resource_version)}};
  if (!key.ns.empty()) metadata["namespace"] = key.ns;
  return {
      {"apiVersion", type.api_version()}, {"kind", type.kind}, {"metadata", std::move(metadata)}};
}

std::optional<base::WallTime> created_at(const Json& object) {
  const auto time = base::parse_rfc3339(base::string_at(object, {"metadata", "creationTimestamp"}));
  return time ? std::optional<base::WallTime>(*time) : std::nullopt;
}

bool is_deleting(const Json& object) {
  return !base::string_at(object, {"metadata", "deletionTimestamp"}).empty();
}

std::vector<OwnerReference> owners_of(const Json& object) {
  std::vector<OwnerReference> owners;
  const Json* list = list_at(object, "ownerReferences");
  if (list == nullptr) return owners;
  owners.reserve(list->size());
  for (const Json& one : *list) {
    owners.push_back(
        {.api_version = base::string_at(one, {"apiVersion"}),
         .kind = base::string_at(one, {"kind"}),
         .name = base::string_at(one, {"name"}),
         .uid = base::string_at(one, {"uid"}),
         .controller = base::bool_at(one, {"controller"}).value_or(false),
         .blocks_deletion = base::bool_at(one, {"blockOwnerDeletion"}).value_or(false)});
  }
  return owners;
}

std::optional<OwnerReference> controller_of(const Json& object) {
  return first_owner(object, [](const OwnerReference& owner) { return owner.controller; });
}

std::optional<OwnerReference> owner_of_kind(const Json& object, std::string_view kind) {
  return first_owner(object, [&](const OwnerReference& owner) { return owner.kind == kind; });
}

bool is_owned_by(const Json& object, std::string_view uid) {
  return first_owner(object, [&](const OwnerReference& owner) { return owner.uid == uid; })
      .has_value();
}

Json controller_reference(std::string_view api_version, std::string_view kind,
                          const std::string& name, const std::string& uid) {
  return {{"apiVersion", api_version},
          {"kind", kind},
          {"name", name},
          {"uid", uid},
          {"controller", true},
          {"blockOwnerDeletion", true}};
}

std::vector<std::string> finalizers_of(const Json& object) {
  std::vector<std::string> finalizers;
  if (const Json* list = list_at(object, "finalizers"); list != nullptr)
    for (const Json& one : *list)
      if (one.is_string()) finalizers.push_back(one.get<std::string>());
  return finalizers;
}

bool has_finalizer(const Json& object, std::string_view finalizer) {
  const Json* list = list_at(object, "finalizers");
  return list != nullptr && std::find(list->begin(), list->end(), finalizer) != list->end();
}

Json finalizers_with(const Json& object, std::string_view finalizer, Finalizer wanted) {
  Json result = Json::array();
  if (const Json* list = list_at(object, "finalizers"); list != nullptr)
    for (const Json& one : *list)
      if (one != finalizer) result.push_back(one);
  if (wanted == Finalizer::Present) result.push_back(finalizer);
  return result;
}

}  // namespace kube
