#include <algorithm>

#include "base/json.h"
#include "base/rfc3339.h"
#include "kube/server/machinery/table_column.h"

namespace kube::server::machinery {
namespace {

const Json& list_at(const Json& object, std::initializer_list<std::string_view> path) {
  static const Json kEmpty = Json::array();
  const Json* list = base::find(object, path);
  return list != nullptr && list->is_array() ? *list : kEmpty;
}

// How a container that has ended shows: its reason, else its signal, else its exit code.
std::string ended(const Json& terminated, const std::string& prefix) {
  const std::string reason = base::string_at(terminated, {"reason"});
  if (!reason.empty()) return prefix + reason;
  if (const auto signal = base::integer_at(terminated, {"signal"}).value_or(0); signal != 0) {
    return prefix + "Signal:" + std::to_string(signal);
  }
  return prefix +
         "ExitCode:" + std::to_string(base::integer_at(terminated, {"exitCode"}).value_or(0));
}

// "Init:1/2", "Init:Error"; empty when the init containers are done.
std::string init_status(const Json& pod) {
  const Json& statuses = list_at(pod, {"status", "initContainerStatuses"});
  const size_t total = list_at(pod, {"spec", "initContainers"}).size();
  for (size_t i = 0; i < statuses.size(); ++i) {
    if (const Json* terminated = base::find(statuses[i], {"state", "terminated"})) {
      if (base::integer_at(*terminated, {"exitCode"}).value_or(0) == 0) continue;
      return ended(*terminated, "Init:");
    }
    const std::string waiting = base::string_at(statuses[i], {"state", "waiting", "reason"});
    if (!waiting.empty() && waiting != "PodInitializing") return "Init:" + waiting;
    return "Init:" + std::to_string(i) + "/" + std::to_string(total);
  }
  return "";
}

bool has_ready_condition(const Json& pod) {
  const Json& conditions = list_at(pod, {"status", "conditions"});
  return std::any_of(conditions.begin(), conditions.end(), [](const Json& one) {
    return base::string_at(one, {"type"}) == "Ready" && base::string_at(one, {"status"}) == "True";
  });
}

}  // namespace

PodSummary summarise_pod(const Json& pod, std::chrono::sys_seconds now) {
  const Json& statuses = list_at(pod, {"status", "containerStatuses"});
  std::string status = base::string_at(pod, {"status", "phase"});
  if (std::string reason = base::string_at(pod, {"status", "reason"}); !reason.empty()) {
    status = std::move(reason);
  }
  int64_t restarts = 0;
  std::string last_restart;
  size_t ready = 0;
  bool running = false;
  const std::string initialising = init_status(pod);
  if (!initialising.empty()) status = initialising;
  // From the last to the first, so that the first container's trouble is what shows.
  for (auto at = statuses.rbegin(); at != statuses.rend(); ++at) {
    const Json& container = *at;
    restarts += base::integer_at(container, {"restartCount"}).value_or(0);
    last_restart = std::max(last_restart,
                            base::string_at(container, {"lastState", "terminated", "finishedAt"}));
    const bool is_ready = base::bool_at(container, {"ready"}).value_or(false);
    const bool is_running = base::find(container, {"state", "running"}) != nullptr;
    if (is_ready && is_running) {
      ++ready;
      running = true;
    }
    if (!initialising.empty()) continue;
    const std::string waiting = base::string_at(container, {"state", "waiting", "reason"});
    if (!waiting.empty()) {
      status = waiting;
    } else if (const Json* terminated = base::find(container, {"state", "terminated"})) {
      status = ended(*terminated, "");
    }
  }
  if (status == "Completed" && running) status = has_ready_condition(pod) ? "Running" : "NotReady";
  if (!base::string_at(pod, {"metadata", "deletionTimestamp"}).empty()) {
    const std::string phase = base::string_at(pod, {"status", "phase"});
    if (base::string_at(pod, {"status", "reason"}) == "NodeLost") {
      status = "Unknown";
    } else if (phase != "Succeeded" && phase != "Failed") {
      status = "Terminating";
    }
  }
  std::string restarts_text = std::to_string(restarts);
  if (restarts > 0 && !last_restart.empty()) {
    restarts_text += " (" + age_of(last_restart, now) + " ago)";
  }
  return {std::to_string(ready) + "/" + std::to_string(list_at(pod, {"spec", "containers"}).size()),
          status, restarts_text};
}

}  // namespace kube::server::machinery
