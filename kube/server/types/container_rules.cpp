#include "kube/server/types/container_rules.h"

#include <algorithm>
#include <set>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace kube::server::types {
namespace {

using machinery::FieldError;
using nlohmann::json;

constexpr const char* kEnvironmentNameText =
    "a valid environment variable name must consist only of printable ASCII characters other than "
    "'='";
constexpr const char* kPortRange = "must be between 1 and 65535, inclusive";

const json* list_of(const json& object, const char* member) {
  const json* list = base::find(object, {member});
  return list != nullptr && list->is_array() ? list : nullptr;
}

std::string at(const std::string& path, const char* member, size_t index) {
  return path + "." + member + "[" + std::to_string(index) + "]";
}

bool is_environment_name(const std::string& name) {
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return c >= ' ' && c <= '~' && c != '='; });
}

// An IANA service name: "http", "blockmanager-7".
std::vector<std::string> port_name_problems(const std::string& name) {
  std::vector<std::string> problems;
  if (name.size() > 15) problems.emplace_back("must be no more than 15 characters");
  bool letter = false;
  bool allowed = true;
  for (const char c : name) {
    const bool is_letter = c >= 'a' && c <= 'z';
    letter = letter || is_letter;
    allowed = allowed && (is_letter || (c >= '0' && c <= '9') || c == '-');
  }
  if (!allowed) {
    problems.emplace_back("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!letter) problems.emplace_back("must contain at least one letter (a-z)");
  if (name.find("--") != std::string::npos)
    problems.emplace_back("must not contain consecutive hyphens");
  if (name.front() == '-' || name.back() == '-')
    problems.emplace_back("must not begin or end with a hyphen");
  return problems;
}

}  // namespace

void check_environment(const json& container, const std::string& path,
                       std::vector<FieldError>& errors) {
  const json* variables = list_of(container, "env");
  if (variables == nullptr) return;
  for (size_t i = 0; i < variables->size(); ++i) {
    const std::string here = at(path, "env", i);
    const std::string name = base::string_at((*variables)[i], {"name"});
    if (name.empty()) {
      errors.push_back(FieldError::required(here + ".name"));
    } else if (!is_environment_name(name)) {
      errors.push_back(FieldError::invalid(here + ".name", name, kEnvironmentNameText));
    }
    const json* source = base::find((*variables)[i], {"valueFrom"});
    if (source != nullptr && !source->is_null() &&
        !base::string_at((*variables)[i], {"value"}).empty()) {
      errors.push_back(FieldError::invalid(here + ".valueFrom", "",
                                           "may not be specified when `value` is not empty"));
    }
  }
}

void check_ports(const json& container, const std::string& path, std::vector<FieldError>& errors) {
  const json* ports = list_of(container, "ports");
  if (ports == nullptr) return;
  std::set<std::string> names;
  for (size_t i = 0; i < ports->size(); ++i) {
    const std::string here = at(path, "ports", i);
    const json& port = (*ports)[i];
    const auto number = base::integer_at(port, {"containerPort"});
    if (number.value_or(0) == 0) {
      errors.push_back(FieldError::required(here + ".containerPort"));
    } else if (*number < 1 || *number > 65535) {
      errors.push_back(FieldError::invalid(here + ".containerPort", *number, kPortRange));
    }
    if (const auto host = base::integer_at(port, {"hostPort"}); host.value_or(0) != 0) {
      if (*host < 1 || *host > 65535)
        errors.push_back(FieldError::invalid(here + ".hostPort", *host, kPortRange));
    }
    const std::string name = base::string_at(port, {"name"});
    if (name.empty()) continue;
    for (std::string& problem : port_name_problems(name))
      errors.push_back(FieldError::invalid(here + ".name", name, std::move(problem)));
    if (!names.insert(name).second) errors.push_back(FieldError::duplicate(here + ".name", name));
  }
}

void check_mount_path(const std::string& place, const std::string& path,
                      std::vector<FieldError>& errors) {
  // "/", "//", "/./": nothing but separators and dots for "here".
  bool is_root = place.starts_with('/');
  for (size_t i = 0; i < place.size() && is_root; ++i) {
    const bool lone_dot =
        place[i] == '.' && place[i - 1] == '/' && (i + 1 == place.size() || place[i + 1] == '/');
    is_root = place[i] == '/' || lone_dot;
  }
  if (is_root) {
    errors.push_back(FieldError::invalid(
        path, place, "must not be the root of the file system: choose a folder below it"));
  }
}

void check_no_zero_bytes(const json& value, const std::string& path,
                         std::vector<FieldError>& errors) {
  if (value.is_string()) {
    if (value.get_ref<const std::string&>().find('\0') != std::string::npos)
      errors.push_back(FieldError::invalid_omitted(path, "must not contain a zero byte"));
  } else if (value.is_object()) {
    for (const auto& [name, member] : value.items())
      check_no_zero_bytes(member, path + "." + name, errors);
  } else if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i)
      check_no_zero_bytes(value[i], path + "[" + std::to_string(i) + "]", errors);
  }
}

}  // namespace kube::server::types
