#include "runner/submission/checks.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "config/pod_shape.h"

namespace runner::submission {
namespace {

using nlohmann::json;
using Problem = std::optional<std::string>;

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Characters between two that are letters or digits.
bool is_part(std::string_view text, std::string_view inner) {
  if (text.empty() || !is_letter_or_digit(text.front()) || !is_letter_or_digit(text.back()))
    return false;
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return is_letter_or_digit(c) || inner.find(c) != std::string_view::npos;
  });
}

bool has_upper(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_dns_label(std::string_view text) {
  return text.size() <= 63 && !has_upper(text) && is_part(text, "-");
}

bool is_dns_subdomain(std::string_view text) {
  if (text.size() > 253 || has_upper(text)) return false;
  while (true) {
    const size_t dot = text.find('.');
    if (!is_part(text.substr(0, dot), "-")) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

// Walks what people wrote and keeps the first problem.
class Checks {
 public:
  base::Status result() const {
    if (!problem_) return {};
    return base::failure(base::Code::InvalidArgument, *problem_);
  }
  void complain(const std::string& path, const std::string& what) {
    if (!problem_) problem_ = path + " " + what;
  }

  // `rule` says what is wrong with a text, if anything.
  void text(const json* value, const std::string& path,
            const std::function<Problem(const std::string&)>& rule) {
    if (value == nullptr || !value->is_string()) return;
    const auto& written = value->get_ref<const std::string&>();
    if (const Problem wrong = rule(written))
      complain(path, "must not be \"" + written + "\": " + *wrong);
  }

 private:
  std::optional<std::string> problem_;
};

Problem object_name_problem(const std::string& name) {
  if (is_dns_subdomain(name)) return std::nullopt;
  return "a name has at most 253 lower-case letters, digits, '-' and '.', and begins and ends with "
         "a letter or digit";
}

// "" says nothing, as templates leave it where no value is set.
Problem optional_name_problem(const std::string& name) {
  return name.empty() ? std::nullopt : object_name_problem(name);
}

Problem volume_name_problem(const std::string& name) {
  if (is_dns_label(name)) return std::nullopt;
  return "a name here has at most 63 lower-case letters, digits and '-', and begins and ends with "
         "a "
         "letter or digit";
}

Problem label_value_problem(const std::string& value) {
  if (value.find("{{") != std::string::npos)
    return "a variable without a value here cannot stand in a label";
  if (value.empty() || (value.size() <= 63 && is_part(value, "-_."))) return std::nullopt;
  return "a label has at most 63 letters, digits, '-', '_' and '.', and begins and ends with a "
         "letter or digit";
}

Problem qualified_name_problem(const std::string& key) {
  const size_t slash = key.find('/');
  const bool prefix = slash == std::string::npos || is_dns_subdomain(key.substr(0, slash));
  const std::string name = slash == std::string::npos ? key : key.substr(slash + 1);
  if (prefix && name.size() <= 63 && is_part(name, "-_.")) return std::nullopt;
  return "a key is a name of at most 63 letters, digits, '-', '_' and '.', after a domain and '/' "
         "or "
         "alone";
}

// What POSIX forbids, and what the API refuses besides.
Problem variable_problem(const std::string& name) {
  if (name.empty()) return "a variable needs a name";
  if (name.find('=') != std::string::npos) return "the name of a variable has no '='";
  const bool printable =
      std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~'; });
  if (!printable) return "the name of a variable has only printable ASCII characters";
  return std::nullopt;
}

Problem mount_path_problem(const std::string& path) {
  if (path.find(':') != std::string::npos) return "a mount path has no ':'";
  const bool root = path.starts_with('/') && path.find_first_not_of("/.") == std::string::npos &&
                    path.find("..") == std::string::npos;
  if (root) return "a volume there would hide every file of the image; mount it in a folder";
  if ((path + "/").find("/../") != std::string::npos || path.starts_with("../"))
    return "a mount path has no '..'";
  return std::nullopt;
}

const json* at(const json& object, std::string_view name) {
  return base::find(object, {name});
}

// Calls `each(element, path)` for a list.
template <class Each>
void for_list(const json& owner, const std::string& name, const std::string& path, Each each) {
  const json* list = at(owner, name);
  if (list == nullptr || !list->is_array()) return;
  for (size_t i = 0; i < list->size(); ++i)
    each((*list)[i], path + "." + name + "[" + std::to_string(i) + "]");
}

template <class Each>
void for_map(const json& owner, const std::string& name, const std::string& path, Each each) {
  const json* map = at(owner, name);
  if (map == nullptr || !map->is_object()) return;
  for (const auto& [key, value] : map->items())
    each(key, value, path + "." + name + "." + key);
}

// A C string ends there: a program would be given less than people wrote.
void no_nul(Checks& checks, const json& value, const std::string& path) {
  const auto has_nul = [](const std::string& text) { return text.find('\0') != std::string::npos; };
  if (value.is_string() && has_nul(value.get_ref<const std::string&>())) {
    checks.complain(path, "has a NUL character, which no program can be given");
  } else if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i)
      no_nul(checks, value[i], path + "[" + std::to_string(i) + "]");
  } else if (value.is_object()) {
    for (const auto& [key, member] : value.items()) {
      if (has_nul(key)) checks.complain(path, "has a key with a NUL character");
      no_nul(checks, member, path + "." + key);
    }
  }
}

void check_labels(Checks& checks, const json& owner, const std::string& name,
                  const std::string& path) {
  for_map(owner, name, path, [&](const std::string& key, const json& value, const std::string& at) {
    if (const Problem wrong = qualified_name_problem(key))
      checks.complain(path + "." + name, "must not have the key \"" + key + "\": " + *wrong);
    checks.text(&value, at, label_value_problem);
  });
}

void check_annotations(Checks& checks, const json& owner, const std::string& name,
                       const std::string& path) {
  for_map(owner, name, path, [&](const std::string& key, const json&, const std::string&) {
    if (const Problem wrong = qualified_name_problem(key))
      checks.complain(path + "." + name, "must not have the key \"" + key + "\": " + *wrong);
  });
}

bool has_value(const json& owner, std::string_view name) {
  const json* value = at(owner, name);
  return value != nullptr && !value->is_null();
}

// "configMap and emptyDir" of a volume.
std::string sources_of(const json& volume) {
  std::string names;
  if (!volume.is_object()) return names;
  for (const auto& [name, source] : volume.items())
    if (name != "name" && !source.is_null()) names += (names.empty() ? "" : " and ") + name;
  return names;
}

// Of a role or of a container: both have these.
void check_container_parts(Checks& checks, const json& owner, const std::string& path) {
  for_list(owner, "env", path, [&](const json& one, const std::string& where) {
    checks.text(at(one, "name"), where + ".name", variable_problem);
    if (has_value(one, "valueFrom") && !base::string_at(one, {"value"}).empty())
      checks.complain(where, "must not have both a value and valueFrom");
    for (const char* source : {"secretKeyRef", "configMapKeyRef"})
      checks.text(base::find(one, {"valueFrom", source, "name"}),
                  where + ".valueFrom." + source + ".name", object_name_problem);
  });
  for_list(owner, "envFrom", path, [&](const json& one, const std::string& where) {
    if (has_value(one, "secretRef") && has_value(one, "configMapRef"))
      checks.complain(where, "must not have both a configMapRef and a secretRef");
    for (const char* source : {"secretRef", "configMapRef"})
      checks.text(base::find(one, {source, "name"}), where + "." + source + ".name",
                  object_name_problem);
  });
  for_list(owner, "volumeMounts", path, [&](const json& one, const std::string& where) {
    checks.text(at(one, "name"), where + ".name", volume_name_problem);
    checks.text(at(one, "mountPath"), where + ".mountPath", mount_path_problem);
  });
}

// Beside Spark's container; that has its name in a template alone.
Problem neighbour_problem(const std::string& name) {
  if (name == config::kDriverContainer || name == config::kExecutorContainer)
    return "Spark's own container has that name";
  return volume_name_problem(name);
}

void check_containers(Checks& checks, const json& owner, const std::string& name,
                      const std::string& path) {
  const auto rule = name == "containers" ? volume_name_problem : neighbour_problem;
  for_list(owner, name, path, [&](const json& one, const std::string& where) {
    checks.text(at(one, "name"), where + ".name", rule);
    check_container_parts(checks, one, where);
  });
}

void check_volumes(Checks& checks, const json& owner, const std::string& path) {
  constexpr std::array kSources = {std::pair{"configMap", "name"},
                                   std::pair{"secret", "secretName"},
                                   std::pair{"persistentVolumeClaim", "claimName"}};
  for_list(owner, "volumes", path, [&](const json& one, const std::string& where) {
    checks.text(at(one, "name"), where + ".name", volume_name_problem);
    if (const std::string sources = sources_of(one); sources.find(" and ") != std::string::npos)
      checks.complain(where, "must have one source, not " + sources);
    for (const auto& [source, name] : kSources)
      checks.text(base::find(one, {source, name}), where + "." + source + "." + name,
                  object_name_problem);
  });
}

void check_role(Checks& checks, const json& role, const std::string& path) {
  for (const char* name : {"podName", "serviceAccount", "priorityClassName"})
    checks.text(at(role, name), path + "." + name, optional_name_problem);
  check_container_parts(checks, role, path);
  check_containers(checks, role, "initContainers", path);
  check_containers(checks, role, "sidecars", path);
  for_map(role, "envVars", path, [&](const std::string& key, const json&, const std::string&) {
    if (const Problem wrong = variable_problem(key))
      checks.complain(path + ".envVars", "must not have \"" + key + "\": " + *wrong);
  });
  for_map(role, "envSecretKeyRefs", path,
          [&](const std::string& key, const json& reference, const std::string& where) {
            if (const Problem wrong = variable_problem(key))
              checks.complain(path + ".envSecretKeyRefs",
                              "must not have \"" + key + "\": " + *wrong);
            checks.text(at(reference, "name"), where + ".name", object_name_problem);
          });
  for (const char* list : {"configMaps", "secrets"}) {
    for_list(role, list, path, [&](const json& one, const std::string& where) {
      checks.text(at(one, "name"), where + ".name", object_name_problem);
      checks.text(at(one, "path"), where + ".path", mount_path_problem);
    });
  }
  check_labels(checks, role, "labels", path);
  check_labels(checks, role, "serviceLabels", path);
  check_annotations(checks, role, "annotations", path);
  check_annotations(checks, role, "serviceAnnotations", path);
  if (const json* spec = base::find(role, {"template", "spec"}); spec != nullptr) {
    const std::string where = path + ".template.spec";
    check_containers(checks, *spec, "containers", where);
    check_containers(checks, *spec, "initContainers", where);
    check_volumes(checks, *spec, where);
  }
}

void check_spark_conf(Checks& checks, const json& spec) {
  constexpr std::array<std::string_view, 2> kVariables = {"spark.kubernetes.driverEnv.",
                                                          "spark.executorEnv."};
  for_map(spec, "sparkConf", "spec",
          [&](const std::string& key, const json& value, const std::string& where) {
            for (const std::string_view prefix : kVariables) {
              if (!key.starts_with(prefix)) continue;
              if (const Problem wrong = variable_problem(key.substr(prefix.size())))
                checks.complain("spec.sparkConf", "must not have \"" + key + "\": " + *wrong);
            }
            if (key == "spark.kubernetes.driver.pod.name")
              checks.text(&value, where, object_name_problem);
          });
}

// What follows compares elements of these with each other, and ten thousands of them fit an object.
void check_lengths(Checks& checks, const json& value, const std::string& path) {
  constexpr size_t kMost = 1000;
  constexpr std::array<std::string_view, 8> kLists = {"containers",     "configMaps", "env",
                                                      "initContainers", "secrets",    "sidecars",
                                                      "volumeMounts",   "volumes"};
  if (!value.is_structured()) return;
  size_t index = 0;
  for (const auto& [name, member] : value.items()) {
    const std::string where =
        value.is_array() ? path + "[" + std::to_string(index++) + "]" : path + "." + name;
    if (member.is_array() && member.size() > kMost &&
        std::find(kLists.begin(), kLists.end(), name) != kLists.end())
      return checks.complain(where, "has " + std::to_string(member.size()) + " elements: at most " +
                                        std::to_string(kMost) + " are allowed");
    check_lengths(checks, member, where);
  }
}

}  // namespace

bool is_object_name(std::string_view name) {
  return is_dns_subdomain(name);
}

base::Status check_values(const json& application) {
  Checks checks;
  const json* spec = at(application, "spec");
  if (spec == nullptr || !spec->is_object()) return {};
  check_lengths(checks, *spec, "spec");
  RETURN_IF_ERROR(checks.result());
  RETURN_IF_ERROR(config::check_pod_shape(application));
  no_nul(checks, *spec, "spec");
  for (const char* name : {"sparkConfigMap", "hadoopConfigMap"})
    checks.text(at(*spec, name), std::string("spec.") + name, optional_name_problem);
  for_list(*spec, "imagePullSecrets", "spec", [&](const json& one, const std::string& where) {
    checks.text(&one, where, optional_name_problem);
  });
  check_volumes(checks, *spec, "spec");
  check_spark_conf(checks, *spec);
  for (const char* role : {"driver", "executor"}) {
    if (const json* written = at(*spec, role); written != nullptr)
      check_role(checks, *written, std::string("spec.") + role);
  }
  return checks.result();
}

}  // namespace runner::submission
