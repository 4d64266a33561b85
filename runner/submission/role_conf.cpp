#include "runner/submission/role_conf.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "runner/submission/memory.h"
#include "runner/submission/names.h"

namespace runner::submission {
namespace {

using nlohmann::json;

// The keys of one role, which differ only in their first words.
struct RoleKeys {
  std::string plain;       // spark.driver.
  std::string kubernetes;  // spark.kubernetes.driver.
  std::string env;         // spark.kubernetes.driverEnv.
};
const RoleKeys kDriverKeys = {"spark.driver.", "spark.kubernetes.driver.",
                              "spark.kubernetes.driverEnv."};
const RoleKeys kExecutorKeys = {"spark.executor.", "spark.kubernetes.executor.",
                                "spark.executorEnv."};

void set_text(Conf& conf, const std::string& key, const std::string& value) {
  if (!value.empty()) conf[key] = value;
}

void set_all(Conf& conf, const std::string& prefix, const Conf& values) {
  for (const auto& [key, value] : values)
    conf[prefix + key] = value;
}

void set_size(Fields& role, const char* name, const std::string& key, Conf& conf) {
  const std::string written = role.text(name);
  if (written.empty()) return;
  const std::optional<std::string> size = spark_size(written);
  const bool positive = size && parse_size(*size, SizeUnit::Mebibyte).value_or(0) > 0;
  if (positive) {
    conf[key] = *size;
  } else {
    role.complain(name,
                  "must be a size over zero such as 512m, 2g or 1Gi, not \"" + written + "\"");
  }
}

void set_quantity(Fields& role, const char* name, const std::string& key, Conf& conf) {
  const std::string written = role.text(name);
  if (written.empty()) return;
  if (is_quantity(written)) {
    conf[key] = written;
  } else {
    role.complain(name, "must be a quantity such as 500m or 2, not \"" + written + "\"");
  }
}

void add_labels(Fields& role, const RoleKeys& keys, const RunMarks& marks, Conf& conf) {
  set_all(conf, keys.kubernetes + "label.", marks.labels);
  set_all(conf, keys.kubernetes + "label.", role.text_map("labels"));
  set_all(conf, keys.kubernetes + "label.", marks.own_labels);
  for (const char* reserved :
       {"spark-app-selector", "spark-role", "spark-exec-id", "spark-version", "spark-app-name"}) {
    if (conf.contains(keys.kubernetes + "label." + reserved)) {
      role.complain("labels", "must not have " + std::string(reserved) + ", which Spark sets");
    }
  }
  set_all(conf, keys.kubernetes + "annotation.", role.text_map("annotations"));
  set_all(conf, keys.kubernetes + "annotation.", marks.annotations);
}

void add_secret_references(Fields& role, const RoleKeys& keys, Conf& conf) {
  const json references = role.object("envSecretKeyRefs");
  if (references.is_null()) return;
  for (const auto& [variable, reference] : references.items()) {
    const std::string path = role.path() + ".envSecretKeyRefs." + variable;
    Fields fields(references, variable, path);
    const std::string name = fields.text("name");
    const std::string key = fields.text("key");
    if (name.empty() || key.empty()) fields.complain("key", "and name are required");
    fields.refuse_rest();
    role.adopt(fields);
    conf[keys.kubernetes + "secretKeyRef." + variable] = name + ":" + key;
  }
}

void add_environment(Fields& role, const RoleKeys& keys, const RunMarks& marks, Conf& conf) {
  set_all(conf, keys.env, marks.environment);
  set_all(conf, keys.env, role.text_map("envVars"));
  const std::vector<json> secrets = role.objects("secrets");
  for (size_t i = 0; i < secrets.size(); ++i) {
    const json holder = {{"secret", secrets[i]}};
    Fields secret(holder, "secret", role.path() + ".secrets[" + std::to_string(i) + "]");
    const std::string name = secret.text("name");
    const std::string path = secret.text("path");
    const std::string type = secret.text("secretType");
    if (name.empty() || path.empty()) secret.complain("path", "and name are required");
    secret.refuse_rest();
    role.adopt(secret);
    if (conf_can_mount(secrets, i)) conf[keys.kubernetes + "secrets." + name] = path;
    if (type == "GCPServiceAccount") {
      conf[keys.env + "GOOGLE_APPLICATION_CREDENTIALS"] = path + "/key.json";
    } else if (type == "HadoopDelegationToken") {
      conf[keys.env + "HADOOP_TOKEN_FILE_LOCATION"] = path + "/hadoop.token";
    }
  }
}

constexpr std::array kVolumeOptions = {"path",      "type",   "server",
                                       "claimName", "medium", "sizeLimit"};
constexpr std::array kVolumeTypes = {"emptyDir", "hostPath", "nfs", "persistentVolumeClaim"};

// Spark's words for the kind of a volume; nullptr when it has none.
const char* conf_type_of(const json& volume) {
  const auto* const type = std::find_if(
      kVolumeTypes.begin(), kVolumeTypes.end(),
      [&volume](const char* t) { return volume.contains(t) && volume.at(t).is_object(); });
  return type == kVolumeTypes.end() ? nullptr : *type;
}

// The options of one local volume by its type, as Spark's configuration names them.
void set_volume_options(const std::string& type, const json& source, const std::string& prefix,
                        Conf& conf) {
  for (const char* option : kVolumeOptions) {
    const auto value = source.find(option);
    if (value == source.end() || value->is_null()) continue;
    conf[prefix + "options." + option] =
        value->is_string() ? value->get<std::string>() : base::dump_json(*value);
  }
  if ((type == "nfs" || type == "persistentVolumeClaim") &&
      source.value("readOnly", json()) == true) {
    conf[prefix + "options.readOnly"] = "true";
  }
}

// Volumes named spark-local-dir-… are Spark's scratch space, which it must know of.
void add_local_volumes(Fields& role, Fields& spec, const RoleKeys& keys, Conf& conf) {
  const std::vector<json> volumes = spec.objects("volumes");
  for (const json& mount : role.objects("volumeMounts")) {
    const json holder = {{"mount", mount}};
    Fields fields(holder, "mount", role.path() + ".volumeMounts");
    const std::string name = fields.text("name");
    const std::string path = fields.text("mountPath");
    if (name.empty() || path.empty()) role.complain("volumeMounts", "need a name and a mountPath");
    if (!name.starts_with("spark-local-dir-")) continue;
    const auto volume = std::find_if(volumes.begin(), volumes.end(), [&name](const json& v) {
      return v.value("name", json()) == json(name);
    });
    if (volume == volumes.end()) {
      role.complain("volumeMounts", "name a volume that spec.volumes does not have: " + name);
      return;
    }
    if (!conf_can_say(*volume, mount)) continue;
    const std::string type = conf_type_of(*volume);
    const std::string prefix = keys.kubernetes + "volumes." + type + "." + name + ".";
    conf[prefix + "mount.path"] = path;
    set_text(conf, prefix + "mount.subPath", fields.text("subPath"));
    if (fields.boolean("readOnly").value_or(false)) conf[prefix + "mount.readOnly"] = "true";
    set_volume_options(type, volume->at(type), prefix, conf);
    fields.refuse_rest();
    role.adopt(fields);
  }
}

// Spark counts whole cores; a part of one is what the pod asks for.
void add_cores(Fields& role, const RoleKeys& keys, Conf& conf) {
  const auto cores = role.number("cores");
  if (!cores) return;
  constexpr double kLeast = 0.001;
  constexpr double kMost = 1e6;
  if (*cores < kLeast || *cores > kMost) {
    role.complain("cores", "must be a number over zero and at most 1000000");
    return;
  }
  conf[keys.plain + "cores"] = std::to_string(static_cast<int64_t>(std::ceil(*cores)));
  if (*cores != std::floor(*cores)) {
    conf[keys.kubernetes + "request.cores"] =
        std::to_string(static_cast<int64_t>(std::ceil(*cores * 1000))) + "m";
  }
}

void add_shared(Fields& role, Fields& spec, const RoleKeys& keys, Conf& conf) {
  std::string image = role.text("image");
  if (image.empty()) image = spec.text("image");
  set_text(conf, keys.kubernetes + "container.image", image);
  add_cores(role, keys, conf);
  set_quantity(role, "coreRequest", keys.kubernetes + "request.cores", conf);
  set_quantity(role, "coreLimit", keys.kubernetes + "limit.cores", conf);
  set_size(role, "memory", keys.plain + "memory", conf);
  set_size(role, "memoryOverhead", keys.plain + "memoryOverhead", conf);
  set_text(conf,
           keys.kubernetes == kDriverKeys.kubernetes
               ? "spark.kubernetes.authenticate.driver.serviceAccountName"
               : "spark.kubernetes.authenticate.executor.serviceAccountName",
           role.text("serviceAccount"));
  set_text(conf, keys.plain + "extraJavaOptions", role.text("javaOptions"));
  if (spec.has("nodeSelector") && role.has("nodeSelector")) {
    role.complain("nodeSelector", "and spec.nodeSelector exclude each other");
  }
}

void add_defaults(const RoleKeys& keys, Conf& conf) {
  conf.try_emplace(keys.plain + "cores", "1");
  conf.try_emplace(keys.plain + "memory", "1g");
}

}  // namespace

bool conf_can_mount(const std::vector<json>& secrets, size_t index) {
  const std::string name = base::string_at(secrets[index], {"name"});
  if (secret_volume(name) != name + "-volume") return false;
  return std::none_of(
      secrets.begin(), secrets.begin() + static_cast<std::ptrdiff_t>(index),
      [&name](const json& earlier) { return base::string_at(earlier, {"name"}) == name; });
}

std::string secret_volume(const std::string& secret) {
  return volume_name(secret + "-volume");
}

bool conf_can_say(const json& volume, const json& mount) {
  const char* type = conf_type_of(volume);
  if (type == nullptr) return false;
  constexpr std::array<std::string_view, 4> kOfMount = {"name", "mountPath", "subPath", "readOnly"};
  for (const auto& [name, value] : mount.items())
    if (std::find(kOfMount.begin(), kOfMount.end(), name) == kOfMount.end()) return false;
  const auto has_key = [&](const std::string& name) {
    if (name == "readOnly") return true;
    return std::any_of(kVolumeOptions.begin(), kVolumeOptions.end(),
                       [&name](const char* option) { return name == option; });
  };
  for (const auto& [name, value] : volume.at(type).items())
    if (value.is_structured() || !has_key(name)) return false;
  return true;
}

void add_driver_conf(Fields& driver, Fields& spec, const std::string& app_name,
                     const RunMarks& marks, Conf& conf) {
  const RoleKeys& keys = kDriverKeys;
  std::string pod_name = driver.text("podName");
  if (pod_name.empty()) pod_name = first_of(conf, {"spark.kubernetes.driver.pod.name"});
  conf["spark.kubernetes.driver.pod.name"] =
      pod_name.empty() ? name_beside(app_name, "-driver") : pod_name;
  add_labels(driver, keys, marks, conf);
  add_shared(driver, spec, keys, conf);
  set_text(conf, "spark.kubernetes.driver.master", driver.text("kubernetesMaster"));
  set_all(conf, "spark.kubernetes.driver.service.label.", driver.text_map("serviceLabels"));
  set_all(conf, "spark.kubernetes.driver.service.annotation.",
          driver.text_map("serviceAnnotations"));
  add_secret_references(driver, keys, conf);
  add_environment(driver, keys, marks, conf);
  add_local_volumes(driver, spec, keys, conf);
  add_defaults(keys, conf);
}

void add_executor_conf(Fields& executor, Fields& spec, const RunMarks& marks, Conf& conf) {
  const RoleKeys& keys = kExecutorKeys;
  add_labels(executor, keys, marks, conf);
  if (const auto instances = executor.integer("instances")) {
    conf["spark.executor.instances"] = std::to_string(*instances);
  }
  add_shared(executor, spec, keys, conf);
  if (const auto deletes = executor.boolean("deleteOnTermination")) {
    conf["spark.kubernetes.executor.deleteOnTermination"] = *deletes ? "true" : "false";
  }
  add_secret_references(executor, keys, conf);
  add_environment(executor, keys, marks, conf);
  add_local_volumes(executor, spec, keys, conf);
  add_defaults(keys, conf);
}

}  // namespace runner::submission
