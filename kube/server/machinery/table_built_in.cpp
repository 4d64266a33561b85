#include <map>

#include "base/json.h"
#include "kube/server/machinery/table_column.h"

namespace kube::server::machinery {
namespace {

using Column = TableColumns::Column;
using Path = std::vector<std::string>;

constexpr int kWide = 1;

const Json* at_path(const Json& object, const Path& path) {
  const Json* at = &object;
  for (const std::string& name : path) {
    at = base::find(*at, {name});
    if (at == nullptr) return nullptr;
  }
  return at;
}

std::string text_at(const Json& object, const Path& path, const std::string& fallback) {
  const Json* value = at_path(object, path);
  if (value == nullptr || value->is_null()) return fallback;
  if (!value->is_string()) return base::dump_json(*value);
  return value->get_ref<const std::string&>().empty() ? fallback : value->get<std::string>();
}

using Text = std::function<std::string(const Json& object, Column::Now now)>;

Column column(std::string name, Text text, int priority = 0, std::string type = "string") {
  return {.name = std::move(name),
          .type = std::move(type),
          .format = "",
          .description = "",
          .priority = priority,
          .cell = [text = std::move(text)](const Json& object, Column::Now now) {
            return Json(text(object, now));
          }};
}

Column field(std::string name, Path path, int priority = 0, std::string fallback = "<none>") {
  return column(
      std::move(name),
      [path = std::move(path), fallback = std::move(fallback)](const Json& object, Column::Now) {
        return text_at(object, path, fallback);
      },
      priority);
}

Column name() {
  Column result = field("Name", {"metadata", "name"}, 0, "");
  result.format = "name";
  return result;
}

Column age(std::string title = "Age", Path path = {"metadata", "creationTimestamp"}) {
  return column(std::move(title), [path = std::move(path)](const Json& object, Column::Now now) {
    return age_of(text_at(object, path, ""), now);
  });
}

Column count(std::string title, std::vector<Path> paths) {
  Column result;
  result.name = std::move(title);
  result.type = "integer";
  result.cell = [paths = std::move(paths)](const Json& object, Column::Now) {
    size_t total = 0;
    for (const Path& path : paths) {
      if (const Json* value = at_path(object, path); value != nullptr && value->is_structured()) {
        total += value->size();
      }
    }
    return Json(total);
  };
  return result;
}

// The texts of a list's items, joined.
std::string joined(const Json& object, const Path& path,
                   const std::function<std::string(const Json&)>& text, const char* separator,
                   const std::string& fallback) {
  std::string result;
  if (const Json* list = at_path(object, path); list != nullptr && list->is_array()) {
    for (const Json& item : *list)
      result += (result.empty() ? "" : separator) + text(item);
  }
  return result.empty() ? fallback : result;
}

std::string as_text(const Json& item) {
  return item.is_string() ? item.get<std::string>() : base::dump_json(item);
}

std::vector<Column> pod_columns() {
  return {
      name(),
      column("Ready", [](const Json& pod, auto now) { return summarise_pod(pod, now).ready; }),
      column("Status", [](const Json& pod, auto now) { return summarise_pod(pod, now).status; }),
      column("Restarts",
             [](const Json& pod, auto now) { return summarise_pod(pod, now).restarts; }),
      age(),
      field("IP", {"status", "podIP"}, kWide),
      field("Node", {"spec", "nodeName"}, kWide),
      field("Nominated Node", {"status", "nominatedNodeName"}, kWide),
      field("Readiness Gates", {"spec", "readinessGates"}, kWide)};
}

std::string service_ports(const Json& service) {
  return joined(
      service, {"spec", "ports"},
      [](const Json& port) {
        std::string text = text_at(port, {"port"}, "");
        if (const std::string node = text_at(port, {"nodePort"}, "0"); node != "0") {
          text += ":" + node;
        }
        return text + "/" + text_at(port, {"protocol"}, "TCP");
      },
      ",", "<none>");
}

std::string external_address(const Json& service) {
  const std::string type = text_at(service, {"spec", "type"}, "ClusterIP");
  if (type == "ExternalName") return text_at(service, {"spec", "externalName"}, "<none>");
  const std::string fallback = type == "LoadBalancer" ? "<pending>" : "<none>";
  return joined(service, {"spec", "externalIPs"}, as_text, ",", fallback);
}

std::string selector_text(const Json& service) {
  std::string text;
  if (const Json* selector = at_path(service, {"spec", "selector"});
      selector != nullptr && selector->is_object()) {
    for (const auto& [key, value] : selector->items()) {
      text += (text.empty() ? "" : ",") + key + "=" + as_text(value);
    }
  }
  return text.empty() ? "<none>" : text;
}

std::vector<Column> service_columns() {
  return {name(),
          field("Type", {"spec", "type"}, 0, "ClusterIP"),
          field("Cluster-IP", {"spec", "clusterIP"}),
          column("External-IP", [](const Json& one, auto) { return external_address(one); }),
          column("Port(s)", [](const Json& one, auto) { return service_ports(one); }),
          age(),
          column("Selector", [](const Json& one, auto) { return selector_text(one); }, kWide)};
}

std::string node_status(const Json& node) {
  std::string status = "Unknown";
  if (const Json* conditions = at_path(node, {"status", "conditions"});
      conditions != nullptr && conditions->is_array()) {
    for (const Json& one : *conditions) {
      if (base::string_at(one, {"type"}) != "Ready") continue;
      status = base::string_at(one, {"status"}) == "True" ? "Ready" : "NotReady";
    }
  }
  if (base::bool_at(node, {"spec", "unschedulable"}).value_or(false)) {
    status += ",SchedulingDisabled";
  }
  return status;
}

std::string node_roles(const Json& node) {
  static const std::string kPrefix = "node-role.kubernetes.io/";
  std::string roles;
  if (const Json* labels = at_path(node, {"metadata", "labels"});
      labels != nullptr && labels->is_object()) {
    for (const auto& [key, value] : labels->items()) {
      if (key.rfind(kPrefix, 0) == 0 && key.size() > kPrefix.size()) {
        roles += (roles.empty() ? "" : ",") + key.substr(kPrefix.size());
      }
    }
  }
  return roles.empty() ? "<none>" : roles;
}

Text node_address(const char* type) {
  return [type](const Json& node, Column::Now) -> std::string {
    const Json* addresses = at_path(node, {"status", "addresses"});
    if (addresses == nullptr || !addresses->is_array()) return "<none>";
    for (const Json& one : *addresses) {
      if (base::string_at(one, {"type"}) == type) return base::string_at(one, {"address"});
    }
    return "<none>";
  };
}

std::vector<Column> node_columns() {
  return {name(),
          column("Status", [](const Json& node, auto) { return node_status(node); }),
          column("Roles", [](const Json& node, auto) { return node_roles(node); }),
          age(),
          field("Version", {"status", "nodeInfo", "kubeletVersion"}, 0, ""),
          column("Internal-IP", node_address("InternalIP"), kWide),
          column("External-IP", node_address("ExternalIP"), kWide),
          field("OS-Image", {"status", "nodeInfo", "osImage"}, kWide, "<unknown>"),
          field("Kernel-Version", {"status", "nodeInfo", "kernelVersion"}, kWide, "<unknown>"),
          field("Container-Runtime", {"status", "nodeInfo", "containerRuntimeVersion"}, kWide,
                "<unknown>")};
}

// Both Event kinds: the old names first, the new ones else.
std::string event_text(const Json& event, const Path& old_path, const Path& new_path) {
  const std::string old_text = text_at(event, old_path, "");
  return old_text.empty() ? text_at(event, new_path, "") : old_text;
}

std::string first_of(const Json& event, const std::vector<Path>& paths) {
  for (const Path& path : paths) {
    if (std::string text = text_at(event, path, ""); !text.empty()) return text;
  }
  return "";
}

std::string last_seen(const Json& event, Column::Now now) {
  return age_of(first_of(event, {{"series", "lastObservedTime"},
                                 {"lastTimestamp"},
                                 {"deprecatedLastTimestamp"},
                                 {"eventTime"},
                                 {"metadata", "creationTimestamp"}}),
                now);
}

std::string event_object(const Json& event) {
  const Json* object = at_path(event, {"involvedObject"});
  if (object == nullptr) object = at_path(event, {"regarding"});
  if (object == nullptr) return "";
  std::string kind = text_at(*object, {"kind"}, "");
  for (char& c : kind) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return kind + "/" + text_at(*object, {"name"}, "");
}

std::string event_source(const Json& event) {
  const std::string component =
      first_of(event, {{"source", "component"}, {"reportingComponent"}, {"reportingController"}});
  const std::string host = first_of(event, {{"source", "host"}, {"reportingInstance"}});
  return host.empty() ? component : component + ", " + host;
}

std::vector<Column> event_columns() {
  return {column("Last Seen", last_seen),
          field("Type", {"type"}, 0, ""),
          field("Reason", {"reason"}, 0, ""),
          column("Object", [](const Json& one, auto) { return event_object(one); }),
          column(
              "Subobject",
              [](const Json& one, auto) {
                return event_text(one, {"involvedObject", "fieldPath"}, {"regarding", "fieldPath"});
              },
              kWide),
          column(
              "Source", [](const Json& one, auto) { return event_source(one); }, kWide),
          column("Message",
                 [](const Json& one, auto) { return event_text(one, {"message"}, {"note"}); }),
          column(
              "First Seen",
              [](const Json& one, auto now) {
                return age_of(first_of(one, {{"firstTimestamp"},
                                             {"deprecatedFirstTimestamp"},
                                             {"eventTime"},
                                             {"metadata", "creationTimestamp"}}),
                              now);
              },
              kWide),
          column(
              "Count",
              [](const Json& one, auto) {
                const std::string times =
                    first_of(one, {{"series", "count"}, {"count"}, {"deprecatedCount"}});
                return times.empty() ? std::string("1") : times;
              },
              kWide),
          field("Name", {"metadata", "name"}, kWide, "")};
}

std::string access_modes(const Json& claim) {
  static const std::map<std::string, std::string> kShort = {{"ReadWriteOnce", "RWO"},
                                                            {"ReadOnlyMany", "ROX"},
                                                            {"ReadWriteMany", "RWX"},
                                                            {"ReadWriteOncePod", "RWOP"}};
  return joined(
      claim, {"spec", "accessModes"},
      [](const Json& mode) {
        const auto at = kShort.find(as_text(mode));
        return at == kShort.end() ? as_text(mode) : at->second;
      },
      ",", "");
}

// Of a claim without a volume nothing is known yet.
std::string claimed_modes(const Json& claim) {
  return text_at(claim, {"spec", "volumeName"}, "").empty() ? "" : access_modes(claim);
}

std::vector<Column> claim_columns() {
  return {name(),
          column("Status",
                 [](const Json& claim, auto) {
                   return text_at(claim, {"metadata", "deletionTimestamp"}, "").empty()
                              ? text_at(claim, {"status", "phase"}, "Pending")
                              : std::string("Terminating");
                 }),
          field("Volume", {"spec", "volumeName"}, 0, ""),
          field("Capacity", {"status", "capacity", "storage"}, 0, ""),
          column("Access Modes", [](const Json& claim, auto) { return claimed_modes(claim); }),
          field("StorageClass", {"spec", "storageClassName"}, 0, ""),
          field("VolumeAttributesClass", {"spec", "volumeAttributesClassName"}, 0, "<unset>"),
          age(),
          field("VolumeMode", {"spec", "volumeMode"}, kWide, "<unset>")};
}

std::vector<Column> volume_columns() {
  return {name(),
          field("Capacity", {"spec", "capacity", "storage"}, 0, ""),
          column("Access Modes", [](const Json& volume, auto) { return access_modes(volume); }),
          field("Reclaim Policy", {"spec", "persistentVolumeReclaimPolicy"}, 0, ""),
          field("Status", {"status", "phase"}, 0, ""),
          field("StorageClass", {"spec", "storageClassName"}, 0, ""),
          age()};
}

Column created_at() {
  return field("Created At", {"metadata", "creationTimestamp"}, 0, "<unknown>");
}

Column role_column() {
  return column("Role", [](const Json& binding, auto) {
    return text_at(binding, {"roleRef", "kind"}, "") + "/" +
           text_at(binding, {"roleRef", "name"}, "");
  });
}

std::string hosts_of(const Json& ingress) {
  return joined(
      ingress, {"spec", "rules"}, [](const Json& rule) { return text_at(rule, {"host"}, "*"); },
      ",", "*");
}

// Kinds that are stored without effect.
std::vector<Column> inert_columns(const std::string& kind) {
  if (kind == "PersistentVolume") return volume_columns();
  if (kind == "Role" || kind == "ClusterRole" || kind == "LimitRange")
    return {name(), created_at()};
  if (kind == "RoleBinding" || kind == "ClusterRoleBinding") return {name(), role_column(), age()};
  if (kind == "PriorityClass") {
    return {name(), field("Value", {"value"}, 0, "0"),
            field("Global-Default", {"globalDefault"}, 0, "false"), age()};
  }
  if (kind == "StorageClass") {
    return {name(), field("Provisioner", {"provisioner"}),
            field("ReclaimPolicy", {"reclaimPolicy"}),
            field("VolumeBindingMode", {"volumeBindingMode"}), age()};
  }
  if (kind == "Ingress") {
    return {name(), field("Class", {"spec", "ingressClassName"}),
            column("Hosts", [](const Json& ingress, auto) { return hosts_of(ingress); }), age()};
  }
  if (kind == "PodDisruptionBudget") {
    return {name(), field("Min Available", {"spec", "minAvailable"}, 0, "N/A"),
            field("Max Unavailable", {"spec", "maxUnavailable"}, 0, "N/A"), age()};
  }
  return {name(), age()};
}

std::vector<Column> columns_for(const ResourceType& type) {
  if (type.kind == "Event") return event_columns();
  if (type.kind == "CustomResourceDefinition") {
    return {name(), field("Created At", {"metadata", "creationTimestamp"}, 0, "<unknown>")};
  }
  if (type.kind == "Lease")
    return {name(), field("Holder", {"spec", "holderIdentity"}, 0, ""), age()};
  if (type.kind == "Pod") return pod_columns();
  if (type.kind == "Service") return service_columns();
  if (type.kind == "Node") return node_columns();
  if (type.kind == "Namespace") return {name(), field("Status", {"status", "phase"}), age()};
  if (type.kind == "ConfigMap") return {name(), count("Data", {{"data"}, {"binaryData"}}), age()};
  if (type.kind == "Secret") {
    return {name(), field("Type", {"type"}, 0, "Opaque"), count("Data", {{"data"}}), age()};
  }
  if (type.kind == "ServiceAccount") return {name(), count("Secrets", {{"secrets"}}), age()};
  if (type.kind == "PersistentVolumeClaim") return claim_columns();
  return inert_columns(type.kind);
}

}  // namespace

TableColumns TableColumns::of_built_in(const ResourceType& type) {
  return TableColumns(columns_for(type));
}

}  // namespace kube::server::machinery
