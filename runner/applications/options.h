#pragma once

// What a service says about all applications that it runs.
//
// Threads: plain values.

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "runner/submission/submission.h"
#include "runner/telemetry.h"

namespace runner::applications {

struct ApplicationOptions {
  std::string master_url = "https://kubernetes.default.svc";  // becomes spark.master
  std::string spark_user = "root";
  std::map<std::string, std::string> default_conf;
  // Standalone: processes of this machine.
  submission::PodsRunAs pods = submission::PodsRunAs::Containers;
  // Standalone: executors run as threads of the driver, spark.kubernetes.driver.master=local[N]
  // with N at most this, unless the application asks for pods (annotation) or `executors_as_pods`
  // is set.
  std::optional<int> local_cores;
  bool executors_as_pods = false;
  // As submission::Context::check_pod.
  std::function<base::Status(const nlohmann::json& pod)> check_pod;
  Telemetry* telemetry = nullptr;  // told what happens, if there
};

}  // namespace runner::applications
