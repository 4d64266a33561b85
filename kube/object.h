#pragma once

// object: what every Kubernetes object says in its metadata. Nobody else walks ownerReferences,
// finalizers or time stamps by hand.
//
// Objects come from outside: a member that is missing or of the wrong type reads as absent.
// Threads: pure.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "kube/resource_type.h"

namespace kube {

using Json = nlohmann::json;

// Who manages which field: half of most objects, and nearly nobody asks.
inline constexpr std::string_view kManagedFieldsPath[] = {"metadata", "managedFields"};

// Empty when absent.
ObjectKey key_of(const Json& object);
std::string uid_of(const Json& object);
std::string resource_version_of(const Json& object);

// Of an object of this type no more than name, namespace, uid and resourceVersion.
Json version_of(const ResourceType& type, const Json& object);
Json version_of(const ResourceType& type, const ObjectKey& key, std::string uid,
                std::string resource_version);

std::optional<base::WallTime> created_at(const Json& object);
// Somebody has asked for its deletion; finalizers or a grace period may still keep it.
bool is_deleting(const Json& object);

struct OwnerReference {
  std::string api_version;
  std::string kind;
  std::string name;
  std::string uid;
  bool controller = false;
  bool blocks_deletion = false;  // blockOwnerDeletion: a foreground deletion waits for it
};
std::vector<OwnerReference> owners_of(const Json& object);
// The one owner that manages it, if any (at most one may say controller: true).
std::optional<OwnerReference> controller_of(const Json& object);
// The first owner of this kind, whatever its API group.
std::optional<OwnerReference> owner_of_kind(const Json& object, std::string_view kind);
bool is_owned_by(const Json& object, std::string_view uid);
// The reference that makes `owner` the controller of what carries it, and its deletion wait in the
// foreground.
Json controller_reference(std::string_view api_version, std::string_view kind,
                          const std::string& name, const std::string& uid);

std::vector<std::string> finalizers_of(const Json& object);
bool has_finalizer(const Json& object, std::string_view finalizer);
enum class Finalizer { Present, Absent };
// The object's list of finalizers with this one at its end, or without it.
Json finalizers_with(const Json& object, std::string_view finalizer, Finalizer wanted);

}  // namespace kube
