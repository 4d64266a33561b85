#pragma once

// build_submission: what spark-submit in cluster mode would create, as a pure function: no JVM, no
// files, no user code. Two stages: SparkApplication → Spark conf and pod parts; conf → objects.
//
// Every field of the SparkApplication is either honoured or refused by name (InvalidArgument:
// "spec.batchScheduler is not supported yet"), never ignored.
// Threads: pure.

#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>  // a member by value

#include "base/clock.h"
#include "base/result.h"

namespace runner::submission {

// What comes from the service and the attempt, not from the user.
struct Context {
  // submission_ids(UID, attempts) of names.h: a repeated submission makes the same names.
  std::string app_id;
  std::string unique_id;
  std::string submission_id;
  std::string master_url;  // "https://10.96.0.1:443"; becomes spark.master=k8s://…
  std::string spark_user = "root";
  base::WallTime submit_time;
  // Service-level defaults; the user's sparkConf wins except for `forced_conf`.
  std::map<std::string, std::string> default_conf;
  std::map<std::string, std::string> forced_conf;
};

struct Submission {
  // In the order to create: ConfigMaps, Service, … then the driver pod. Owner references are set by
  // the controller.
  std::vector<nlohmann::json> before_pod;
  nlohmann::json driver_pod;
  // What the user should be told though nothing is wrong: events.
  std::vector<std::string> warnings;
};

base::Result<Submission> build_submission(const nlohmann::json& application,
                                          const Context& context);

}  // namespace runner::submission
