#pragma once

// What a service says about all applications that it runs.
//
// Threads: plain values.

#include <functional>
#include <map>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "runner/submission/submission.h"
#include "runner/telemetry.h"

namespace runner::applications {

struct ApplicationOptions {
  std::string master_url = "https://kubernetes.default.svc";  // becomes spark.master
  std::string spark_user = "root";
  std::map<std::string, std::string> default_conf;
  // Standalone: processes of this machine.
  submission::PodsRunAs pods = submission::PodsRunAs::Containers;
  submission::Exposure exposure;
  std::string spark_version;  // as submission::Context::installed_spark
  // Standalone: executors run as threads of the driver, spark.kubernetes.driver.master=local[N]
  // with N at most this, unless the application asks for pods (annotation) or `executors_as_pods`
  // is set.
  std::optional<int> local_cores;
  bool executors_as_pods = false;
  // As submission::Context::check_pod.
  std::function<base::Status(const nlohmann::json& pod)> check_pod;
  Telemetry* telemetry = nullptr;  // told what happens, if there
  // Whether a run must never start, for its slot has passed without it, given its schedule as the
  // API has it. Asked of runs that were created late. Empty: every run may start.
  std::function<bool(const nlohmann::json& schedule, const nlohmann::json& run)> is_stray;
};

}  // namespace runner::applications
