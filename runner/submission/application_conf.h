#pragma once

// The first stage: a SparkApplication as a spark-submit request and what goes into the pods beside
// it. Later settings of a conf key win, in the order of the Kubeflow operator.
//
// Errors: InvalidArgument for what can never work, Unimplemented for a field that is not supported
// yet; both begin with the field's path: "spec.batchScheduler is not supported yet". Threads: pure.

#include <string>
#include <vector>

#include <nlohmann/json.hpp>  // members by value

#include "base/result.h"
#include "runner/submission/batch_scheduler.h"
#include "runner/submission/pod_parts.h"
#include "runner/submission/spark_version.h"
#include "runner/submission/submission.h"
#include "runner/submission/submit_request.h"

namespace runner::submission {

struct ApplicationPlan {
  SubmitRequest request;
  SparkVersion version;
  PodParts driver_parts;  // the executors' are in request.executor_template already
  WebUi web_ui;
  bool disruption_budget = false;
  BatchScheduler batch_scheduler;
  std::vector<nlohmann::json> objects;  // besides those that follow from the request
  std::vector<std::string> warnings;
  std::vector<std::string> left_out;  // paths, as in Submission
};

base::Result<ApplicationPlan> spark_conf_for(const nlohmann::json& application,
                                             const Context& context);

}  // namespace runner::submission
