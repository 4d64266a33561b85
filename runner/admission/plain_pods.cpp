#include "runner/admission/plain_pods.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "base/json.h"
#include "config/names.h"
#include "runner/submission/checks.h"
#include "runner/submission/names.h"

namespace runner::admission {
namespace {

using nlohmann::json;

constexpr std::string_view kPrefix = "sparkoperator.k8s.io/";

enum class Source { ConfigMap, Secret };

// One folder in the pod: what is in it, where, and the variable that leads there.
struct Folder {
  Source source = Source::ConfigMap;
  std::string name;  // of the ConfigMap or Secret
  std::string volume;
  std::string path;
  std::string variable;  // "" = none
  std::string value;
};

struct Whole {
  std::string_view annotation;  // its value is the ConfigMap's name
  const char* volume;
  const char* path;
  const char* variable;
};
constexpr std::array kWhole = {
    Whole{"sparkConfigMap", "spark-configmap-volume", "/etc/spark/conf", "SPARK_CONF_DIR"},
    Whole{"spark-configmap", "spark-configmap-volume", "/etc/spark/conf", "SPARK_CONF_DIR"},
    Whole{"hadoopConfigMap", "hadoop-configmap-volume", "/etc/hadoop/conf", "HADOOP_CONF_DIR"},
    Whole{"hadoop-configmap", "hadoop-configmap-volume", "/etc/hadoop/conf", "HADOOP_CONF_DIR"},
};

struct Named {
  std::string_view prefix;  // the object's name follows; the value is the path
  Source source;
  const char* suffix;  // of the volume
  bool credentials;
};
constexpr std::array kNamed = {
    Named{"configMap.", Source::ConfigMap, "-vol", false},
    Named{"configmap.", Source::ConfigMap, "-vol", false},
    Named{"secret.", Source::Secret, "-secret-vol", false},
    Named{"GCPServiceAccount.", Source::Secret, "-secret-vol", true},
};

base::Status check_name(const std::string& key, const std::string& name) {
  if (submission::is_object_name(name)) return {};
  return base::failure(base::Code::InvalidArgument,
                       "metadata.annotations[" + key + "] must name a " +
                           "ConfigMap or Secret, which \"" + name + "\" cannot be");
}

base::Status check_path(const std::string& key, const std::string& path) {
  const bool good = path.starts_with('/') && path.find(':') == std::string::npos &&
                    path.find_first_not_of("/.") != std::string::npos &&
                    (path + "/").find("/../") == std::string::npos;
  if (good) return {};
  return base::failure(base::Code::InvalidArgument, "metadata.annotations[" + key +
                                                        "] must be a path to mount at such as " +
                                                        "/etc/secrets, not \"" + path + "\"");
}

// nullopt: none of these annotations.
base::Result<std::optional<Folder>> folder_of(const std::string& key, const std::string& value) {
  if (!key.starts_with(kPrefix)) return std::nullopt;
  const std::string_view rest = std::string_view(key).substr(kPrefix.size());
  for (const Whole& whole : kWhole) {
    if (rest != whole.annotation) continue;
    RETURN_IF_ERROR(check_name(key, value));
    return Folder{.source = Source::ConfigMap,
                  .name = value,
                  .volume = whole.volume,
                  .path = whole.path,
                  .variable = whole.variable,
                  .value = whole.path};
  }
  for (const Named& named : kNamed) {
    if (!rest.starts_with(named.prefix)) continue;
    const std::string name(rest.substr(named.prefix.size()));
    RETURN_IF_ERROR(check_name(key, name));
    RETURN_IF_ERROR(check_path(key, value));
    Folder folder{.source = named.source,
                  .name = name,
                  .volume = submission::volume_name(name + named.suffix),
                  .path = value,
                  .variable = {},
                  .value = {}};
    if (named.credentials) {
      folder.variable = "GOOGLE_APPLICATION_CREDENTIALS";
      folder.value = value + (value.ends_with('/') ? "key.json" : "/key.json");
    }
    return folder;
  }
  return std::nullopt;
}

bool has_one(const json& list, const char* field, const std::string& value) {
  return list.is_array() && std::any_of(list.begin(), list.end(), [&](const json& one) {
           return base::string_at(one, {field}) == value;
         });
}

void append_once(json& owner, const char* list, const char* field, json item) {
  json& items = owner[list];
  if (!items.is_array()) items = json::array();
  if (!has_one(items, field, item[field].get<std::string>())) items.push_back(std::move(item));
}

void set_variable(json& container, const std::string& name, const std::string& value) {
  json& env = container["env"];
  if (!env.is_array()) env = json::array();
  // Spark writes SPARK_CONF_DIR itself.
  for (json& one : env) {
    if (base::string_at(one, {"name"}) != name) continue;
    one = {{"name", name}, {"value", value}};
    return;
  }
  env.push_back({{"name", name}, {"value", value}});
}

// The one that runs Spark; the first when none has a known name.
json* spark_container(json& pod) {
  json* containers =
      pod.contains("spec") && pod["spec"].is_object() && pod["spec"].contains("containers")
          ? &pod["spec"]["containers"]
          : nullptr;
  if (containers == nullptr || !containers->is_array()) return nullptr;
  for (const char* name : {config::kDriverContainer, config::kExecutorContainer, "executor"})
    for (json& container : *containers)
      if (base::string_at(container, {"name"}) == name) return &container;
  return containers->empty() || !containers->front().is_object() ? nullptr : &containers->front();
}

void mount(const Folder& folder, json& pod, json& container) {
  json volume = {{"name", folder.volume}};
  if (folder.source == Source::ConfigMap) {
    volume["configMap"] = {{"name", folder.name}};
  } else {
    volume["secret"] = {{"secretName", folder.name}};
  }
  append_once(container, "volumeMounts", "mountPath",
              {{"name", folder.volume}, {"mountPath", folder.path}});
  if (!folder.variable.empty()) set_variable(container, folder.variable, folder.value);
  append_once(pod["spec"], "volumes", "name", std::move(volume));
}

}  // namespace

base::Result<json> with_annotated_volumes(json pod) {
  const std::string role = base::string_at(pod, {"metadata", "labels", config::kSparkRoleLabel});
  const bool ours =
      base::string_at(pod, {"metadata", "labels", config::kLaunchedByLabel}) == "true";
  const json* annotations = base::find(pod, {"metadata", "annotations"});
  if ((role != "driver" && role != "executor") || ours || annotations == nullptr ||
      !annotations->is_object())
    return pod;
  const json asked = *annotations;  // the pod changes
  for (const auto& [key, value] : asked.items()) {
    if (!value.is_string()) continue;
    ASSIGN_OR_RETURN(const auto folder, folder_of(key, value.get<std::string>()));
    json* container = folder ? spark_container(pod) : nullptr;
    if (container != nullptr) mount(*folder, pod, *container);
  }
  return pod;
}

}  // namespace runner::admission
