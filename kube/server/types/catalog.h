#pragma once

// Catalog: all resources that the server serves at one moment: the built-ins and what the stored
// CRDs define. Replaced as a whole when a CRD changes.
//
// Threads: immutable; Catalogs hands out the current one to any thread.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "kube/server/types/resource.h"

namespace kube::server::types {

class Catalog {
 public:
  explicit Catalog(std::vector<ResourcePtr> resources, int64_t revision = 0);

  // Null when not served.
  [[nodiscard]] ResourcePtr find(std::string_view group, std::string_view version,
                                 std::string_view plural) const;
  // Any served version of what the store calls `storage`, the storage version if it can be.
  [[nodiscard]] ResourcePtr find_stored(std::string_view storage) const;
  [[nodiscard]] ResourcePtr find_kind(std::string_view api_version, std::string_view kind) const;
  // In the order of discovery: core first, then groups by name; within a version by plural.
  [[nodiscard]] const std::vector<ResourcePtr>& resources() const { return resources_; }
  // Of the newest CRD in it; changes whenever the catalog does.
  [[nodiscard]] int64_t revision() const { return revision_; }

 private:
  std::vector<ResourcePtr> resources_;
  std::map<std::string, ResourcePtr, std::less<>> by_path_;
  std::map<std::string, ResourcePtr, std::less<>> by_storage_;
  std::map<std::string, ResourcePtr, std::less<>> by_kind_;
  int64_t revision_;
};
using CatalogPtr = std::shared_ptr<const Catalog>;

// The current catalog.
class Catalogs {
 public:
  explicit Catalogs(CatalogPtr first) : current_(std::move(first)) {}
  [[nodiscard]] CatalogPtr current() const;
  void replace(CatalogPtr next);

 private:
  mutable base::Mutex mutex_;
  CatalogPtr current_ GUARDED_BY(mutex_);
};

}  // namespace kube::server::types
