#pragma once

// NodeLogs: pods/log from the node while it knows the pod, then from the archive of ended runs.
//
// Threads: serve() once, while nobody reads yet (or reads NotFound); the rest from any thread.

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/mutex.h"
#include "kube/log_source.h"
#include "monitor/log_archive.h"
#include "runner/node/pod_logs.h"

namespace sparkcron {

class NodeLogs final : public kube::LogSource {
 public:
  explicit NodeLogs(base::Clock& clock) : clock_(clock) {}
  void serve(const runner::node::PodLogs& node, monitor::LogArchive& archive);
  base::Result<std::unique_ptr<kube::LogReader>> open(const kube::ObjectKey& pod,
                                                      const std::string& uid,
                                                      const kube::LogOptions& options) override;

 private:
  base::Clock& clock_;
  base::Mutex mutex_;
  const runner::node::PodLogs* node_ GUARDED_BY(mutex_) = nullptr;
  monitor::LogArchive* archive_ GUARDED_BY(mutex_) = nullptr;
};

}  // namespace sparkcron
