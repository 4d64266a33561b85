#include "kube/server/types/pod_rules.h"

#include <cstdint>
#include <limits>
#include <set>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/quantity.h"
#include "kube/server/types/container_rules.h"

namespace kube::server::types {
namespace {

using machinery::FieldError;
using nlohmann::json;

constexpr const char* kImmutableSpec =
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions "
    "to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it "
    "was previously negative)";

constexpr int64_t kMaxDeadline = std::numeric_limits<int32_t>::max();

void set_default(json& object, const char* member, json value) {
  const auto found = object.find(member);
  if (found == object.end() || found->is_null()) object[member] = std::move(value);
}

json* array_member(json& object, const char* member) {
  const auto found = object.find(member);
  return found != object.end() && found->is_array() ? &*found : nullptr;
}

// A tag "latest", or none, is looked up each time.
const char* pull_policy(const std::string& image) {
  if (image.find('@') != std::string::npos) return "IfNotPresent";
  const size_t colon = image.rfind(':');
  const size_t slash = image.rfind('/');
  const bool tagged = colon != std::string::npos && (slash == std::string::npos || colon > slash);
  return !tagged || image.substr(colon + 1) == "latest" ? "Always" : "IfNotPresent";
}

void complete_container(json& container) {
  if (!container.is_object()) return;
  set_default(container, "terminationMessagePath", "/dev/termination-log");
  set_default(container, "terminationMessagePolicy", "File");
  set_default(container, "imagePullPolicy", pull_policy(base::string_at(container, {"image"})));
  set_default(container, "resources", json::object());
  request_what_is_limited(container);
  if (json* ports = array_member(container, "ports")) {
    for (json& port : *ports) {
      if (port.is_object()) set_default(port, "protocol", "TCP");
    }
  }
  json* env = array_member(container, "env");
  if (!env) return;
  for (json& variable : *env) {
    if (base::find(variable, {"valueFrom", "fieldRef"})) {
      json& reference = variable["valueFrom"]["fieldRef"];
      if (reference.is_object()) set_default(reference, "apiVersion", "v1");
    }
  }
}

void complete_volume(json& volume) {
  if (!volume.is_object()) return;
  for (const char* source : {"configMap", "secret", "projected", "downwardAPI"}) {
    const auto found = volume.find(source);
    if (found != volume.end() && found->is_object()) set_default(*found, "defaultMode", 0644);
  }
}

void complete(json& pod) {
  json& spec = pod["spec"];
  if (spec.is_null()) spec = json::object();
  if (!spec.is_object()) return;
  set_default(spec, "restartPolicy", "Always");
  set_default(spec, "terminationGracePeriodSeconds", 30);
  set_default(spec, "dnsPolicy", "ClusterFirst");
  set_default(spec, "schedulerName", "default-scheduler");
  set_default(spec, "enableServiceLinks", true);
  set_default(spec, "securityContext", json::object());
  // The admission of a real cluster: every pod runs as some account.
  const std::string old_name = base::string_at(spec, {"serviceAccount"});
  set_default(spec, "serviceAccountName", old_name.empty() ? "default" : old_name);
  spec["serviceAccount"] = spec["serviceAccountName"];
  for (const char* list : {"containers", "initContainers"}) {
    if (json* containers = array_member(spec, list)) {
      for (json& container : *containers)
        complete_container(container);
    }
  }
  if (json* volumes = array_member(spec, "volumes")) {
    for (json& volume : *volumes)
      complete_volume(volume);
  }
}

void on_create(json& pod) {
  pod["status"] = {{"phase", "Pending"}, {"qosClass", quality_of_service(pod)}};
}

std::set<std::string> volume_names(const json& spec, std::vector<FieldError>& errors) {
  std::set<std::string> names;
  const json* volumes = base::find(spec, {"volumes"});
  if (!volumes || !volumes->is_array()) return names;
  for (size_t i = 0; i < volumes->size(); ++i) {
    const std::string path = "spec.volumes[" + std::to_string(i) + "].name";
    const std::string name = base::string_at((*volumes)[i], {"name"});
    if (name.empty()) {
      errors.push_back(FieldError::required(path));
      continue;
    }
    for (std::string& problem : check_name(name, NameRule::Label)) {
      errors.push_back(FieldError::invalid(path, name, std::move(problem)));
    }
    if (!names.insert(name).second) errors.push_back(FieldError::duplicate(path, name));
  }
  return names;
}

void check_mounts(const json& container, const std::string& path,
                  const std::set<std::string>& volumes, bool is_new,
                  std::vector<FieldError>& errors) {
  const json* mounts = base::find(container, {"volumeMounts"});
  if (!mounts || !mounts->is_array()) return;
  std::set<std::string> places;
  for (size_t i = 0; i < mounts->size(); ++i) {
    const std::string here = path + ".volumeMounts[" + std::to_string(i) + "]";
    const std::string name = base::string_at((*mounts)[i], {"name"});
    const std::string place = base::string_at((*mounts)[i], {"mountPath"});
    if (name.empty()) {
      errors.push_back(FieldError::required(here + ".name"));
    } else if (!volumes.contains(name)) {
      errors.push_back(FieldError::not_found(here + ".name", name));
    }
    if (place.empty()) {
      errors.push_back(FieldError::required(here + ".mountPath"));
    } else if (!places.insert(place).second) {
      errors.push_back(FieldError::invalid(here + ".mountPath", place, "must be unique"));
    }
    if (is_new) check_mount_path(place, here + ".mountPath", errors);
  }
}

void check_containers(const json& containers, const std::string& list,
                      const std::set<std::string>& volumes, std::set<std::string>& names,
                      bool is_new, std::vector<FieldError>& errors) {
  for (size_t i = 0; i < containers.size(); ++i) {
    const std::string path = list + "[" + std::to_string(i) + "]";
    const std::string name = base::string_at(containers[i], {"name"});
    if (name.empty()) {
      errors.push_back(FieldError::required(path + ".name"));
    } else {
      for (std::string& problem : check_name(name, NameRule::Label)) {
        errors.push_back(FieldError::invalid(path + ".name", name, std::move(problem)));
      }
      if (!names.insert(name).second) errors.push_back(FieldError::duplicate(path + ".name", name));
    }
    if (base::string_at(containers[i], {"image"}).empty()) {
      errors.push_back(FieldError::required(path + ".image"));
    }
    check_mounts(containers[i], path, volumes, is_new, errors);
    if (is_new) {
      check_environment(containers[i], path, errors);
      check_ports(containers[i], path, errors);
      check_resources(containers[i], path, errors);
    }
  }
}

void check(const json& pod, std::vector<FieldError>& errors) {
  const json* spec = base::find(pod, {"spec"});
  if (!spec || !spec->is_object()) return;
  // Of a pod that is there already the spec cannot change, and its status must be writable, also
  // when it was stored before a rule came.
  const bool is_new = base::find(pod, {"status", "phase"}) == nullptr;
  const std::set<std::string> volumes = volume_names(*spec, errors);
  std::set<std::string> names;
  const json* containers = base::find(*spec, {"containers"});
  if (!containers || !containers->is_array() || containers->empty()) {
    errors.push_back(FieldError::required("spec.containers"));
  } else {
    check_containers(*containers, "spec.containers", volumes, names, is_new, errors);
  }
  if (const json* init = base::find(*spec, {"initContainers"}); init && init->is_array()) {
    check_containers(*init, "spec.initContainers", volumes, names, is_new, errors);
  }
  if (const auto deadline = base::integer_at(*spec, {"activeDeadlineSeconds"});
      is_new && deadline && (*deadline < 1 || *deadline > kMaxDeadline)) {
    errors.push_back(FieldError::invalid("spec.activeDeadlineSeconds", *deadline,
                                         "must be between 1 and 2147483647, inclusive"));
  }
  if (is_new) check_no_zero_bytes(*spec, "spec", errors);
  const std::string policy = base::string_at(*spec, {"restartPolicy"});
  if (policy != "Always" && policy != "OnFailure" && policy != "Never") {
    errors.push_back(
        FieldError::not_supported("spec.restartPolicy", policy, {"Always", "OnFailure", "Never"}));
  }
}

// The spec without what may change.
json fixed_part(json spec) {
  for (const char* member :
       {"activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds"}) {
    spec.erase(member);
  }
  for (const char* list : {"containers", "initContainers"}) {
    if (json* containers = array_member(spec, list)) {
      for (json& container : *containers) {
        if (container.is_object()) container.erase("image");
      }
    }
  }
  return spec;
}

void check_update(const json& updated, const json& live, std::vector<FieldError>& errors) {
  const json none = json::object();
  const json* now = base::find(updated, {"spec"});
  const json* before = base::find(live, {"spec"});
  if (fixed_part(now ? *now : none) != fixed_part(before ? *before : none)) {
    errors.push_back(FieldError::forbidden("spec", kImmutableSpec));
  }
}

bool is_same_amount(const json& a, const json& b) {
  const auto left = base::Quantity::of(a);
  const auto right = base::Quantity::of(b);
  return left && right && left->compare(*right) == 0;
}

}  // namespace

std::string quality_of_service(const json& pod) {
  bool any = false;
  bool guaranteed = true;
  for (const char* list : {"containers", "initContainers"}) {
    const json* containers = base::find(pod, {"spec", list});
    if (!containers || !containers->is_array()) continue;
    for (const json& container : *containers) {
      for (const char* resource : {"cpu", "memory"}) {
        const json* limit = base::find(container, {"resources", "limits", resource});
        const json* request = base::find(container, {"resources", "requests", resource});
        any = any || limit || request;
        guaranteed = guaranteed && limit && request && is_same_amount(*request, *limit);
      }
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

Rules pod_rules() {
  return {.status_subresource = true,
          .graceful_deletion = true,
          .returns_deleted_object = true,
          .complete = complete,
          .on_create = on_create,
          .check = check,
          .check_update = check_update};
}

}  // namespace kube::server::types
