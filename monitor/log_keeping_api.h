#pragma once

// LogKeepingApi: an Api that deletes a driver's pod, or a run with its pods, only after the
// LogCollector has the driver's log or has given up waiting for it.
//
// Errors and threads: those of the Api behind it.

#include <memory>
#include <string_view>

#include "kube/api.h"
#include "monitor/log_collector.h"

namespace monitor {

class LogKeepingApi final : public kube::Api {
 public:
  // Both outlive it.
  LogKeepingApi(kube::Api& api, LogCollector& logs) : api_(api), logs_(logs) {}

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

 private:
  kube::Api& api_;
  LogCollector& logs_;
};

}  // namespace monitor
