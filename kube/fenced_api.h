#pragma once

// FencedApi: an Api that writes only while its replica leads. The fence is asked right before each
// write; a process that was stopped for a minute finds it closed at its next one. A write that had
// passed it before the process was stopped may still arrive late: names, resourceVersions and UIDs
// make that harmless, and tests/simulation shows it. Reading is free.
//
// Errors: Unavailable, `not written: this replica does not lead`. Threads: any.

#include <functional>
#include <memory>
#include <string_view>

#include "kube/api.h"

namespace kube {

class FencedApi final : public Api {
 public:
  // True while leading is certain. Called for each write, from any thread.
  using Fence = std::function<bool()>;
  // The Api must outlive it.
  FencedApi(Api& api, Fence fence) : api_(api), fence_(std::move(fence)) {}

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
  [[nodiscard]] base::Status pass() const;

  Api& api_;
  const Fence fence_;
};

}  // namespace kube
