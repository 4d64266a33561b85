#include "runner/node/pod_status.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"

namespace runner::node {
namespace {

using Json = nlohmann::json;

std::string format(base::WallTime time) {
  return base::format_rfc3339(std::chrono::floor<std::chrono::seconds>(time));
}

const Json& array_at(const Json& pod, const char* kind) {
  static const Json kNone = Json::array();
  const Json* value = base::find(pod, {"spec", kind});
  return value != nullptr && value->is_array() ? *value : kNone;
}

Json condition(const char* type, bool holds, base::WallTime at, const std::string& reason = {},
               const std::string& message = {}) {
  Json result = {{"type", type},
                 {"status", holds ? "True" : "False"},
                 {"lastProbeTime", nullptr},
                 {"lastTransitionTime", format(at)}};
  if (!reason.empty()) result["reason"] = reason;
  if (!message.empty()) result["message"] = message;
  return result;
}

std::string reason_of(const ContainerExit& exit) {
  if (!exit.start_error.empty()) return "StartError";
  if (exit.out_of_memory) return "OOMKilled";
  return exit.code == 0 ? "Completed" : "Error";
}

class Statuses {
 public:
  Statuses(const Json& pod, const StatusInput& input) : pod_(pod), input_(input) {}

  Json containers(const char* kind) {
    Json statuses = Json::array();
    for (const Json& container : array_at(pod_, kind))
      statuses.push_back(one(container));
    return statuses;
  }

  // Of the containers that decide: all that are not init containers.
  bool all_ended = true;
  bool all_ready = true;
  bool any_started = false;
  bool any_failed = false;
  std::string first_failure;  // "container \"x\" ended with exit code 5 (Error): …"
  base::WallTime last_change{};

 private:
  Json one(const Json& container) {
    const std::string name = base::string_at(container, {"name"});
    const std::string image = base::string_at(container, {"image"});
    Json status = {
        {"name", name},      {"image", image}, {"imageID", ""},   {"lastState", Json::object()},
        {"restartCount", 0}, {"ready", false}, {"started", false}};
    const auto found = input_.journal.containers.find(name);
    if (found == input_.journal.containers.end()) {
      never_started(status);
      return status;
    }
    const ContainerRecord& record = found->second;
    any_started = true;
    last_change = std::max(last_change, record.started);
    status["containerID"] = "process://" + std::to_string(record.process.pid);
    if (record.exit) {
      ended(status, record, *record.exit);
    } else if (!input_.journal.lost.empty()) {
      lost(status, format(record.started));
    } else {
      all_ended = false;
      status["state"] = {{"running", {{"startedAt", format(record.started)}}}};
      status["ready"] = true;
      status["started"] = true;
    }
    return status;
  }

  void never_started(Json& status) {
    all_ready = false;
    if (!input_.journal.lost.empty()) {
      lost(status, {});
    } else if (input_.journal.ended) {
      // An init container failed, or the pod was stopped before its turn came.
      any_failed = true;
      status["state"] = {{"waiting", {{"reason", "PodInitializing"}}}};
    } else {
      all_ended = false;
      Json waiting = {
          {"reason", input_.waiting_reason.empty() ? "ContainerCreating" : input_.waiting_reason}};
      if (!input_.waiting_message.empty()) waiting["message"] = input_.waiting_message;
      status["state"] = {{"waiting", std::move(waiting)}};
    }
  }

  void ended(Json& status, const ContainerRecord& record, const ContainerExit& exit) {
    all_ready = false;
    any_failed = any_failed || exit.code != 0;
    last_change = std::max(last_change, exit.at);
    Json terminated = {{"exitCode", exit.code},
                       {"reason", reason_of(exit)},
                       {"startedAt", format(record.started)},
                       {"finishedAt", format(exit.at)},
                       {"containerID", status["containerID"]}};
    if (exit.signal != 0) terminated["signal"] = exit.signal;
    std::string message = exit.start_error;
    if (message.empty() && input_.message)
      message = input_.message(base::string_at(status, {"name"}), exit);
    if (exit.code != 0 && first_failure.empty())
      first_failure = "container \"" + base::string_at(status, {"name"}) +
                      "\" ended with exit code " + std::to_string(exit.code) + " (" +
                      reason_of(exit) + ")" + (message.empty() ? "" : ": " + message);
    if (!message.empty()) terminated["message"] = message;
    status["state"] = {{"terminated", std::move(terminated)}};
  }

  void lost(Json& status, const std::string& started) {
    all_ready = false;
    any_failed = true;
    last_change = std::max(last_change, input_.journal.lost_at);
    Json terminated = {{"exitCode", 137},
                       {"reason", "ContainerStatusUnknown"},
                       {"message", input_.journal.lost},
                       {"finishedAt", format(input_.journal.lost_at)}};
    if (!started.empty()) terminated["startedAt"] = started;
    status["state"] = {{"terminated", std::move(terminated)}};
  }

  const Json& pod_;
  const StatusInput& input_;
};

std::string phase(const StatusInput& input, const Statuses& mains) {
  const bool over = input.journal.ended || !input.journal.lost.empty();
  // Only when no process lives is the pod over: a sidecar may still be on its way out.
  if (over) {
    const bool failed = mains.any_failed || input.journal.deadline_exceeded;
    return failed ? "Failed" : "Succeeded";
  }
  return mains.any_started ? "Running" : "Pending";
}

}  // namespace

Json make_status(const Json& pod, const StatusInput& input) {
  Statuses inits(pod, input);
  Json init_statuses = inits.containers("initContainers");
  Statuses mains(pod, input);
  Json main_statuses = mains.containers("containers");
  const std::string result = phase(input, mains);
  const base::WallTime changed = std::max({input.start_time, mains.last_change, inits.last_change});
  const bool over = is_final(result);
  const bool ready = mains.any_started && mains.all_ready && !over;
  const std::string why = result == "Succeeded" ? "PodCompleted"
                          : result == "Failed"  ? "PodFailed"
                          : ready               ? ""
                                                : "ContainersNotReady";
  const base::WallTime initialized = std::max(input.start_time, inits.last_change);
  Json status = {{"phase", result},
                 {"startTime", format(input.start_time)},
                 {"hostIP", input.host_ip},
                 {"hostIPs", Json::array({{{"ip", input.host_ip}}})},
                 {"podIP", input.pod_ip},
                 {"podIPs", Json::array({{{"ip", input.pod_ip}}})},
                 {"qosClass", "Burstable"},
                 {"conditions",
                  Json::array({condition("PodScheduled", true, input.start_time),
                               condition("Initialized", mains.any_started || init_statuses.empty(),
                                         initialized),
                               condition("ContainersReady", ready, changed, why),
                               condition("Ready", ready, changed, why)})},
                 {"containerStatuses", std::move(main_statuses)}};
  if (!init_statuses.empty()) status["initContainerStatuses"] = std::move(init_statuses);
  if (over && input.journal.deadline_exceeded) {
    status["reason"] = "DeadlineExceeded";
    status["message"] = "Pod was active on the node longer than the specified deadline";
  } else if (over && !input.journal.lost.empty()) {
    status["reason"] = "NodeLost";
    status["message"] = input.journal.lost;
  } else if (over && !mains.any_started && !inits.first_failure.empty()) {
    // The main containers have nothing to say: they never ran.
    status["reason"] = "InitContainerFailed";
    status["message"] = "init " + inits.first_failure;
  }
  return status;
}

Json make_failed_status(const std::string& reason, const std::string& message, base::WallTime at) {
  return {{"phase", "Failed"}, {"reason", reason}, {"message", message}, {"startTime", format(at)}};
}

Json make_unscheduled_status(const Json& pod, const std::string& reason, const std::string& message,
                             base::WallTime at) {
  // Since when it waits is kept while it waits.
  base::WallTime since = at;
  const Json* conditions = base::find(pod, {"status", "conditions"});
  if (conditions != nullptr && conditions->is_array())
    for (const Json& known : *conditions)
      if (base::string_at(known, {"type"}) == "PodScheduled" &&
          base::string_at(known, {"status"}) == "False")
        since = base::parse_rfc3339(base::string_at(known, {"lastTransitionTime"})).value_or(at);
  return {{"phase", "Pending"},
          {"conditions", Json::array({condition("PodScheduled", false, since, reason, message)})}};
}

std::string phase_of(const Json& pod) {
  return base::string_at(pod, {"status", "phase"});
}

bool is_final(const std::string& phase) {
  return phase == "Succeeded" || phase == "Failed";
}

std::string last_lines(std::string text) {
  constexpr size_t kBytes = 2048;
  constexpr int kLines = 80;
  if (text.size() > kBytes) text.erase(0, text.size() - kBytes);
  int lines = 0;
  for (size_t at = text.size(); at > 0; --at) {
    if (text[at - 1] != '\n' || at == text.size()) continue;
    if (++lines == kLines) {
      text.erase(0, at);
      break;
    }
  }
  // Not in the middle of a character.
  size_t begin = 0;
  while (begin < text.size() && begin < 4 &&
         (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80)
    ++begin;
  return text.substr(begin);
}

}  // namespace runner::node
