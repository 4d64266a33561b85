#pragma once

// PermittedApi: an Api that allows the controllers what runner::permissions() allows them, and
// nothing else, as an API server with RBAC does: a call without a row is Forbidden, and kept. Who
// creates an object that blocks its owner's deletion needs the owner's finalizers too
// (OwnerReferencesPermissionEnforcement).
//
// Threads: as the Api behind it; refused() when nobody calls.

#include <string>
#include <vector>

#include "base/mutex.h"
#include "kube/forwarding_api.h"

namespace tests {

class PermittedApi final : public kube::ForwardingApi {
 public:
  explicit PermittedApi(kube::Api& api) : ForwardingApi(api) {}

  base::Result<kube::Json> get(const kube::ResourceType& type, const kube::ObjectKey& key) override;
  base::Result<kube::ObjectList> list(const kube::ResourceType& type,
                                      const kube::ListOptions& options) override;
  base::Result<std::unique_ptr<kube::Watch>> watch(const kube::ResourceType& type,
                                                   const kube::ListOptions& options) override;
  base::Result<kube::Json> create(const kube::ResourceType& type,
                                  const kube::Json& object) override;
  base::Result<kube::Json> update(const kube::ResourceType& type, const kube::Json& object,
                                  std::string_view subresource = "") override;
  base::Result<kube::Json> patch(const kube::ResourceType& type, const kube::ObjectKey& key,
                                 kube::PatchType patch_type, const kube::Json& patch,
                                 const kube::PatchOptions& options = {}) override;
  base::Status remove(const kube::ResourceType& type, const kube::ObjectKey& key,
                      const kube::DeleteOptions& options = {}) override;

  // "create pods", each once, in the order in which they were first refused.
  [[nodiscard]] std::vector<std::string> refused() const;

 private:
  base::Status allow(const std::string& verb, const std::string& group,
                     const std::string& resource);
  base::Status allow_owners(const kube::Json& object);

  mutable base::Mutex mutex_;
  std::vector<std::string> refused_ GUARDED_BY(mutex_);
};

}  // namespace tests
