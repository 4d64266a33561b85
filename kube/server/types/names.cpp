#include "kube/server/types/names.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace kube::server::types {
namespace {

using machinery::FieldError;
using nlohmann::json;

constexpr size_t kMaxSubdomain = 253;
constexpr size_t kMaxLabel = 63;
constexpr size_t kMaxAnnotations = size_t{256} << 10;  // bytes, keys and values together

constexpr const char* kSubdomainText =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr const char* kLabelText =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr const char* kDns1035Text =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an "
    "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
    "regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
constexpr const char* kQualifiedNamePart =
    " must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation "
    "is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr const char* kLabelValueText =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "
    "'12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower_or_digit(char c) {
  return is_lower(c) || is_digit(c);
}
bool is_alphanumeric(char c) {
  return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

std::string too_long(size_t limit) {
  return "must be no more than " + std::to_string(limit) + " characters";
}

bool is_label(std::string_view text) {
  return !text.empty() && is_lower_or_digit(text.front()) && is_lower_or_digit(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

bool is_subdomain(std::string_view text) {
  while (true) {
    const size_t dot = text.find('.');
    if (!is_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_name_part(std::string_view text) {
  return !text.empty() && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '-' || c == '_' || c == '.'; });
}

std::vector<std::string> check_path_segment(std::string_view name) {
  if (name == "." || name == "..") return {"may not be '" + std::string(name) + "'"};
  std::vector<std::string> problems;
  for (const char c : {'/', '%'}) {
    if (name.find(c) != std::string_view::npos)
      problems.push_back(std::string("may not contain '") + c + "'");
  }
  return problems;
}

std::string quoted_prefix(std::string_view part, std::string_view text) {
  return std::string(part) + std::string(text);
}

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

std::vector<std::string> check_name(std::string_view name, NameRule rule) {
  std::vector<std::string> problems;
  switch (rule) {
    case NameRule::Subdomain:
      if (name.size() > kMaxSubdomain) problems.push_back(too_long(kMaxSubdomain));
      if (!is_subdomain(name)) problems.emplace_back(kSubdomainText);
      break;
    case NameRule::Label:
      if (name.size() > kMaxLabel) problems.push_back(too_long(kMaxLabel));
      if (!is_label(name)) problems.emplace_back(kLabelText);
      break;
    case NameRule::Dns1035Label:
      if (name.size() > kMaxLabel) problems.push_back(too_long(kMaxLabel));
      if (!is_label(name) || !is_lower(name.front())) problems.emplace_back(kDns1035Text);
      break;
    case NameRule::PathSegment:
      return check_path_segment(name);
  }
  return problems;
}

std::vector<std::string> check_name_prefix(std::string_view prefix, NameRule rule) {
  std::string name(prefix);
  // What is generated ends in letters and digits, so the prefix itself may end in a dash.
  if (name.size() > 1 && name.back() == '-') name.back() = 'a';
  return check_name(name, rule);
}

std::vector<std::string> check_qualified_name(std::string_view name) {
  std::vector<std::string> problems;
  const size_t slash = name.find('/');
  std::string_view part = name;
  if (slash != std::string_view::npos) {
    part = name.substr(slash + 1);
    if (part.find('/') != std::string_view::npos) {
      return {std::string("a qualified name") + kQualifiedNamePart +
              " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"};
    }
    const std::string_view prefix = name.substr(0, slash);
    if (prefix.empty()) {
      problems.emplace_back("prefix part must be non-empty");
    } else {
      for (const std::string& problem : check_name(prefix, NameRule::Subdomain)) {
        problems.push_back(quoted_prefix("prefix part ", problem));
      }
    }
  }
  if (part.empty()) {
    problems.emplace_back("name part must be non-empty");
  } else if (part.size() > kMaxLabel) {
    problems.push_back(quoted_prefix("name part ", too_long(kMaxLabel)));
  }
  if (!is_name_part(part)) problems.push_back(std::string("name part") + kQualifiedNamePart);
  return problems;
}

std::vector<std::string> check_label_value(std::string_view value) {
  std::vector<std::string> problems;
  if (value.size() > kMaxLabel) problems.push_back(too_long(kMaxLabel));
  if (!value.empty() && !is_name_part(value)) problems.emplace_back(kLabelValueText);
  return problems;
}

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

}  // namespace kube::server::types
