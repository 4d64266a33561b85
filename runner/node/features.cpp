#include "runner/node/features.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/json.h"

namespace runner::node {
namespace {

using Json = nlohmann::json;

base::Status refuse(const std::string& field, const std::string& why = {}) {
  return base::failure(
      base::Code::InvalidArgument,
      field + " is not supported by the process node" + (why.empty() ? "" : ": " + why));
}

bool is_given(const Json& object, const char* key) {
  const Json* value = base::find(object, {key});
  if (value == nullptr || value->is_null()) return false;
  if (value->is_boolean()) return value->get<bool>();
  return !value->empty();
}

const Json& array_at(const Json& object, const char* key) {
  static const Json kNone = Json::array();
  const Json* value = base::find(object, {key});
  return value != nullptr && value->is_array() ? *value : kNone;
}

// `container "main": ` or `volume "data": `: in front of a field.
std::string named(const char* what, const Json& object) {
  return std::string(what) + " \"" + base::string_at(object, {"name"}) + "\": ";
}

base::Status wrong(const std::string& what) {
  return base::failure(base::Code::InvalidArgument, what);
}

bool has_zero(const std::string& text) {
  return text.find('\0') != std::string::npos;
}

// A zero byte ends a string of the system early: the program would get something else.
base::Status check_texts(const Json& container, const std::string& at) {
  for (const char* list : {"command", "args"}) {
    const Json& words = array_at(container, list);
    for (size_t i = 0; i < words.size(); ++i)
      if (words[i].is_string() && has_zero(words[i].get<std::string>()))
        return wrong(at + list + ": word " + std::to_string(i + 1) + " holds a zero byte");
  }
  if (has_zero(base::string_at(container, {"workingDir"})))
    return wrong(at + "workingDir holds a zero byte");
  return {};
}

base::Status check_mount(const Json& mount, const std::string& at) {
  const std::string path = base::string_at(mount, {"mountPath"});
  const std::string field = at + "mountPath \"" + path + "\"";
  if (!path.starts_with("/")) return refuse(field, "it is not absolute");
  if (has_zero(path)) return wrong(at + "a mountPath holds a zero byte");
  // Nothing is mounted: paths in the pod's text are rewritten, and every path begins with "/".
  if (std::filesystem::path(path + "/").lexically_normal() == "/")
    return refuse(field, "mount the volume at a folder below /");
  return {};
}

base::Status check_volume(const Json& volume, const std::string& at) {
  static const std::set<std::string> kSupported = {"emptyDir",
                                                   "hostPath",
                                                   "configMap",
                                                   "secret",
                                                   "downwardAPI",
                                                   "projected",
                                                   "persistentVolumeClaim",
                                                   "ephemeral"};
  for (const auto& [key, value] : volume.items())
    if (key != "name" && !kSupported.contains(key)) return refuse(at + key);
  const Json* projected = base::find(volume, {"projected"});
  if (projected == nullptr) return {};
  const Json& sources = array_at(*projected, "sources");
  for (const Json& source : sources) {
    static const std::set<std::string> kSources = {"configMap", "secret", "downwardAPI",
                                                   "serviceAccountToken"};
    for (const auto& [key, value] : source.items())
      if (!kSources.contains(key) && !base::bool_at(value, {"optional"}).value_or(false))
        return refuse(at + "a projected source " + key);
  }
  return {};
}

base::Status check_security(const Json& holder, const std::string& at) {
  const Json* context = base::find(holder, {"securityContext"});
  if (context == nullptr) return {};
  for (const char* field : {"privileged", "procMount", "windowsOptions"})
    if (is_given(*context, field)) return refuse(at + "securityContext." + field);
  if (base::bool_at(*context, {"runAsNonRoot"}).value_or(false) && ::geteuid() == 0)
    return refuse(at + "securityContext.runAsNonRoot", "the service runs as root");
  return {};
}

base::Status check_container(const Json& container, const std::string& at, bool init) {
  for (const char* field : {"livenessProbe", "readinessProbe", "startupProbe", "lifecycle",
                            "volumeDevices", "stdin", "tty", "resizePolicy"})
    if (is_given(container, field)) return refuse(at + field);
  const std::string policy = base::string_at(container, {"restartPolicy"});
  if (!policy.empty() && !(init && policy == "Always"))
    return refuse(at + "restartPolicy " + policy);
  const Json& command = array_at(container, "command");
  const Json& arguments = array_at(container, "args");
  const std::string first =
      !arguments.empty() && arguments[0].is_string() ? arguments[0].get<std::string>() : "";
  if (command.empty() && first != "driver" && first != "executor")
    return wrong(at +
                 "a command is needed: images are not used by the process node, so their "
                 "entry points are unknown");
  RETURN_IF_ERROR(check_texts(container, at));
  for (const Json& mount : array_at(container, "volumeMounts"))
    RETURN_IF_ERROR(check_mount(mount, at));
  return check_security(container, at);
}

// A process sees its whole machine: names, hosts and limits of a container have no counterpart.
constexpr const char* kPodRefused[] = {
    "hostAliases",      "shareProcessNamespace", "hostIPC",
    "runtimeClassName", "readinessGates",        "schedulingGates",
    "resourceClaims",   "ephemeralContainers",   "setHostnameAsFQDN"};
constexpr const char* kPodIgnored[] = {"securityContext", "imagePullSecrets", "dnsConfig",
                                       "hostNetwork",     "hostPID",          "priorityClassName",
                                       "runtimeClass",    "overhead"};

}  // namespace

base::Status check_supported(const Json& pod) {
  const Json* spec = base::find(pod, {"spec"});
  if (spec == nullptr || !spec->is_object()) return refuse("a pod without spec");
  for (const char* field : kPodRefused)
    if (is_given(*spec, field)) return refuse(std::string("spec.") + field);
  const std::string policy = base::string_at(*spec, {"restartPolicy"});
  if (policy != "Never")
    return refuse("spec.restartPolicy " + (policy.empty() ? "Always" : policy),
                  "a container runs once; use Never");
  RETURN_IF_ERROR(check_security(*spec, "spec."));
  for (const char* key : {"affinity"}) {
    const Json* affinity = base::find(*spec, {key});
    if (affinity == nullptr) continue;
    for (const char* kind : {"podAffinity", "podAntiAffinity"}) {
      const Json* rules = base::find(*affinity, {kind});
      // Preferences among nodes are met by the only one.
      if (rules != nullptr && is_given(*rules, "requiredDuringSchedulingIgnoredDuringExecution"))
        return refuse(std::string("spec.affinity.") + kind +
                      ".requiredDuringSchedulingIgnoredDuringExecution");
    }
  }
  const auto deadline = base::integer_at(*spec, {"activeDeadlineSeconds"});
  if (deadline && *deadline < 1)
    return wrong("spec.activeDeadlineSeconds " + std::to_string(*deadline) +
                 " is not a time: at least 1");
  for (const char* kind : {"initContainers", "containers"})
    for (const Json& container : array_at(*spec, kind))
      RETURN_IF_ERROR(check_container(container, named("container", container),
                                      std::string_view(kind) == "initContainers"));
  for (const Json& volume : array_at(*spec, "volumes"))
    RETURN_IF_ERROR(check_volume(volume, named("volume", volume)));
  return {};
}

std::vector<std::string> ignored_features(const Json& pod) {
  std::vector<std::string> ignored;
  const auto add = [&ignored](std::string what) {
    if (std::find(ignored.begin(), ignored.end(), what) == ignored.end())
      ignored.push_back(std::move(what));
  };
  const Json* spec = base::find(pod, {"spec"});
  if (spec == nullptr) return ignored;
  for (const char* kind : {"initContainers", "containers"}) {
    for (const Json& container : array_at(*spec, kind)) {
      const std::string image = base::string_at(container, {"image"});
      if (!image.empty()) add("image " + image);
      if (is_given(container, "securityContext")) add("securityContext");
    }
  }
  for (const char* field : kPodIgnored)
    if (is_given(*spec, field)) add(field);
  return ignored;
}

}  // namespace runner::node
