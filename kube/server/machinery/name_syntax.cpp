#include "kube/server/machinery/name_syntax.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace kube::server::machinery {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxAnnotationBytes = size_t{256} << 10;
constexpr const char* kLabelProblem =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
constexpr const char* kSubdomainProblem =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used "
    "for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
constexpr const char* kNamePartProblem =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end "
    "with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "
    "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
constexpr const char* kQualifiedNameProblem =
    "a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start "
    "and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex "
    "used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS "
    "subdomain prefix and '/' (e.g. 'example.com/MyName')";
constexpr const char* kLabelValueProblem =
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or "
    "'.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  "
    "or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

bool is_lower_alnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}
bool is_alnum(char c) {
  return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

bool is_dns_label(std::string_view text) {
  return !text.empty() && is_lower_alnum(text.front()) && is_lower_alnum(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_lower_alnum(c) || c == '-'; });
}

bool is_name_part(std::string_view text) {
  return !text.empty() && is_alnum(text.front()) && is_alnum(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alnum(c) || c == '-' || c == '_' || c == '.'; });
}

std::string no_more_than(size_t length) {
  return "must be no more than " + std::to_string(length) + " bytes";
}

void check_labels(const Json& labels, std::vector<FieldError>& errors) {
  if (!labels.is_object()) return;
  for (const auto& [key, value] : labels.items()) {
    if (auto problem = qualified_name_problem(key)) {
      errors.push_back(FieldError::invalid("metadata.labels", key, *problem));
    }
    if (!value.is_string()) continue;
    if (auto problem = label_value_problem(value.get_ref<const std::string&>())) {
      errors.push_back(FieldError::invalid("metadata.labels", value, *problem));
    }
  }
}

void check_annotations(const Json& annotations, std::vector<FieldError>& errors) {
  if (!annotations.is_object()) return;
  size_t bytes = 0;
  for (const auto& [key, value] : annotations.items()) {
    std::string lower = key;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (auto problem = qualified_name_problem(lower)) {
      errors.push_back(FieldError::invalid("metadata.annotations", key, *problem));
    }
    bytes += key.size() + (value.is_string() ? value.get_ref<const std::string&>().size() : 0);
  }
  if (bytes > kMaxAnnotationBytes) {
    errors.push_back(FieldError::too_long("metadata.annotations", kMaxAnnotationBytes));
  }
}

void check_owners(const Json& owners, std::vector<FieldError>& errors) {
  if (!owners.is_array()) return;
  bool controlled = false;
  for (size_t i = 0; i < owners.size(); ++i) {
    const std::string at = "metadata.ownerReferences[" + std::to_string(i) + "]";
    if (!owners[i].is_object()) continue;
    for (const char* key : {"apiVersion", "kind", "name", "uid"}) {
      const auto member = owners[i].find(key);
      if (member == owners[i].end() || *member == "") {
        errors.push_back(
            FieldError::invalid(at + "." + key, "", std::string(key) + " must not be empty"));
      }
    }
    if (const auto member = owners[i].find("controller");
        member != owners[i].end() && *member == true) {
      if (controlled) {
        errors.push_back(FieldError::invalid("metadata.ownerReferences", owners,
                                             "Only one reference can have Controller set to true"));
      }
      controlled = true;
    }
  }
}

}  // namespace

std::optional<std::string> dns_label_problem(std::string_view text) {
  if (text.size() > 63) return no_more_than(63);
  if (!is_dns_label(text)) return kLabelProblem;
  return std::nullopt;
}

std::optional<std::string> dns_subdomain_problem(std::string_view text) {
  if (text.size() > 253) return no_more_than(253);
  while (true) {
    const size_t dot = text.find('.');
    if (!is_dns_label(text.substr(0, dot))) return kSubdomainProblem;
    if (dot == std::string_view::npos) return std::nullopt;
    text.remove_prefix(dot + 1);
  }
}

std::optional<std::string> qualified_name_problem(std::string_view text) {
  const size_t slash = text.find('/');
  std::string_view name = text;
  if (slash != std::string_view::npos) {
    const std::string_view prefix = text.substr(0, slash);
    name = text.substr(slash + 1);
    if (name.find('/') != std::string_view::npos) return kQualifiedNameProblem;
    if (prefix.empty()) return "prefix part must be non-empty";
    if (auto problem = dns_subdomain_problem(prefix)) return "prefix part " + *problem;
  }
  if (name.empty()) return "name part must be non-empty";
  if (name.size() > 63) return "name part " + no_more_than(63);
  if (!is_name_part(name)) return kNamePartProblem;
  return std::nullopt;
}

std::optional<std::string> label_value_problem(std::string_view text) {
  if (text.size() > 63) return no_more_than(63);
  if (!text.empty() && !is_name_part(text)) return kLabelValueProblem;
  return std::nullopt;
}

std::vector<FieldError> check_metadata(const Json& object) {
  std::vector<FieldError> errors;
  const auto metadata = object.is_object() ? object.find("metadata") : object.end();
  if (!object.is_object() || metadata == object.end() || !metadata->is_object()) {
    errors.push_back(FieldError::required("metadata.name", "name or generateName is required"));
    return errors;
  }
  const auto name = metadata->find("name");
  if (name == metadata->end() || !name->is_string() || *name == "") {
    errors.push_back(FieldError::required("metadata.name", "name or generateName is required"));
  } else if (auto problem = dns_subdomain_problem(name->get_ref<const std::string&>())) {
    errors.push_back(FieldError::invalid("metadata.name", *name, *problem));
  }
  if (const auto at = metadata->find("labels"); at != metadata->end()) check_labels(*at, errors);
  if (const auto at = metadata->find("annotations"); at != metadata->end()) {
    check_annotations(*at, errors);
  }
  if (const auto at = metadata->find("finalizers"); at != metadata->end() && at->is_array()) {
    for (const Json& finalizer : *at) {
      if (!finalizer.is_string()) continue;
      if (auto problem = qualified_name_problem(finalizer.get_ref<const std::string&>())) {
        errors.push_back(FieldError::invalid("metadata.finalizers", finalizer, *problem));
      }
    }
  }
  if (const auto at = metadata->find("ownerReferences"); at != metadata->end()) {
    check_owners(*at, errors);
  }
  return errors;
}

}  // namespace kube::server::machinery
