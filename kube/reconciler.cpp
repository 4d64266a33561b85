#include "kube/reconciler.h"

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace kube {

void Reconciler::failing(const ObjectKey& /*key*/, const base::Error& /*error*/, int /*failures*/) {
}

std::vector<std::shared_ptr<const Json>> Cache::labelled(const ResourceType& type,
                                                         const std::string& ns,
                                                         std::string_view label,
                                                         std::string_view value) const {
  auto found = list(type, ns);
  std::erase_if(found, [&](const auto& object) {
    return base::string_at(*object, {"metadata", "labels", label}) != value;
  });
  return found;
}

void Cache::for_each(const ResourceType& type, const std::string& ns,
                     const std::function<void(const Json&)>& visit) const {
  for (const auto& object : list(type, ns))
    visit(*object);
}

std::vector<ObjectKey> Cache::keys(const ResourceType& type, const std::string& ns) const {
  std::vector<ObjectKey> keys;
  for (const auto& object : list(type, ns))
    keys.push_back(key_of(*object));
  return keys;
}

}  // namespace kube
