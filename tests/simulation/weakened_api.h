#pragma once

// WeakenedApi: what a controller of replicas.h calls. A process may be stopped before each call;
// and a guard that lies in what is written is taken away here.
//
// Threads: one at a time (fiber.h).

#include <functional>
#include <string_view>

#include "kube/forwarding_api.h"
#include "tests/simulation/replicas.h"

namespace simulation {

class WeakenedApi final : public kube::ForwardingApi {
 public:
  WeakenedApi(kube::Api& api, std::function<void()> at_call, Without without)
      : ForwardingApi(api), at_call_(std::move(at_call)), without_(without) {}

  base::Result<kube::Json> get(const kube::ResourceType& type, const kube::ObjectKey& key) override;
  base::Result<kube::ObjectList> list(const kube::ResourceType& type,
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

 private:
  const std::function<void()> at_call_;
  const Without without_;
};

}  // namespace simulation
