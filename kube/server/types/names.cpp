#include "kube/server/types/names.h"

#include <algorithm>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace kube::server::types {
namespace {

using machinery::FieldError;
using nlohmann::json;

constexpr size_t kMaxAnnotations = size_t{256} << 10;  // bytes, keys and values together

void check_labels(const json& labels, std::vector<FieldError>& errors) {
  for (const auto& [key, value] : labels.items()) {
    for (std::string& problem : check_qualified_name(key)) {
      errors.push_back(FieldError::invalid("metadata.labels", key, std::move(problem)));
    }
    if (!value.is_string()) continue;  // the schema says so
    for (std::string& problem : check_label_value(value.get_ref<const std::string&>())) {
      errors.push_back(FieldError::invalid("metadata.labels", value, std::move(problem)));
    }
  }
}

void check_annotations(const json& annotations, std::vector<FieldError>& errors) {
  size_t bytes = 0;
  for (const auto& [key, value] : annotations.items()) {
    std::string lower = key;
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    for (std::string& problem : check_qualified_name(lower)) {
      errors.push_back(FieldError::invalid("metadata.annotations", key, std::move(problem)));
    }
    bytes += key.size() + (value.is_string() ? value.get_ref<const std::string&>().size() : 0);
  }
  if (bytes > kMaxAnnotations) {
    errors.push_back(FieldError::too_long("metadata.annotations", kMaxAnnotations));
  }
}

void check_owners(const json& owners, std::vector<FieldError>& errors) {
  std::string controller;
  for (size_t i = 0; i < owners.size(); ++i) {
    const std::string path = "metadata.ownerReferences[" + std::to_string(i) + "]";
    for (const char* member : {"apiVersion", "kind", "name", "uid"}) {
      if (base::string_at(owners[i], {member}).empty()) {
        errors.push_back(FieldError::required(path + "." + member, "must not be empty"));
      }
    }
    if (base::bool_at(owners[i], {"controller"}) != true) continue;
    const std::string name =
        base::string_at(owners[i], {"kind"}) + "/" + base::string_at(owners[i], {"name"});
    if (!controller.empty()) {
      errors.push_back(FieldError::invalid_omitted(
          "metadata.ownerReferences",
          "Only one reference can have Controller set to true. Found \"true\" in references for " +
              controller + " and " + name));
    }
    controller = name;
  }
}

void check_finalizers(const json& finalizers, std::vector<FieldError>& errors) {
  for (const json& finalizer : finalizers) {
    if (!finalizer.is_string()) continue;
    for (std::string& problem : check_qualified_name(finalizer.get_ref<const std::string&>())) {
      errors.push_back(FieldError::invalid("metadata.finalizers", finalizer, std::move(problem)));
    }
  }
}

}  // namespace

std::vector<FieldError> check_metadata(const json& metadata, NameRule rule, bool namespaced) {
  std::vector<FieldError> errors;
  const std::string prefix = base::string_at(metadata, {"generateName"});
  if (!prefix.empty()) {
    for (std::string& problem : check_name_prefix(prefix, rule)) {
      errors.push_back(FieldError::invalid("metadata.generateName", prefix, std::move(problem)));
    }
  }
  const std::string name = base::string_at(metadata, {"name"});
  if (name.empty()) {
    errors.push_back(FieldError::required("metadata.name", "name or generateName is required"));
  } else {
    for (std::string& problem : check_name(name, rule)) {
      errors.push_back(FieldError::invalid("metadata.name", name, std::move(problem)));
    }
  }
  if (namespaced) {
    const std::string ns = base::string_at(metadata, {"namespace"});
    for (std::string& problem : check_name(ns, NameRule::Label)) {
      errors.push_back(FieldError::invalid("metadata.namespace", ns, std::move(problem)));
    }
  }
  const auto member = [&](const char* field) { return base::find(metadata, {field}); };
  if (const json* labels = member("labels"); labels && labels->is_object())
    check_labels(*labels, errors);
  if (const json* annotations = member("annotations"); annotations && annotations->is_object()) {
    check_annotations(*annotations, errors);
  }
  if (const json* owners = member("ownerReferences"); owners && owners->is_array()) {
    check_owners(*owners, errors);
  }
  if (const json* finalizers = member("finalizers"); finalizers && finalizers->is_array()) {
    check_finalizers(*finalizers, errors);
  }
  return errors;
}

void check_finalizer_domains(const json& metadata, std::vector<FieldError>& errors) {
  const json* finalizers = base::find(metadata, {"finalizers"});
  if (finalizers == nullptr || !finalizers->is_array()) return;
  for (size_t i = 0; i < finalizers->size(); ++i) {
    const std::string name = base::string_at((*finalizers)[i], {});
    if (name.find('/') != std::string::npos || name == "kubernetes" || name == "orphan" ||
        name == "foregroundDeletion") {
      continue;
    }
    errors.push_back(
        FieldError::invalid("metadata.finalizers[" + std::to_string(i) + "]", name,
                            "name is neither a standard finalizer name nor is it fully qualified"));
  }
}

}  // namespace kube::server::types
