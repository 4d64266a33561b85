#include "runner/submission/submission.h"

#include <nlohmann/json.hpp>

#include "config/names.h"
#include "runner/submission/application_conf.h"
#include "runner/submission/conf_to_objects.h"
#include "runner/submission/names.h"

namespace runner::submission {
namespace {

using nlohmann::json;

void finish_driver(const PodParts& parts, json& pod) {
  // The container that the second stage has filled is the last one; a template may call it
  // otherwise.
  json& containers = pod["spec"]["containers"];
  const std::string name = containers.back()["name"].get<std::string>();
  apply(parts, pod, name);
  pod["spec"].emplace("enableServiceLinks", false);
  for (json& container : pod["spec"]["containers"]) {
    if (container["name"] == name) {
      container.emplace("terminationMessagePolicy", "FallbackToLogsOnError");
    }
  }
}

}  // namespace

base::Result<Submission> build_submission(const json& application, const Context& context) {
  try {
    ASSIGN_OR_RETURN(ApplicationPlan plan, spark_conf_for(application, context));
    ASSIGN_OR_RETURN(Submission submission, submission_from_conf(plan.request, plan.version,
                                                                 {.app_id = context.app_id,
                                                                  .unique_id = context.unique_id},
                                                                 context.submit_time));
    finish_driver(plan.driver_parts, submission.driver_pod);
    for (json& object : plan.objects)
      submission.before_pod.push_back(std::move(object));
    submission.warnings.insert(submission.warnings.begin(), plan.warnings.begin(),
                               plan.warnings.end());
    return submission;
  } catch (const json::exception&) {
    // Parts that pass through to pods have no schema of their own: {"template": {"spec": 1}}.
    return base::failure(base::Code::InvalidArgument,
                         "spec.driver or spec.executor has a part that no pod can have");
  }
}

}  // namespace runner::submission
