#include "runner/applications/context.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "runner/submission/names.h"

namespace runner::applications {
namespace {

using base::string_at;
using nlohmann::json;

// Executor cores × instances, at most the machine's: one driver does all the work.
int local_threads(const json& object, int machine_cores) {
  constexpr int64_t kMost = 1'000'000;
  const auto at = [&](const char* field) {
    return std::clamp<int64_t>(base::integer_at(object, {"spec", "executor", field}).value_or(1), 1,
                               kMost);
  };
  return static_cast<int>(
      std::clamp<int64_t>(at("cores") * at("instances"), 1, std::max(machine_cores, 1)));
}

submission::Context dry_context(const json& object, const ApplicationOptions& options) {
  submission::Context context = context_for(object, options);
  const submission::SubmissionIds ids = submission::submission_ids("dry-run", 1, 1);
  context.app_id = ids.app_id;
  context.unique_id = ids.unique_id;
  return context;
}

}  // namespace

std::optional<int> threads_of_driver(const json& object, const ApplicationOptions& options) {
  if (!options.local_cores) return std::nullopt;
  const std::string asked =
      string_at(object, {"metadata", "annotations", config::kExecutorsAnnotation});
  const bool local = asked == "local" || (asked != "pods" && !options.executors_as_pods);
  return local ? std::optional(local_threads(object, *options.local_cores)) : std::nullopt;
}

submission::Context context_for(const json& object, const ApplicationOptions& options) {
  submission::Context context;
  context.master_url = options.master_url;
  context.spark_user = options.spark_user;
  context.default_conf = options.default_conf;
  context.pods = options.pods;
  context.exposure = options.exposure;
  context.installed_spark = options.spark_version;
  context.check_pod = options.check_pod;
  if (const auto threads = threads_of_driver(object, options)) {
    context.forced_conf["spark.kubernetes.driver.master"] =
        "local[" + std::to_string(*threads) + "]";
  }
  return context;
}

submission::Context context_of(const Application& app, const json& object, const Attempt& attempt,
                               base::WallTime now, const ApplicationOptions& options) {
  const submission::SubmissionIds ids =
      submission::submission_ids(app.uid, attempt.execution, attempt.submission);
  submission::Context context = context_for(object, options);
  context.app_id = ids.app_id;
  context.unique_id = ids.unique_id;
  context.submission_id = submission_id_of(app.uid, attempt);
  context.submit_time = now;
  return context;
}

submission::DryRun dry_run(const json& run, const ApplicationOptions& options,
                           std::string_view root) {
  return submission::dry_run(run, dry_context(run, options), root);
}

base::Result<submission::Demand> demand_of(const json& run, const ApplicationOptions& options) {
  return submission::demand_of(run, dry_context(run, options));
}

std::optional<base::Error> check_template(const json& run, const ApplicationOptions& options,
                                          std::string_view root) {
  return dry_run(run, options, root).refusal;
}

std::string submission_id_of(const std::string& uid, const Attempt& attempt) {
  // The digits of the application id, which is "spark-" and the same hash.
  return submission::submission_ids(uid, attempt.execution, attempt.submission).app_id.substr(6);
}

}  // namespace runner::applications
