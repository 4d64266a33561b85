#pragma once

// The status of a pod, as a pure function of what is known about it: the pod, what the supervisor
// wrote down, and what keeps it from starting. Writing it twice changes nothing.
//
// Threads: pure, but for reading the tail of a log.

#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "runner/node/journal.h"

namespace runner::node {

struct StatusInput {
  std::string pod_ip;
  std::string host_ip;
  base::WallTime start_time;  // when the node took the pod over
  Journal journal;
  // Why nothing runs yet: reason ("ContainerCreating", "CreateContainerConfigError") and message.
  std::string waiting_reason;
  std::string waiting_message;
  // The termination message of an ended container.
  std::function<std::string(const std::string& container, const ContainerExit& exit)> message;
};

// When the supervisor was lost, what is not known to have exited is ContainerStatusUnknown.
nlohmann::json make_status(const nlohmann::json& pod, const StatusInput& input);

// For a pod that this node will never run: phase Failed with a reason.
nlohmann::json make_failed_status(const std::string& reason, const std::string& message,
                                  base::WallTime at);

// The condition of a pod that waits for room ("Unschedulable"), or for us to place it without
// failing ("SchedulerError").
nlohmann::json make_unscheduled_status(const nlohmann::json& pod, const std::string& reason,
                                       const std::string& message, base::WallTime at);

// "Pending", …; empty when there is none.
std::string phase_of(const nlohmann::json& pod);
bool is_final(const std::string& phase);

// The last 80 lines, at most 2 KiB, cut at a character's boundary: what FallbackToLogsOnError
// takes.
std::string last_lines(std::string text);

}  // namespace runner::node
