#include "runner/submission/conf_to_objects.h"

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/properties.h"
#include "runner/submission/conf_folder.h"
#include "runner/submission/driver_steps.h"

namespace runner::submission {
namespace {

using base::Code;
using base::failure;
using nlohmann::json;

constexpr std::string_view kConfFolder = "/opt/spark/conf";

struct NamedStep {
  std::string_view spark_name;  // what spark.kubernetes.driver.pod.excludedFeatureSteps calls it
  DriverStep run;
};
constexpr std::array kSteps = {
    NamedStep{"BasicDriverFeatureStep", add_basics},
    NamedStep{"DriverKubernetesCredentialsFeatureStep", add_credentials},
    NamedStep{"DriverServiceFeatureStep", add_service},
    NamedStep{"MountSecretsFeatureStep", mount_secrets},
    NamedStep{"EnvSecretsFeatureStep", add_secret_environment},
    NamedStep{"MountVolumesFeatureStep", mount_volumes},
    NamedStep{"DriverCommandFeatureStep", add_command},
    NamedStep{"HadoopConfDriverFeatureStep", add_hadoop_conf},
    NamedStep{"KerberosConfDriverFeatureStep", add_kerberos},
    NamedStep{"PodTemplateConfigMapStep", add_executor_template},
    NamedStep{"LocalDirsFeatureStep", add_local_dirs},
    NamedStep{"NetworkPolicyFeatureStep", add_network_policy},
};

base::Result<Labels> driver_labels(const Conf& conf, const SparkVersion& version,
                                   const SubmissionIds& ids) {
  Labels own = {{"spark-app-selector", ids.app_id}, {"spark-role", "driver"}};
  if (version.has(Rule::AppNameLabels)) {
    own["spark-version"] = version.text;
    own["spark-app-name"] = app_name_label(first_of(conf, {"spark.app.name"}));
  }
  Labels labels = own;
  for (const auto& [key, value] : with_prefix(conf, "spark.kubernetes.driver.label.")) {
    if (own.contains(key)) {
      return failure(Code::InvalidArgument, "Label with key " + key +
                                                " is not allowed as it is reserved for Spark "
                                                "bookkeeping operations.");
    }
    labels[key] = version.has(Rule::LabelPlaceholders) ? with_ids(value, ids) : value;
  }
  return labels;
}

// Splits a pod template into the pod and its Spark container.
base::Result<DriverDraft> initial_draft(const SubmitRequest& request, const Conf& conf,
                                        const SparkVersion& version) {
  DriverDraft draft{.pod = {{"apiVersion", "v1"}, {"kind", "Pod"}},
                    .container = json::object(),
                    .objects = {},
                    .properties = {}};
  draft.pod["metadata"] = json::object();
  draft.pod["spec"] = {{"containers", json::array()}};
  constexpr std::string_view kFileKey = "spark.kubernetes.driver.podTemplateFile";
  if (request.driver_template.is_null()) {
    if (!has(conf, kFileKey)) return draft;
    return failure(Code::InvalidArgument, "Could not load pod from template file.");
  }
  const json& source = request.driver_template;
  const bool shaped = source.is_object() && source.contains("spec") && source["spec"].is_object() &&
                      source.value("metadata", json::object()).is_object() &&
                      source["spec"].value("containers", json::array()).is_array();
  if (!shaped) return failure(Code::InvalidArgument, "Could not load pod from template file.");
  if (source.value("kind", "Pod") != "Pod") {
    return failure(Code::InvalidArgument, "the driver's pod template is not a Pod");
  }
  const std::string ns = base::string_at(source, {"metadata", "namespace"});
  const std::string submitted = first_of(conf, {"spark.kubernetes.namespace"}, "default");
  if (!ns.empty() && ns != submitted && !version.has(Rule::TemplateNamespaceReplaced)) {
    return failure(Code::InvalidArgument, "Namespace mismatch. Item namespace:" + ns +
                                              ". Operation namespace:" + submitted + ".");
  }
  draft.pod["metadata"] = source.value("metadata", json::object());
  draft.pod["spec"] = source["spec"];
  json& containers = draft.pod["spec"]["containers"];
  if (!containers.is_array()) containers = json::array();
  if (containers.empty()) return draft;
  const std::string wanted = first_of(conf, {"spark.kubernetes.driver.podTemplateContainerName"});
  auto chosen = std::find_if(containers.begin(), containers.end(), [&](const json& container) {
    return container.is_object() && container.value("name", json()) == json(wanted);
  });
  if (chosen == containers.end()) chosen = containers.begin();
  if (!chosen->is_object()) {
    return failure(Code::InvalidArgument, "Could not load pod from template file.");
  }
  draft.container = *chosen;
  containers.erase(chosen);
  return draft;
}

base::Status run_steps(const DriverInputs& facts, DriverDraft& draft) {
  std::vector<std::string> excluded;
  if (facts.version.has(Rule::ExcludedSteps)) {
    excluded =
        split_list(first_of(facts.conf, {"spark.kubernetes.driver.pod.excludedFeatureSteps"}));
  }
  for (const NamedStep& step : kSteps) {
    const std::string name = "org.apache.spark.deploy.k8s.features." + std::string(step.spark_name);
    if (std::find(excluded.begin(), excluded.end(), name) != excluded.end()) continue;
    RETURN_IF_ERROR(step.run(facts, draft));
  }
  const std::string own = first_of(facts.conf, {"spark.kubernetes.driver.pod.featureSteps"});
  if (!own.empty()) {
    return failure(Code::Unimplemented, "spark.kubernetes.driver.pod.featureSteps: " + own +
                                            " would need to run in this service");
  }
  return {};
}

// spark.properties and the other files of the driver's conf folder.
json conf_map(const DriverInputs& facts, const DriverDraft& draft) {
  const bool with_folder = facts.version.has(Rule::ConfFolderTravels);
  const std::string name =
      with_folder ? conf_map_name(facts.ids.unique_id) : facts.name_prefix + "-driver-conf-map";
  Conf properties = draft.properties;
  properties.insert(facts.conf.begin(), facts.conf.end());  // what steps have set stays
  json data = with_folder ? conf_folder_files(facts.request.conf_files) : json::object();
  data["spark.properties"] =
      "#Java properties built from Kubernetes config map with name: " + name + "\n" +
      base::format_properties(properties);
  if (facts.version.has(Rule::NamespaceKey)) data["spark.kubernetes.namespace"] = facts.ns;
  json map = {{"apiVersion", "v1"},
              {"kind", "ConfigMap"},
              {"metadata", metadata(facts, name)},
              {"data", std::move(data)}};
  make_immutable(facts, map);
  return map;
}

void mount_conf_map(const DriverInputs& facts, DriverDraft& draft, const json& map) {
  const bool file_by_file = facts.version.has(Rule::ConfFolderTravels);
  const char* const volume = file_by_file ? "spark-conf-volume-driver" : "spark-conf-volume";
  json source = {{"name", map["metadata"]["name"]}};
  for (const auto& [key, content] : map["data"].items()) {
    if (!file_by_file || key == "spark.kubernetes.namespace") continue;
    source["items"].push_back({{"key", key}, {"path", key}, {"mode", 0644}});
  }
  add_volume(draft, {{"name", volume}, {"configMap", std::move(source)}});
  add_mount(draft, volume, std::string(kConfFolder));
  add_env(draft, "SPARK_CONF_DIR", std::string(kConfFolder));
}

base::Result<Submission> assemble(const DriverInputs& facts, DriverDraft draft) {
  RETURN_IF_ERROR(run_steps(facts, draft));
  json map = conf_map(facts, draft);
  mount_conf_map(facts, draft, map);
  draft.pod["spec"]["containers"].push_back(std::move(draft.container));

  Submission submission;
  submission.before_pod.push_back(std::move(map));
  for (json& object : draft.objects)
    submission.before_pod.push_back(std::move(object));
  submission.driver_pod = std::move(draft.pod);
  return submission;
}

}  // namespace

base::Result<Submission> submission_from_conf(const SubmitRequest& request,
                                              const SparkVersion& version, const SubmissionIds& ids,
                                              base::WallTime submit_time) {
  ASSIGN_OR_RETURN(ResolvedSubmission resolved, resolve_conf(request, version, submit_time));
  const Conf& conf = resolved.conf;
  ASSIGN_OR_RETURN(Labels labels, driver_labels(conf, version, ids));
  ASSIGN_OR_RETURN(DriverDraft draft, initial_draft(request, conf, version));
  // What follows it ("-driver-podspec-conf-map") must still fit into a name.
  constexpr size_t kLongestPrefix = 200;
  const NameShape shape =
      version.has(Rule::NamesKeepTheirShape) ? NameShape::Kept : NameShape::Dropped;
  std::string prefix =
      resource_name_prefix(first_of(conf, {"spark.app.name"}), ids.unique_id, shape);
  if (prefix.size() > kLongestPrefix) prefix = "spark-" + ids.unique_id;
  const DriverInputs facts{
      .request = request,
      .conf = conf,
      .language = resolved.language,
      .main_class = resolved.main_class,
      .version = version,
      .ids = ids,
      .ns = first_of(conf, {"spark.kubernetes.namespace"}, "default"),
      .name_prefix = prefix,
      .pod_name = first_of(conf, {"spark.kubernetes.driver.pod.name"}, prefix + "-driver"),
      .labels = std::move(labels)};
  try {
    ASSIGN_OR_RETURN(Submission submission, assemble(facts, std::move(draft)));
    submission.warnings = std::move(resolved.warnings);
    return submission;
  } catch (const json::exception&) {
    // A template whose parts have other types than a Pod's: {"env": 1}.
    return failure(Code::InvalidArgument, "Could not load pod from template file.");
  }
}

json metadata(const DriverInputs& facts, const std::string& name) {
  return {{"name", name}, {"namespace", facts.ns}};
}

void add_env(DriverDraft& draft, const std::string& name, const std::string& value) {
  draft.container["env"].push_back({{"name", name}, {"value", value}});
}

void add_volume(DriverDraft& draft, json volume) {
  draft.pod["spec"]["volumes"].push_back(std::move(volume));
}

void add_mount(DriverDraft& draft, const std::string& volume, const std::string& path) {
  draft.container["volumeMounts"].push_back({{"name", volume}, {"mountPath", path}});
}

void make_immutable(const DriverInputs& facts, json& object) {
  if (facts.version.has(Rule::ImmutableMaps)) object["immutable"] = true;
}

std::string with_ids(const std::string& value, const SubmissionIds& ids) {
  return replace_all(replace_all(value, "{{APP_ID}}", ids.app_id), "{{EXECUTOR_ID}}", "");
}

base::Result<std::string> local_file(const DriverInputs& facts, std::string_view key) {
  const std::string path = first_of(facts.conf, {key});
  const auto file = facts.request.local_files.find(path);
  if (file != facts.request.local_files.end()) return file->second;
  return failure(Code::Unimplemented,
                 std::string(key) + ": " + path + " is a file of the submitting machine");
}

}  // namespace runner::submission
