#include "kube/server/types/core_rules.h"

#include <algorithm>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/json.h"
#include "base/quantity.h"

namespace kube::server::types {
namespace {

using machinery::FieldError;
using nlohmann::json;

constexpr size_t kMaxData = size_t{1} << 20;  // bytes in one ConfigMap or Secret

constexpr size_t kMaxKey = 253;

constexpr const char* kConfigKeyText =
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name', "
    " "
    "or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

void set_default(json& object, const char* member, json value) {
  const auto found = object.find(member);
  if (found == object.end() || found->is_null()) object[member] = std::move(value);
}

json& object_member(json& object, const char* member) {
  json& value = object[member];
  if (value.is_null()) value = json::object();
  return value;
}

const json& member_or_null(const json& object, const char* member) {
  static const json nothing;
  const auto found = object.find(member);
  return found == object.end() ? nothing : *found;
}

// With its padding: Go's decoder, which reads Secrets in other clients, takes nothing else.
bool is_padded_base64(const std::string& text) {
  const auto digits =
      std::count_if(text.begin(), text.end(), [](char c) { return c != '\n' && c != '\r'; });
  return digits % 4 == 0 && base::decode_base64(text);
}

bool is_config_key(const std::string& key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
}

// Keys become files; these would be folders, or look like the kubelet's own.
const char* folder_problem(const std::string& key) {
  if (key == ".") return "must not be '.'";
  if (key == "..") return "must not be '..'";
  return key.starts_with("..") ? "must not start with '..'" : nullptr;
}

void check_data(const json& object, std::initializer_list<const char*> members,
                std::vector<FieldError>& errors) {
  size_t bytes = 0;
  for (const char* member : members) {
    const json& data = member_or_null(object, member);
    if (!data.is_object()) continue;
    for (const auto& [key, value] : data.items()) {
      if (!is_config_key(key)) {
        errors.push_back(
            FieldError::invalid(std::string(member) + "[" + key + "]", key, kConfigKeyText));
      }
      if (const char* problem = folder_problem(key)) {
        errors.push_back(FieldError::invalid(std::string(member) + "[" + key + "]", key, problem));
      }
      if (key.size() > kMaxKey) {
        errors.push_back(FieldError::invalid(std::string(member) + "[" + key + "]", key,
                                             "must be no more than 253 characters"));
      }
      if (value.is_string()) bytes += value.get_ref<const std::string&>().size();
    }
  }
  if (bytes > kMaxData) errors.push_back(FieldError::too_long("", kMaxData));
}

void check_immutable_data(const json& updated, const json& live,
                          std::initializer_list<const char*> members,
                          std::vector<FieldError>& errors) {
  if (base::bool_at(live, {"immutable"}) != true) return;
  if (base::bool_at(updated, {"immutable"}) != true) {
    errors.push_back(
        FieldError::forbidden("immutable", "field is immutable when `immutable` is set"));
  }
  for (const char* member : members) {
    if (member_or_null(updated, member) != member_or_null(live, member)) {
      errors.push_back(FieldError::forbidden(member, "field is immutable when `immutable` is set"));
    }
  }
}

void complete_namespace(json& object) {
  json& metadata = object_member(object, "metadata");
  const std::string name = base::string_at(metadata, {"name"});
  json& labels = object_member(metadata, "labels");
  if (labels.is_object() && !name.empty()) labels["kubernetes.io/metadata.name"] = name;
}

void create_namespace(json& object) {
  object["spec"] = {{"finalizers", json::array({"kubernetes"})}};
  object["status"] = {{"phase", "Active"}};
}

void update_namespace(json& updated, const json& live) {
  updated["spec"] = member_or_null(live, "spec");  // only the server finalizes a namespace
}

void complete_service(json& object) {
  json& spec = object_member(object, "spec");
  if (!spec.is_object()) return;
  set_default(spec, "type", "ClusterIP");
  set_default(spec, "sessionAffinity", "None");
  if (base::string_at(spec, {"type"}) == "ExternalName") return;
  // There is no cluster network: a service is a name, as a headless one is.
  set_default(spec, "clusterIP", "None");
  if (base::string_at(spec, {"clusterIP"}).empty()) spec["clusterIP"] = "None";
  set_default(spec, "clusterIPs", json::array({spec["clusterIP"]}));
  set_default(spec, "ipFamilies", json::array({"IPv4"}));
  set_default(spec, "ipFamilyPolicy", "SingleStack");
  set_default(spec, "internalTrafficPolicy", "Cluster");
  const auto ports = spec.find("ports");
  if (ports == spec.end() || !ports->is_array()) return;
  for (json& port : *ports) {
    if (!port.is_object()) continue;
    set_default(port, "protocol", "TCP");
    if (port.contains("port")) set_default(port, "targetPort", port["port"]);
  }
}

void create_service(json& object) {
  object["status"] = {{"loadBalancer", json::object()}};
}

void check_service(const json& object, std::vector<FieldError>& errors) {
  const json* ports = base::find(object, {"spec", "ports"});
  if (!ports || !ports->is_array()) return;
  for (size_t i = 0; i < ports->size(); ++i) {
    const std::string path = "spec.ports[" + std::to_string(i) + "]";
    const auto port = base::integer_at((*ports)[i], {"port"});
    if (!port) {
      errors.push_back(FieldError::required(path + ".port"));
    } else if (*port < 1 || *port > 65535) {
      errors.push_back(
          FieldError::invalid(path + ".port", *port, "must be between 1 and 65535, inclusive"));
    }
    if (const auto target = base::integer_at((*ports)[i], {"targetPort"});
        target && (*target < 1 || *target > 65535)) {
      errors.push_back(FieldError::invalid(path + ".targetPort", *target,
                                           "must be between 1 and 65535, inclusive"));
    }
    if (ports->size() > 1 && base::string_at((*ports)[i], {"name"}).empty()) {
      errors.push_back(FieldError::required(path + ".name"));
    }
  }
}

void check_config_map(const json& object, std::vector<FieldError>& errors) {
  check_data(object, {"data", "binaryData"}, errors);
}

void check_config_map_update(const json& updated, const json& live,
                             std::vector<FieldError>& errors) {
  check_immutable_data(updated, live, {"data", "binaryData"}, errors);
}

void complete_secret(json& object) {
  set_default(object, "type", "Opaque");
  const auto plain = object.find("stringData");
  if (plain == object.end()) return;
  if (plain->is_object()) {
    json& data = object_member(object, "data");
    for (const auto& [key, value] : plain->items()) {
      if (data.is_object() && value.is_string()) {
        data[key] = base::encode_base64(value.get_ref<const std::string&>());
      }
    }
  }
  object.erase("stringData");
}

void check_secret(const json& object, std::vector<FieldError>& errors) {
  check_data(object, {"data"}, errors);
  const json& data = member_or_null(object, "data");
  if (!data.is_object()) return;
  for (const auto& [key, value] : data.items()) {
    if (value.is_string() && !is_padded_base64(value.get_ref<const std::string&>())) {
      errors.push_back(FieldError::invalid_omitted("data[" + key + "]", "must be base64"));
    }
  }
}

void check_secret_update(const json& updated, const json& live, std::vector<FieldError>& errors) {
  if (member_or_null(updated, "type") != member_or_null(live, "type")) {
    errors.push_back(
        FieldError::invalid("type", member_or_null(updated, "type"), "field is immutable"));
  }
  check_immutable_data(updated, live, {"data"}, errors);
}

void complete_event(json& object) {
  set_default(object, "type", "Normal");
}

void complete_claim(json& object) {
  json& spec = object_member(object, "spec");
  if (spec.is_object()) set_default(spec, "volumeMode", "Filesystem");
}

void create_claim(json& object) {
  object["status"] = {{"phase", "Pending"}};
}

void check_claim(const json& object, std::vector<FieldError>& errors) {
  const json* modes = base::find(object, {"spec", "accessModes"});
  if (modes == nullptr || !modes->is_array() || modes->empty()) {
    errors.push_back(
        FieldError::required("spec.accessModes", "at least 1 access mode is required"));
  }
  const json* storage = base::find(object, {"spec", "resources", "requests", "storage"});
  if (storage == nullptr) return errors.push_back(FieldError::required("spec.resources[storage]"));
  const auto amount = base::Quantity::of(*storage);
  if (amount && (amount->negative || amount->is_zero())) {
    errors.push_back(FieldError::invalid("spec.resources[storage]", amount->to_string(),
                                         "must be greater than zero"));
  }
}

void check_lease(const json& object, std::vector<FieldError>& errors) {
  for (const char* member : {"leaseDurationSeconds", "leaseTransitions"}) {
    const auto value = base::integer_at(object, {"spec", member});
    const bool duration = std::string_view(member) == "leaseDurationSeconds";
    if (!value || *value > 0 || (*value == 0 && !duration)) continue;
    errors.push_back(FieldError::invalid(
        std::string("spec.") + member, *value,
        duration ? "must be greater than 0" : "must be greater than or equal to 0"));
  }
}

void check_claim_update(const json& updated, const json& live, std::vector<FieldError>& errors) {
  if (member_or_null(updated, "spec") != member_or_null(live, "spec")) {
    errors.push_back(FieldError::forbidden(
        "spec",
        "spec is immutable after creation except resources.requests and volumeAttributesClassName "
        "for bound claims"));
  }
}

}  // namespace

Rules namespace_rules() {
  return {.name = NameRule::Label,
          .status_subresource = true,
          .returns_deleted_object = true,
          .complete = complete_namespace,
          .on_create = create_namespace,
          .on_update = update_namespace};
}

Rules node_rules() {
  return {.status_subresource = true};
}

Rules service_rules() {
  return {.name = NameRule::Dns1035Label,
          .status_subresource = true,
          .returns_deleted_object = true,
          .complete = complete_service,
          .on_create = create_service,
          .check = check_service};
}

Rules config_map_rules() {
  return {.check = check_config_map, .check_update = check_config_map_update};
}

Rules secret_rules() {
  return {.complete = complete_secret, .check = check_secret, .check_update = check_secret_update};
}

Rules event_rules() {
  return {.create_on_update = true, .complete = complete_event};
}

Rules service_account_rules() {
  return {.returns_deleted_object = true};
}

Rules persistent_volume_claim_rules() {
  return {.status_subresource = true,
          .returns_deleted_object = true,
          .complete = complete_claim,
          .on_create = create_claim,
          .check = check_claim,
          .check_update = check_claim_update};
}

Rules lease_rules() {
  return {.create_on_update = true, .check = check_lease};
}

}  // namespace kube::server::types
