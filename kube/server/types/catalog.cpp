#include "kube/server/types/catalog.h"

#include <algorithm>
#include <tuple>

namespace kube::server::types {
namespace {

std::string path_of(std::string_view group, std::string_view version, std::string_view plural) {
  return std::string(group) + "/" + std::string(version) + "/" + std::string(plural);
}

std::string kind_of(std::string_view api_version, std::string_view kind) {
  return std::string(api_version) + "/" + std::string(kind);
}

ResourcePtr lookup(const std::map<std::string, ResourcePtr, std::less<>>& map,
                   std::string_view key) {
  const auto found = map.find(key);
  return found == map.end() ? nullptr : found->second;
}

}  // namespace

Catalog::Catalog(std::vector<ResourcePtr> resources, int64_t revision)
    : resources_(std::move(resources)), revision_(revision) {
  std::sort(resources_.begin(), resources_.end(), [](const ResourcePtr& a, const ResourcePtr& b) {
    return std::tie(a->type.group, a->type.version, a->type.plural) <
           std::tie(b->type.group, b->type.version, b->type.plural);
  });
  for (const ResourcePtr& resource : resources_) {
    const kube::ResourceType& type = resource->type;
    by_path_.emplace(path_of(type.group, type.version, type.plural), resource);
    by_kind_.emplace(kind_of(type.api_version(), type.kind), resource);
    ResourcePtr& stored = by_storage_[resource->storage];
    if (!stored || resource->stored_as_served()) stored = resource;
  }
}

ResourcePtr Catalog::find(std::string_view group, std::string_view version,
                          std::string_view plural) const {
  return lookup(by_path_, path_of(group, version, plural));
}

ResourcePtr Catalog::find_stored(std::string_view storage) const {
  return lookup(by_storage_, storage);
}

ResourcePtr Catalog::find_kind(std::string_view api_version, std::string_view kind) const {
  return lookup(by_kind_, kind_of(api_version, kind));
}

CatalogPtr Catalogs::current() const {
  const base::MutexLock lock(mutex_);
  return current_;
}

void Catalogs::replace(CatalogPtr next) {
  const base::MutexLock lock(mutex_);
  current_ = std::move(next);
}

}  // namespace kube::server::types
