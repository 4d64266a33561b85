#include <algorithm>

#include "runner/submission/driver_steps.h"
#include "runner/submission/volumes.h"

namespace runner::submission {
namespace {

using base::Code;
using base::failure;
using nlohmann::json;

constexpr std::string_view kLocalDirPrefix = "spark-local-dir-";

json claim_object(const DriverInputs& facts, const Volume& volume, const std::string& name) {
  json meta = metadata(facts, name);
  if (facts.version.has(Rule::AppSelectorLabels))
    meta["labels"]["spark-app-selector"] = facts.ids.app_id;
  for (const auto& [key, value] : volume.labels)
    meta["labels"][key] = value;
  for (const auto& [key, value] : volume.annotations)
    meta["annotations"][key] = value;
  const bool one_pod =
      facts.version.has(Rule::ClaimsForOnePod) &&
      lower(first_of(facts.conf, {"spark.kubernetes.legacy.useReadWriteOnceAccessMode"})) != "true";
  return {{"apiVersion", "v1"},
          {"kind", "PersistentVolumeClaim"},
          {"metadata", std::move(meta)},
          {"spec",
           {{"storageClassName", volume.storage_class},
            {"accessModes", {one_pod ? "ReadWriteOncePod" : "ReadWriteOnce"}},
            {"resources", {{"requests", {{"storage", volume.size_limit}}}}}}}};
}

}  // namespace

base::Status mount_secrets(const DriverInputs& facts, DriverDraft& draft) {
  for (const auto& [name, path] : with_prefix(facts.conf, "spark.kubernetes.driver.secrets.")) {
    add_volume(draft, {{"name", name + "-volume"}, {"secret", {{"secretName", name}}}});
    add_mount(draft, name + "-volume", path);
  }
  return {};
}

base::Status add_secret_environment(const DriverInputs& facts, DriverDraft& draft) {
  constexpr std::string_view kPrefix = "spark.kubernetes.driver.secretKeyRef.";
  for (const auto& [variable, reference] : with_prefix(facts.conf, kPrefix)) {
    const size_t colon = reference.find(':');
    if (colon == std::string::npos || colon + 1 == reference.size() ||
        reference.find(':', colon + 1) != std::string::npos) {
      return failure(Code::InvalidArgument, "SecretKeyRef must be in the form name:key.");
    }
    draft.container["env"].push_back(
        {{"name", variable},
         {"valueFrom",
          {{"secretKeyRef",
            {{"name", reference.substr(0, colon)}, {"key", reference.substr(colon + 1)}}}}}});
  }
  return {};
}

base::Status mount_volumes(const DriverInputs& facts, DriverDraft& draft) {
  ASSIGN_OR_RETURN(const std::vector<Volume> volumes,
                   parse_volumes(facts.conf, "spark.kubernetes.driver.volumes.", facts.version));
  // The executors' are parsed only to refuse bad ones now and not in a running driver.
  RETURN_IF_ERROR(parse_volumes(facts.conf, "spark.kubernetes.executor.volumes.", facts.version));
  int index = 0;
  for (const Volume& volume : volumes) {
    const bool on_demand = facts.version.has(Rule::OnDemandClaims);
    const std::string claim =
        on_demand ? replace_all(volume.claim_name, "OnDemand",
                                facts.name_prefix + "-driver-pvc-" + std::to_string(index++))
                  : volume.claim_name;
    add_volume(draft, volume_json(volume, claim));
    draft.container["volumeMounts"].push_back(mount_json(volume, facts.version));
    if (on_demand && !claim.empty() && !volume.storage_class.empty() &&
        !volume.size_limit.empty()) {
      draft.objects.push_back(claim_object(facts, volume, claim));
    }
  }
  return {};
}

base::Status add_executor_template(const DriverInputs& facts, DriverDraft& draft) {
  constexpr std::string_view kKey = "spark.kubernetes.executor.podTemplateFile";
  if (!facts.request.executor_template) {
    const std::string* path = find(facts.conf, kKey);
    if (path == nullptr) return {};
    return failure(Code::Unimplemented,
                   std::string(kKey) + ": " + *path + " is a file of the submitting machine");
  }
  const std::string name = facts.name_prefix + "-driver-podspec-conf-map";
  add_volume(
      draft,
      {{"name", "pod-template-volume"},
       {"configMap",
        {{"name", name},
         {"items", {{{"key", "podspec-configmap-key"}, {"path", "pod-spec-template.yml"}}}}}}});
  add_mount(draft, "pod-template-volume", "/opt/spark/pod-template");
  draft.objects.push_back(
      {{"apiVersion", "v1"},
       {"kind", "ConfigMap"},
       {"metadata", metadata(facts, name)},
       {"data", {{"podspec-configmap-key", *facts.request.executor_template}}}});
  make_immutable(facts, draft.objects.back());
  draft.properties[std::string(kKey)] = "/opt/spark/pod-template/pod-spec-template.yml";
  return {};
}

base::Status add_local_dirs(const DriverInputs& facts, DriverDraft& draft) {
  std::vector<std::string> dirs;
  for (const json& mount : draft.container.value("volumeMounts", json::array())) {
    if (mount.value("name", "").starts_with(kLocalDirPrefix)) {
      dirs.push_back(mount.value("mountPath", ""));
    }
  }
  if (dirs.empty()) {
    const auto environment = facts.request.environment.find("SPARK_LOCAL_DIRS");
    const std::string paths =
        environment != facts.request.environment.end()
            ? environment->second
            : first_of(facts.conf, {"spark.local.dir"}, default_local_dir(facts.ids.app_id));
    ASSIGN_OR_RETURN(const bool tmpfs,
                     boolean_or(facts.conf, "spark.kubernetes.local.dirs.tmpfs", false));
    dirs = split_list(paths);
    for (size_t i = 0; i < dirs.size(); ++i) {
      const std::string name = std::string(kLocalDirPrefix) + std::to_string(i + 1);
      json empty_dir = json::object();
      if (tmpfs) empty_dir["medium"] = "Memory";
      add_volume(draft, {{"name", name}, {"emptyDir", std::move(empty_dir)}});
      add_mount(draft, name, dirs[i]);
    }
  }
  add_env(draft, "SPARK_LOCAL_DIRS", join(dirs, ","));
  return {};
}

}  // namespace runner::submission
