#pragma once

// FinishedLogs: what standalone keeps of the logs that its node is about to remove. A driver's log
// outlives its pod; executors' logs are many and end with theirs.
//
// Threads: any.

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/event_recorder.h"
#include "monitor/log_archive.h"
#include "monitor/metrics.h"
#include "runner/node/pod_logs.h"

namespace sparkcron {

class FinishedLogs {
 public:
  explicit FinishedLogs(monitor::LogArchive& archive) : archive_(archive) {}

  // NodeOptions::on_log_removal. A driver's log that cannot be kept goes with its pod: the log, the
  // event LogLost at the pod and the number of lost logs say so.
  void keep(const nlohmann::json& pod, const std::string& container,
            const runner::node::ContainerLog& log, kube::EventRecorder& events);
  // sparkcron_logs_kept_total and sparkcron_logs_lost_total.
  [[nodiscard]] std::vector<monitor::Reading> readings() const;

 private:
  monitor::LogArchive& archive_;
  std::atomic<uint64_t> kept_ = 0;
  std::atomic<uint64_t> lost_ = 0;
};

}  // namespace sparkcron
