#include "runner/submission/application_conf.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "config/names.h"
#include "config/pod_shape.h"
#include "config/quantity.h"
#include "runner/submission/checks.h"
#include "runner/submission/conf_resolution.h"
#include "runner/submission/demand.h"
#include "runner/submission/deny_list.h"
#include "runner/submission/doomed_runs.h"
#include "runner/submission/duplicates.h"
#include "runner/submission/exposure.h"
#include "runner/submission/fields.h"
#include "runner/submission/kerberos.h"
#include "runner/submission/memory.h"
#include "runner/submission/monitoring.h"
#include "runner/submission/only_in_clusters.h"
#include "runner/submission/role_conf.h"
#include "runner/submission/spec_conf.h"
#include "runner/submission/template_variables.h"
#include "runner/submission/without_effect.h"

namespace runner::submission {
namespace {

using base::Code;
using base::failure;
using nlohmann::json;

RunMarks run_marks(const json& application, const Context& context) {
  RunMarks marks;
  const json* labels = base::find(application, {"metadata", "labels"});
  if (labels != nullptr && labels->is_object()) {
    for (const auto& [key, value] : labels->items()) {
      // Kueue's own labels on a pod would make it queue the pod a second time.
      if (value.is_string() && !key.starts_with("kueue.x-k8s.io/")) {
        marks.labels[key] = value.get<std::string>();
      }
    }
  }
  marks.own_labels = {{config::kAppNameLabel,
                       config::label_value(base::string_at(application, {"metadata", "name"}))},
                      {config::kLaunchedByLabel, "true"},
                      {config::kSubmissionIdLabel, context.submission_id}};
  // The label cannot say a long name in full; executors tell whose they are by this.
  if (const std::string name = base::string_at(application, {"metadata", "name"});
      config::label_value(name) != name)
    marks.annotations[config::kAppNameLabel] = name;
  struct Mark {
    const char* annotation;
    const char* variable;
  };
  for (const Mark& mark :
       {Mark{config::kScheduledTimeAnnotation, config::kScheduledTimeEnv},
        Mark{config::kScheduledTimeLocalAnnotation, config::kScheduledTimeLocalEnv},
        Mark{config::kPreviousScheduledTimeAnnotation, config::kPreviousScheduledTimeEnv}}) {
    const std::string value =
        base::string_at(application, {"metadata", "annotations", mark.annotation});
    if (value.empty()) continue;
    marks.annotations[mark.annotation] = value;
    marks.environment[mark.variable] = value;
  }
  return marks;
}

// Whose rules hold: the application's Spark, or the one that is there instead.
base::Result<SparkVersion> version_of(Fields& spec, const Context& context,
                                      std::vector<std::string>& warnings) {
  const std::string written = spec.text("sparkVersion");
  auto asked = parse_spark_version(written);
  if (context.installed_spark.empty()) {
    if (!asked) return failure(asked.error().with_context("spec.sparkVersion"));
    if (!asked->warning.empty()) warnings.push_back("spec.sparkVersion: " + asked->warning);
    return asked;
  }
  auto installed = parse_spark_version(context.installed_spark);
  if (!installed) return failure(installed.error().with_context("the Spark of this machine"));
  const bool same_line =
      asked && asked->major == installed->major && asked->minor == installed->minor;
  if (!same_line) {
    warnings.push_back("spec.sparkVersion is " + written +
                       ", but runs here are of the Spark that is installed, " + installed->text);
  }
  return installed;
}

json pod_template(Fields& role, PodsRunAs pods, std::vector<std::string>& warnings) {
  json source = role.object("template");
  if (pods == PodsRunAs::Processes)
    leave_out_of_template(source, role.path() + ".template", role.left_out());
  if (source.is_object()) {
    json& spec = source["spec"];
    if (spec.is_null()) spec = json::object();
    for (const std::string& name : config::take_out_of_pod_security(spec))
      warnings.push_back(role.path() + ".template.spec.securityContext." + name +
                         " has no effect: it is a container's, not a pod's");
    const json kind = source.value("kind", json("Pod"));
    if (kind != json("Pod")) role.complain("template.kind", "must be Pod where it is given");
  }
  return source;
}

// Service links fill the environment of every pod with every service of the namespace, until exec
// fails; the end of the log is the best message that a dead container can leave.
void add_pod_defaults(json& pod, std::string_view container_name) {
  pod["spec"].emplace("enableServiceLinks", false);
  for (json& container : pod["spec"]["containers"]) {
    if (container.is_object() && container.value("name", json()) == json(container_name)) {
      container.emplace("terminationMessagePolicy", "FallbackToLogsOnError");
    }
  }
}

std::string executor_template(const json& source, const PodParts& parts,
                              std::vector<std::string>& warnings) {
  json pod = {{"apiVersion", "v1"}, {"kind", "Pod"}};
  if (source.is_object()) pod.update(source);
  apply_local_dirs(parts, pod, config::kExecutorContainer);
  apply(parts, pod, config::kExecutorContainer);
  merge_duplicates(pod, "spec.executor", warnings);
  add_pod_defaults(pod, config::kExecutorContainer);
  return pod.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

// A machine's own Spark runs instead; Spark wants to see some image all the same.
constexpr const char* kNoImage = "none";

void check_images(Fields& spec, const Context& context, Conf& conf) {
  const bool local = first_of(conf, {"spark.kubernetes.driver.master"}).starts_with("local");
  for (const char* role : {"driver", "executor"}) {
    const std::string key = std::string("spark.kubernetes.") + role + ".container.image";
    if (conf.contains(key) || conf.contains("spark.kubernetes.container.image")) continue;
    if (context.pods == PodsRunAs::Processes) {
      conf[key] = kNoImage;
    } else if (std::string_view(role) == "driver" || !local) {
      spec.complain("image", std::string("is required, since spec.") + role +
                                 ".image is not given either: pods of a cluster run an image");
    }
  }
}

// Spark writes the same memory as request and limit of an executor. So where people limit more than
// Spark would ask for, executors ask for that.
void limit_executor_memory(const std::string& limit, Language language, Fields& spec,
                           ApplicationPlan& plan) {
  const bool threads =
      first_of(plan.request.conf, {"spark.kubernetes.driver.master"}).starts_with("local");
  if (limit.empty() || threads || !spec.problem()) return;
  const std::optional<std::string> quantity = kubernetes_quantity(limit);
  const int64_t bytes = quantity ? config::parse_whole(*quantity).value_or(0) : 0;
  if (bytes <= 0) {
    spec.complain("executor.memoryLimit",
                  "must be a size such as 512m, 2g or 1Gi, not \"" + limit + "\"");
    return;
  }
  Conf conf = plan.request.conf;
  conf.try_emplace("spark.kubernetes.memoryOverheadFactor",
                   language == Language::Jvm ? "0.1" : "0.4");
  if (language == Language::Python) conf["spark.kubernetes.resource.type"] = "python";
  const auto asked = executor_mebibytes(conf, plan.version);
  conf["spark.executor.memoryOverhead"] = "0";
  const auto without_overhead = executor_mebibytes(conf, plan.version);
  if (!asked || !without_overhead) return;  // the second stage says why
  const int64_t mebibytes = bytes >> 20;
  if (mebibytes < *asked) {
    spec.complain("executor.memoryLimit",
                  "must be at least " + std::to_string(*asked) +
                      "Mi, what executors need with Spark's overhead, not " + limit);
  } else if (mebibytes > *asked) {
    plan.request.conf["spark.executor.memoryOverhead"] =
        std::to_string(mebibytes - *without_overhead) + "m";
    plan.warnings.push_back(
        "spec.executor.memoryLimit: Spark limits executors to what they ask for, "
        "so they ask for " +
        std::to_string(mebibytes) + "Mi instead of " + std::to_string(*asked) + "Mi");
  }
}

void add_pods(Fields& spec, const json& application, const Context& context,
              ApplicationPlan& plan) {
  Conf& conf = plan.request.conf;
  const std::string name = base::string_at(application, {"metadata", "name"});
  const RunMarks marks = run_marks(application, context);
  Fields driver = spec.child("driver");
  Fields executor = spec.child("executor");
  if (context.pods == PodsRunAs::Processes) {
    leave_out_of_role(driver);
    leave_out_of_role(executor);
  }
  const std::string executor_limit = executor.text("memoryLimit");
  add_driver_conf(driver, spec, name, marks, conf);
  add_executor_conf(executor, spec, marks, conf);
  for (const auto& [key, value] : spec.text_map("nodeSelector")) {
    conf["spark.kubernetes.node.selector." + key] = value;
  }
  plan.request.driver_template = pod_template(driver, context.pods, plan.warnings);
  const json for_executors = pod_template(executor, context.pods, plan.warnings);
  plan.driver_parts = pod_parts(Role::Driver, driver, spec, plan.request.driver_template, conf);
  PodParts executor_parts = pod_parts(Role::Executor, executor, spec, for_executors, conf);
  if (context.pods == PodsRunAs::Processes) {
    leave_out_of_side_containers(driver, plan.driver_parts);
    leave_out_of_side_containers(executor, executor_parts);
  }
  apply_local_dirs(plan.driver_parts, plan.request.driver_template, config::kDriverContainer);
  add_monitoring(spec, application, plan.driver_parts, executor_parts, conf, plan.objects);
  plan.web_ui = add_exposure(spec, application, context, conf, plan.objects);
  plan.batch_scheduler =
      add_batch_scheduler(spec, name, plan.driver_parts, executor_parts, conf, plan.warnings);
  plan.disruption_budget = spec.boolean("driverPodDisruptionBudget").value_or(false);
  driver.refuse_rest();
  executor.refuse_rest();
  spec.adopt(driver);
  spec.adopt(executor);
  for (const auto& [key, value] : context.forced_conf)
    conf[key] = value;
  check_images(spec, context, conf);
  limit_executor_memory(executor_limit, language_of(plan.request.main_resource), spec, plan);
  if (!spec.problem()) return;
  conf["spark.kubernetes.driver.podTemplateContainerName"] = config::kDriverContainer;
  // A driver whose executors are its own threads never makes an executor pod.
  if (first_of(conf, {"spark.kubernetes.driver.master"}).starts_with("local")) return;
  conf["spark.kubernetes.executor.podTemplateContainerName"] = config::kExecutorContainer;
  plan.request.executor_template = executor_template(for_executors, executor_parts, plan.warnings);
}

}  // namespace

base::Result<ApplicationPlan> spark_conf_for(const json& original, const Context& context) {
  ApplicationPlan plan;
  const json application = substitute_variables(original, plan.warnings);
  const std::string ns = base::string_at(application, {"metadata", "namespace"});
  RETURN_IF_ERROR(check_values(application));
  RETURN_IF_ERROR(check_denied(application));
  Fields spec(application, "spec", "spec");
  if (context.pods == PodsRunAs::Processes) leave_out_of_spec(spec);
  ASSIGN_OR_RETURN(plan.version, version_of(spec, context, plan.warnings));

  SubmitRequest& request = plan.request;
  request.os_user = context.spark_user;
  request.name = base::string_at(application, {"metadata", "name"});
  if (request.name.empty()) return failure(Code::InvalidArgument, "metadata.name is required");
  Conf& conf = request.conf;
  for (const auto& [key, value] : context.default_conf)
    conf[key] = value;
  if (context.pods == PodsRunAs::Processes) request.file_uris = FileUris::Pods;
  add_main(spec, request, plan.warnings);
  // Spark would only name its user so, and act with the rights of the service account.
  if (!request.proxy_user.empty() && !plan.version.has(Rule::ProxyUserArgument))
    spec.complain("proxyUser", "needs a newer Spark: drivers of this line act as nobody else");
  add_general_conf(spec, conf);
  add_user_conf(spec, conf);
  // After the user's: these say where the run belongs.
  conf["spark.master"] = "k8s://" + context.master_url;
  conf["spark.kubernetes.namespace"] = ns.empty() ? "default" : ns;
  add_dynamic_allocation(spec, conf);
  add_pods(spec, application, context, plan);
  add_dependencies(spec, request.file_uris, conf);

  // The controller's business, not the submission's.
  // The controller reads it; what it does not know is refused like anything else.
  Fields restarts = spec.child("restartPolicy");
  restarts.accept({"type", "onSubmissionFailureRetries", "onFailureRetries",
                   "onSubmissionFailureRetryInterval", "onFailureRetryInterval"});
  restarts.refuse_rest();
  spec.adopt(restarts);
  spec.accept({"suspend", "timeToLiveSeconds", "activeDeadlineSeconds", "pendingDeadlineSeconds"});
  for (const char* dead : {"failureRetries", "retryInterval"}) {
    if (spec.has(dead)) {
      plan.warnings.push_back("spec." + std::string(dead) +
                              " has no effect; spec.restartPolicy has fields for this");
    }
    spec.accept({dead});
  }
  spec.refuse_rest();
  RETURN_IF_ERROR(spec.problem());
  RETURN_IF_ERROR(check_doomed(application, conf));
  use_kerberos_files(application, request.file_uris, conf);
  plan.left_out = std::move(spec.left_out());
  const FirstStage made{
      .conf = conf, .version = plan.version, .context = context, .left_out = plan.left_out};
  for (std::string& warning : without_effect(application, made))
    plan.warnings.push_back(std::move(warning));
  return plan;
}

}  // namespace runner::submission
