#pragma once

// FencedApi: an Api that writes only while its replica leads. The fence is asked right before each
// write; a process that was stopped for a minute finds it closed at its next one. A write that had
// passed it before the process was stopped may still arrive late: names, resourceVersions and UIDs
// make that harmless, as tests/simulation shows. Reading is free.
//
// Errors: Unavailable, `not written: this replica does not lead`. Threads: any.

#include <functional>
#include <string_view>
#include <utility>

#include "kube/forwarding_api.h"

namespace kube {

class FencedApi final : public ForwardingApi {
 public:
  // True while leading is certain. Called for each write, from any thread.
  using Fence = std::function<bool()>;
  // The Api must outlive it.
  FencedApi(Api& api, Fence fence) : ForwardingApi(api), fence_(std::move(fence)) {}

  base::Result<Json> create(const ResourceType& type, const Json& object) override;
  base::Result<Json> update(const ResourceType& type, const Json& object,
                            std::string_view subresource = "") override;
  base::Result<Json> patch(const ResourceType& type, const ObjectKey& key, PatchType patch_type,
                           const Json& patch, const PatchOptions& options = {}) override;
  base::Status remove(const ResourceType& type, const ObjectKey& key,
                      const DeleteOptions& options = {}) override;

 private:
  [[nodiscard]] base::Status pass() const;

  const Fence fence_;
};

}  // namespace kube
