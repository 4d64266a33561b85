#include "kube/server/types/scale.h"

#include <cstdint>
#include <limits>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace kube::server::types {
namespace {

using machinery::FieldError;
using machinery::Outcome;
using machinery::refuse;
using nlohmann::json;

constexpr int64_t kMost = std::numeric_limits<int32_t>::max();

std::vector<std::string> steps_of(std::string_view path) {
  std::vector<std::string> steps;
  if (path.starts_with('.')) path.remove_prefix(1);
  while (true) {
    const size_t dot = path.find('.');
    steps.emplace_back(path.substr(0, dot));
    if (dot == std::string_view::npos) return steps;
    path.remove_prefix(dot + 1);
  }
}

// What stands at a path: nothing, a value, or `misplaced`: something on the way is no object.
struct Found {
  const json* value = nullptr;
  const json* misplaced = nullptr;
};

Found find(const json& object, const std::string& path) {
  const json* at = &object;
  for (const std::string& step : steps_of(path)) {
    if (!at->is_object()) return {.misplaced = at};
    const auto member = at->find(step);
    if (member == at->end()) return {};
    at = &*member;
  }
  return {.value = at};
}

std::string wrong_type(const std::string& path, const json& value, const char* expected) {
  return path + " accessor error: " + base::dump_json(value).substr(0, 64) + " is of the type " +
         value.type_name() + ", expected " + expected;
}

void check_number(const std::string& path, const json& object, std::vector<FieldError>& errors) {
  const Found found = find(object, path);
  if (found.misplaced != nullptr) {
    return errors.push_back(
        FieldError::invalid(path, 0, wrong_type(path, *found.misplaced, "an object")));
  }
  if (found.value == nullptr) return;
  if (!found.value->is_number_integer()) {
    return errors.push_back(
        FieldError::invalid(path, 0, wrong_type(path, *found.value, "an integer")));
  }
  const auto number = base::integer_at(*found.value, {}).value_or(kMost + 1);
  if (number < 0)
    errors.push_back(FieldError::invalid(path, *found.value, "should be a non-negative integer"));
  if (number > kMost) {
    errors.push_back(FieldError::invalid(
        path, *found.value, "should be less than or equal to " + std::to_string(kMost)));
  }
}

void check_path(const json& scale, const char* member, std::initializer_list<const char*> roots,
                const std::string& below, const std::string& at, std::vector<FieldError>& errors) {
  const std::string path = base::string_at(scale, {member});
  const std::string field = at + "." + member;
  if (path.empty()) return errors.push_back(FieldError::required(field));
  if (!path.starts_with('.') || path.find_first_of("[]'\"*") != std::string::npos) {
    return errors.push_back(
        FieldError::invalid(field, path, "must be a simple json path starting with ."));
  }
  for (const char* root : roots) {
    if (path.starts_with(root)) return;
  }
  errors.push_back(FieldError::invalid(field, path, "should be a json path under " + below));
}

}  // namespace

const kube::ResourceType& scales() {
  static const kube::ResourceType type{"autoscaling", "v1", "scales", "Scale"};
  return type;
}

std::optional<ScalePaths> scale_paths(const json& version) {
  const json* scale = base::find(version, {"subresources", "scale"});
  if (scale == nullptr || !scale->is_object()) return std::nullopt;
  return ScalePaths{.spec_replicas = base::string_at(*scale, {"specReplicasPath"}),
                    .status_replicas = base::string_at(*scale, {"statusReplicasPath"}),
                    .selector = base::string_at(*scale, {"labelSelectorPath"})};
}

void check_scale_paths(const json& version, const std::string& path,
                       std::vector<FieldError>& errors) {
  const json* scale = base::find(version, {"subresources", "scale"});
  if (scale == nullptr || !scale->is_object()) return;
  const std::string at = path + ".scale";
  check_path(*scale, "specReplicasPath", {".spec."}, ".spec", at, errors);
  check_path(*scale, "statusReplicasPath", {".status."}, ".status", at, errors);
  if (!base::string_at(*scale, {"labelSelectorPath"}).empty()) {
    check_path(*scale, "labelSelectorPath", {".spec.", ".status."}, "either .spec or .status", at,
               errors);
  }
}

void check_scaled(const ScalePaths& paths, const json& object, std::vector<FieldError>& errors) {
  check_number(paths.spec_replicas, object, errors);
  check_number(paths.status_replicas, object, errors);
  if (paths.selector.empty()) return;
  const Found found = find(object, paths.selector);
  if (found.value != nullptr && !found.value->is_string()) {
    errors.push_back(FieldError::invalid(paths.selector, "",
                                         wrong_type(paths.selector, *found.value, "a text")));
  }
}

Outcome<json> scale_of(const ScalePaths& paths, const json& object, Purpose purpose) {
  std::vector<FieldError> errors;
  check_scaled(paths, object, errors);
  if (!errors.empty()) return refuse(machinery::internal_error(errors.front().message()));
  json scale = {{"kind", scales().kind},
                {"apiVersion", scales().api_version()},
                {"metadata", json::object()},
                {"spec", json::object()},
                {"status", {{"replicas", 0}}}};
  for (const char* member : {"name", "namespace", "uid", "resourceVersion", "creationTimestamp"}) {
    if (const json* value = base::find(object, {"metadata", member}))
      scale["metadata"][member] = *value;
  }
  const Found wanted = find(object, paths.spec_replicas);
  if (wanted.value == nullptr && purpose == Purpose::Read) {
    return refuse(machinery::internal_error("the spec replicas field \"" + paths.spec_replicas +
                                            "\" does not exist"));
  }
  // Zero is not written in the spec, as there.
  if (wanted.value != nullptr && (*wanted.value != 0 || purpose == Purpose::Write))
    scale["spec"]["replicas"] = *wanted.value;
  if (const Found actual = find(object, paths.status_replicas); actual.value != nullptr)
    scale["status"]["replicas"] = *actual.value;
  if (paths.selector.empty()) return scale;
  if (const Found selector = find(object, paths.selector);
      selector.value != nullptr && *selector.value != "") {
    scale["status"]["selector"] = *selector.value;
  }
  return scale;
}

Outcome<void> set_scale(const ScalePaths& paths, const json& scale, json& object) {
  const json* replicas = base::find(scale, {"spec", "replicas"});
  json wanted = replicas == nullptr || replicas->is_null() ? json(0) : *replicas;
  if (!wanted.is_number_integer()) {
    return refuse(machinery::invalid(
        scales(), base::string_at(scale, {"metadata", "name"}),
        {FieldError::type_invalid("spec.replicas", wanted, "must be an integer")}));
  }
  json* at = &object;
  for (const std::string& step : steps_of(paths.spec_replicas)) {
    if (!at->is_object()) *at = json::object();
    at = &(*at)[step];
  }
  *at = std::move(wanted);
  const std::string version = base::string_at(scale, {"metadata", "resourceVersion"});
  if (!version.empty()) object["metadata"]["resourceVersion"] = version;
  return {};
}

}  // namespace kube::server::types
