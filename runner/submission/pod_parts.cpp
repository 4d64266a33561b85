#include "runner/submission/pod_parts.h"

#include <algorithm>

#include "base/json.h"
#include "runner/submission/memory.h"
#include "runner/submission/names.h"
#include "runner/submission/role_conf.h"

namespace runner::submission {
namespace {

using nlohmann::json;

json config_map_volume(const std::string& volume, const std::string& map) {
  return {{"name", volume}, {"configMap", {{"name", map}}}};
}

json mount(const std::string& volume, const std::string& path) {
  return {{"name", volume}, {"mountPath", path}};
}

// A ConfigMap that holds a whole configuration folder, and the variable that points there. Spark
// writes SPARK_CONF_DIR itself, after the executor template's environment but before
// spark.executorEnv: so the executors' go through the conf.
void add_conf_folder(Role which, PodParts& parts, Conf& conf, const std::string& map,
                     const std::string& volume, const std::string& path,
                     const std::string& variable) {
  if (map.empty()) return;
  parts.volumes.push_back(config_map_volume(volume, map));
  parts.mounts.push_back(mount(volume, path));
  if (which == Role::Driver) {
    parts.env.push_back({{"name", variable}, {"value", path}});
  } else {
    conf["spark.executorEnv." + variable] = path;
  }
}

std::string text_at(const json& object, const char* key) {
  return base::string_at(object, {key});
}

std::string name_of(const json& object) {
  return text_at(object, "name");
}

void add_config_maps(Fields& role, PodParts& parts) {
  for (const json& item : role.objects("configMaps")) {
    const std::string name = name_of(item);
    const std::string path = text_at(item, "path");
    if (name.empty() || path.empty()) {
      role.complain("configMaps", "need a name and a path each");
      return;
    }
    const std::string volume = volume_name(name + "-vol");
    parts.volumes.push_back(config_map_volume(volume, name));
    parts.mounts.push_back(mount(volume, path));
  }
}

bool is_named(const json& object, const std::string& name) {
  const json* its = base::find(object, {"name"});
  return its != nullptr && its->is_string() && its->get_ref<const std::string&>() == name;
}

bool names_volume(const json& volumes, const std::string& name) {
  return volumes.is_array() && std::any_of(volumes.begin(), volumes.end(),
                                           [&](const json& one) { return is_named(one, name); });
}

const json* volume_named(const std::vector<json>& volumes, const std::string& name) {
  const auto volume = std::find_if(volumes.begin(), volumes.end(),
                                   [&](const json& one) { return is_named(one, name); });
  return volume == volumes.end() ? nullptr : &*volume;
}

// Mounts named spark-local-dir-… go through the conf where it has words for them (role_conf); the
// volumes of the others come along, each once.
void add_volumes(Fields& role, Fields& spec, const json& role_template, PodParts& parts) {
  const std::vector<json> volumes = spec.objects("volumes");
  const json in_template = role_template.is_object()
                               ? role_template.value("/spec/volumes"_json_pointer, json())
                               : json();
  for (const json& item : role.objects("volumeMounts")) {
    const std::string name = name_of(item);
    const json* volume = volume_named(volumes, name);
    const bool local = name.starts_with("spark-local-dir-");
    if (local && (volume == nullptr || conf_can_say(*volume, item))) continue;
    (local ? parts.local_mounts : parts.mounts).push_back(item);
    std::vector<json>& target = local ? parts.local_volumes : parts.volumes;
    if (volume_named(target, name) != nullptr || names_volume(in_template, name)) continue;
    if (volume == nullptr) {
      role.complain("volumeMounts", "name a volume that spec.volumes does not have: " + name);
      return;
    }
    target.push_back(*volume);
  }
}

// What only containers beside Spark's mount.
void add_volumes_of_others(Fields& role, Fields& spec, PodParts& parts) {
  const std::vector<json> volumes = spec.objects("volumes");
  for (const char* list : {"sidecars", "initContainers"}) {
    for (const json& container : role.objects(list)) {
      const json* mounts = base::find(container, {"volumeMounts"});
      if (mounts == nullptr || !mounts->is_array()) continue;
      for (const json& item : *mounts) {
        const std::string name = name_of(item);
        const json* volume = volume_named(volumes, name);
        if (volume != nullptr && !name.starts_with("spark-local-dir-") &&
            volume_named(parts.volumes, name) == nullptr)
          parts.volumes.push_back(*volume);
      }
    }
  }
}

// Secrets whose mount no Spark configuration can say.
void add_secrets(Fields& role, PodParts& parts) {
  const std::vector<json> secrets = role.objects("secrets");
  for (size_t i = 0; i < secrets.size(); ++i) {
    if (conf_can_mount(secrets, i)) continue;
    const std::string name = name_of(secrets[i]);
    const std::string volume = secret_volume(name);
    const bool by_spark = volume == name + "-volume";
    if (!by_spark && volume_named(parts.volumes, volume) == nullptr)
      parts.volumes.push_back({{"name", volume}, {"secret", {{"secretName", name}}}});
    parts.mounts.push_back(mount(volume, text_at(secrets[i], "path")));
  }
}

void add_limits(Role which, Fields& role, PodParts& parts) {
  // The executors' goes through the conf (application_conf), for Spark writes their limits.
  const std::string limit = which == Role::Driver ? role.text("memoryLimit") : std::string();
  if (!limit.empty()) {
    const std::optional<std::string> quantity = kubernetes_quantity(limit);
    if (!quantity)
      role.complain("memoryLimit", "must be a size such as 512m, 2g or 1Gi, not \"" + limit + "\"");
    parts.limits["memory"] = quantity.value_or("");
  }
  Fields gpu = role.child("gpu");
  const std::string name = gpu.text("name");
  const std::optional<int64_t> quantity = gpu.integer("quantity");
  gpu.refuse_rest();
  role.adopt(gpu);
  if (quantity == 0) return;  // without_effect says so
  if (name.empty() != !quantity.has_value()) role.complain("gpu", "needs a name and a quantity");
  if (!name.empty() && quantity) parts.limits[name] = std::to_string(*quantity);
}

void set_if(json& target, const char* name, json value) {
  if (!value.is_null()) target[name] = std::move(value);
}

void add_pod_fields(Fields& role, PodParts& parts) {
  json& pod = parts.pod_fields;
  if (role.boolean("hostNetwork").value_or(false)) {
    pod["hostNetwork"] = true;
    pod["dnsPolicy"] = "ClusterFirstWithHostNet";
  }
  parts.host_aliases = role.objects("hostAliases");
  parts.init_containers = role.objects("initContainers");
  parts.sidecars = role.objects("sidecars");
  set_if(pod, "dnsConfig", role.object("dnsConfig"));
  if (const std::string name = role.text("priorityClassName"); !name.empty()) {
    pod["priorityClassName"] = name;
  }
  if (const std::string name = role.text("schedulerName"); !name.empty()) {
    pod["schedulerName"] = name;
  }
  for (const auto& [key, value] : role.text_map("nodeSelector"))
    parts.node_selector[key] = value;
  set_if(pod, "affinity", role.object("affinity"));
  parts.tolerations = role.objects("tolerations");
  set_if(parts.container_fields, "securityContext", role.object("securityContext"));
  set_if(pod, "securityContext", role.object("podSecurityContext"));
  if (const auto seconds = role.integer("terminationGracePeriodSeconds")) {
    pod["terminationGracePeriodSeconds"] = *seconds;
  }
  set_if(parts.container_fields, "lifecycle", role.object("lifecycle"));
  if (const auto share = role.boolean("shareProcessNamespace")) {
    pod["shareProcessNamespace"] = *share;
  }
}

template <class Items>
void append(json& target, const char* name, const Items& items) {
  for (const auto& item : items)
    target[name].push_back(item);
}

json& chosen_container(json& spec, std::string_view name) {
  json& containers = spec["containers"];
  if (!containers.is_array() || containers.empty()) {
    containers = json::array({json{{"name", name}}});
  }
  for (json& container : containers) {
    if (container.is_object() && name_of(container) == name) return container;
  }
  return containers.front();
}

}  // namespace

PodParts pod_parts(Role which, Fields& role, Fields& spec, const json& role_template, Conf& conf) {
  PodParts parts;
  parts.env = role.objects("env");
  parts.env_from = role.objects("envFrom");
  add_conf_folder(which, parts, conf, spec.text("hadoopConfigMap"), "hadoop-configmap-volume",
                  "/etc/hadoop/conf", "HADOOP_CONF_DIR");
  add_conf_folder(which, parts, conf, spec.text("sparkConfigMap"), "spark-configmap-volume",
                  "/etc/spark/conf", "SPARK_CONF_DIR");
  add_config_maps(role, parts);
  add_volumes(role, spec, role_template, parts);
  add_volumes_of_others(role, spec, parts);
  add_secrets(role, parts);
  parts.ports = role.objects("ports");
  add_pod_fields(role, parts);
  add_limits(which, role, parts);
  return parts;
}

void apply_local_dirs(const PodParts& parts, json& pod, std::string_view container_name) {
  if (parts.local_mounts.empty()) return;
  if (!pod.is_object()) pod = {{"metadata", json::object()}};
  append(chosen_container(pod["spec"], container_name), "volumeMounts", parts.local_mounts);
  append(pod["spec"], "volumes", parts.local_volumes);
}

void apply(const PodParts& parts, json& pod, std::string_view container_name) {
  json& spec = pod["spec"];
  json& container = chosen_container(spec, container_name);
  append(container, "env", parts.env);
  append(container, "envFrom", parts.env_from);
  append(container, "volumeMounts", parts.mounts);
  append(container, "ports", parts.ports);
  for (const auto& [name, quantity] : parts.limits) {
    container["resources"]["limits"][name] = quantity;
  }
  container.update(parts.container_fields);

  append(spec, "volumes", parts.volumes);
  append(spec, "hostAliases", parts.host_aliases);
  append(spec, "initContainers", parts.init_containers);
  append(spec, "tolerations", parts.tolerations);
  for (const auto& [key, value] : parts.node_selector)
    spec["nodeSelector"][key] = value;
  spec.update(parts.pod_fields);
  append(spec, "containers", parts.sidecars);  // last: `container` would dangle
}

}  // namespace runner::submission
