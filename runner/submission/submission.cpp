#include "runner/submission/submission.h"

#include <array>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "runner/submission/application_conf.h"
#include "runner/submission/conf_to_objects.h"
#include "runner/submission/duplicates.h"
#include "runner/submission/names.h"
#include "runner/submission/spark_version.h"

namespace runner::submission {
namespace {

using nlohmann::json;

void finish_driver(const PodParts& parts, json& pod, std::vector<std::string>& warnings) {
  // The container that the second stage has filled is the last one; a template may call it
  // otherwise.
  json& containers = pod["spec"]["containers"];
  const std::string name = containers.back()["name"].get<std::string>();
  apply(parts, pod, name);
  merge_duplicates(pod, "spec.driver", warnings);
  pod["spec"].emplace("enableServiceLinks", false);
  for (json& container : pod["spec"]["containers"]) {
    if (container["name"] == name) {
      container.emplace("terminationMessagePolicy", "FallbackToLogsOnError");
    }
  }
}

// Spark 3.2 and newer would have it immutable. Where new executors may be placed can be edited
// while the driver runs, and it reads the template for each of them.
void let_template_change(Submission& submission) {
  for (json& object : submission.before_pod)
    if (base::find(object, {"data", "podspec-configmap-key"}) != nullptr) object.erase("immutable");
}

// No node is drained under a running driver, as far as people ask first.
json disruption_budget(const json& pod, const Context& context) {
  return {
      {"apiVersion", "policy/v1"},
      {"kind", "PodDisruptionBudget"},
      {"metadata",
       {{"name", pod["metadata"]["name"]}, {"namespace", pod["metadata"]["namespace"]}}},
      {"spec",
       {{"minAvailable", 1},
        {"selector",
         {{"matchLabels", {{"spark-app-selector", context.app_id}, {"spark-role", "driver"}}}}}}}};
}

// Spark's words name a key of the configuration at best; people look for a field.
base::Error located(base::Error error, const json& application) {
  struct Source {
    std::string_view key;
    const char* field;
  };
  static constexpr std::array kSources = {
      Source{"spark.kubernetes.memoryOverheadFactor", "spec.memoryOverheadFactor"},
      Source{"spark.kubernetes.container.image.pullPolicy", "spec.imagePullPolicy"},
      Source{"pod from template file", "spec.driver.template"},
      Source{"pod template", "spec.driver.template"},
  };
  std::string field = "spec";
  for (const Source& source : kSources)
    if (error.message.find(source.key) != std::string::npos) field = source.field;
  const json* conf = base::find(application, {"spec", "sparkConf"});
  if (conf != nullptr && conf->is_object()) {
    if (field == "spec" && !conf->empty()) field = "spec.sparkConf";
    for (const auto& [key, value] : conf->items())
      if (error.message.find(key) != std::string::npos) field = "spec.sparkConf";
  }
  error.message = field + ": " + error.message;
  return error;
}

// Each "spec" that begins a path becomes `root`; "metadata.spec.x" is none.
std::string with_root(std::string message, std::string_view root) {
  constexpr std::string_view kSpec = "spec";
  for (size_t at = 0; (at = message.find(kSpec, at)) != std::string::npos;) {
    const char before = at == 0 ? ' ' : message[at - 1];
    const size_t end = at + kSpec.size();
    const char after = end < message.size() ? message[end] : ' ';
    const bool path = before == ' ' && (after == '.' || after == ':');
    if (path) message.replace(at, kSpec.size(), root);
    at += path ? root.size() : kSpec.size();
  }
  return message;
}

// Each becomes an event.
void limit(std::vector<std::string>& warnings) {
  constexpr size_t kMost = 16;
  if (warnings.size() <= kMost) return;
  const size_t others = warnings.size() - kMost;
  warnings.resize(kMost);
  warnings.push_back("and " + std::to_string(others) + " more of such warnings");
}

}  // namespace

base::Result<Submission> build_submission(const json& application, const Context& context) {
  try {
    ASSIGN_OR_RETURN(ApplicationPlan plan, spark_conf_for(application, context));
    auto made = submission_from_conf(plan.request, plan.version,
                                     {.app_id = context.app_id, .unique_id = context.unique_id},
                                     context.submit_time);
    if (!made) return base::failure(located(std::move(made).error(), application));
    Submission submission = *std::move(made);
    submission.version = plan.version;
    let_template_change(submission);
    finish_driver(plan.driver_parts, submission.driver_pod, plan.warnings);
    if (!makes_network_policy(application, context)) {
      std::erase_if(submission.before_pod,
                    [](const json& object) { return object["kind"] == "NetworkPolicy"; });
    }
    if (context.check_pod) {
      if (auto possible = context.check_pod(submission.driver_pod); !possible)
        return base::failure(base::Code::InvalidArgument,
                             "spec: the driver's pod: " + possible.error().message);
    }
    RETURN_IF_ERROR(finish_batch_scheduler(plan.batch_scheduler, submission));
    if (plan.disruption_budget)
      submission.before_pod.push_back(disruption_budget(submission.driver_pod, context));
    for (json& object : plan.objects)
      submission.before_pod.push_back(std::move(object));
    submission.web_ui = std::move(plan.web_ui);
    submission.left_out = std::move(plan.left_out);
    submission.warnings.insert(submission.warnings.begin(), plan.warnings.begin(),
                               plan.warnings.end());
    limit(submission.warnings);
    return submission;
  } catch (const json::exception&) {
    // Parts that pass through to pods have no schema of their own: {"template": {"spec": 1}}.
    return base::failure(base::Code::InvalidArgument,
                         "spec.driver or spec.executor has a part that no pod can have");
  }
}

bool makes_network_policy(const json& application, const Context& context) {
  // No process of a machine could be kept from another by one.
  if (context.pods == PodsRunAs::Processes) return false;
  const auto version = parse_spark_version(base::string_at(application, {"spec", "sparkVersion"}));
  return version && version->has(Rule::NetworkPolicies);
}

DryRun dry_run(const json& application, const Context& context, std::string_view root) {
  DryRun run;
  auto built = build_submission(application, context);
  if (built) {
    run.warnings = std::move(built->warnings);
    for (std::string& warning : run.warnings)
      warning = with_root(std::move(warning), root);
  } else {
    run.refusal = std::move(built).error();
    run.refusal->message = with_root(std::move(run.refusal->message), root);
  }
  return run;
}

std::optional<base::Error> check_template(const json& application, const Context& context,
                                          std::string_view root) {
  return dry_run(application, context, root).refusal;
}

}  // namespace runner::submission
