#pragma once

// ForwardingApi: an Api that hands every call on to another one: the base of those that change a
// few calls of it.
//
// Errors and threads: those of the Api behind it.

#include <memory>
#include <string_view>

#include "kube/api.h"

namespace kube {

class ForwardingApi : public Api {
 public:
  // The Api must outlive it.
  explicit ForwardingApi(Api& api) : api_(api) {}

  base::Result<Json> get(const ResourceType& type, const ObjectKey& key) override;
  base::Result<ObjectList> list(const ResourceType& type, const ListOptions& options) override;
  base::Result<std::unique_ptr<Watch>> watch(const ResourceType& type,
                                             const ListOptions& options) override;
  base::Result<Json> create(const ResourceType& type, const Json& object) override;
  base::Result<Json> update(const ResourceType& type, const Json& object,
                            std::string_view subresource = "") override;
  base::Result<Json> patch(const ResourceType& type, const ObjectKey& key, PatchType patch_type,
                           const Json& patch, const PatchOptions& options = {}) override;
  base::Status remove(const ResourceType& type, const ObjectKey& key,
                      const DeleteOptions& options = {}) override;

 private:
  Api& api_;
};

}  // namespace kube
