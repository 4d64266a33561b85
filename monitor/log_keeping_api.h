#pragma once

// LogKeepingApi: an Api that deletes a driver's pod, or a run with its pods, only after the
// LogCollector has the driver's log or has given up waiting for it.
//
// Errors and threads: those of the Api behind it.

#include "kube/forwarding_api.h"
#include "monitor/log_collector.h"

namespace monitor {

class LogKeepingApi final : public kube::ForwardingApi {
 public:
  // Both outlive it.
  LogKeepingApi(kube::Api& api, LogCollector& logs) : kube::ForwardingApi(api), logs_(logs) {}

  base::Status remove(const kube::ResourceType& type, const kube::ObjectKey& key,
                      const kube::DeleteOptions& options = {}) override;

 private:
  LogCollector& logs_;
};

}  // namespace monitor
