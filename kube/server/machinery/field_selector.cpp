#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/server/machinery/selector.h"

namespace kube::server::machinery {
namespace {

constexpr size_t kMaxSelectorBytes = size_t{64} << 10;

// A comma, an equals sign or a backslash inside a value is escaped with a backslash.
std::vector<std::string_view> split_terms(std::string_view text) {
  std::vector<std::string_view> terms;
  size_t start = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == ',') {
      terms.push_back(text.substr(start, i - start));
      start = i + 1;
    }
  }
  terms.push_back(text.substr(std::min(start, text.size())));
  return terms;
}

std::optional<std::string> unescape(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      if (++i == text.size()) return std::nullopt;
      if (text[i] != '\\' && text[i] != ',' && text[i] != '=') return std::nullopt;
    } else if (text[i] == '=' || text[i] == ',') {
      return std::nullopt;
    }
    result += text[i];
  }
  return result;
}

std::optional<FieldSelector::Requirement> parse_term(std::string_view term) {
  for (size_t i = 0; i < term.size(); ++i) {
    if (term[i] == '\\') {
      ++i;
      continue;
    }
    const bool unequal = term[i] == '!' && i + 1 < term.size() && term[i + 1] == '=';
    if (!unequal && term[i] != '=') continue;
    size_t after = i + (unequal ? 2 : 1);
    if (!unequal && after < term.size() && term[after] == '=') ++after;
    auto value = unescape(term.substr(after));
    if (!value) return std::nullopt;
    return FieldSelector::Requirement{std::string(term.substr(0, i)), !unequal, std::move(*value)};
  }
  return std::nullopt;
}

std::string text_at(const Json& object, std::string_view field) {
  const Json* at = &object;
  while (true) {
    const size_t dot = field.find('.');
    at = base::find(*at, {field.substr(0, dot)});
    if (at == nullptr) return "";
    if (dot == std::string_view::npos) break;
    field.remove_prefix(dot + 1);
  }
  if (at->is_string()) return at->get<std::string>();
  if (at->is_number() || at->is_boolean()) return base::dump_json(*at);
  return "";
}

}  // namespace

Outcome<FieldSelector> FieldSelector::parse(std::string_view text) {
  if (text.size() > kMaxSelectorBytes) return refuse(too_large("the field selector"));
  FieldSelector selector;
  for (const std::string_view term : split_terms(text)) {
    if (term.empty()) continue;
    auto requirement = parse_term(term);
    if (!requirement) {
      return refuse(bad_request("invalid selector: '" + std::string(text) +
                                "'; can't understand '" + std::string(term) + "'"));
    }
    selector.requirements_.push_back(std::move(*requirement));
  }
  return selector;
}

Outcome<void> FieldSelector::check_supported(const std::vector<std::string>& supported,
                                             Kinds kinds) const {
  // The words of a real server for built-in kinds without fields of their own.
  const bool by_name_only = kinds == Kinds::BuiltIn && supported.size() == 2;
  for (const Requirement& one : requirements_) {
    if (std::find(supported.begin(), supported.end(), one.field) == supported.end()) {
      return refuse(bad_request(
          by_name_only ? "\"" + one.field +
                             "\" is not a known field selector: only \"metadata.name\", "
                             "\"metadata.namespace\""
                       : "field label not supported: " + one.field));
    }
  }
  return {};
}

bool FieldSelector::matches(const Json& object) const {
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& one) {
    return (text_at(object, one.field) == one.value) == one.equal;
  });
}

std::optional<std::string> FieldSelector::required_value(std::string_view field) const {
  for (const Requirement& one : requirements_) {
    if (one.equal && one.field == field) return one.value;
  }
  return std::nullopt;
}

const std::vector<std::string>& selectable_fields(const ResourceType& type) {
  static const std::vector<std::string> plain = {"metadata.name", "metadata.namespace"};
  static const std::vector<std::string> pod = {
      "metadata.name",      "metadata.namespace",      "spec.nodeName",    "spec.restartPolicy",
      "spec.schedulerName", "spec.serviceAccountName", "spec.hostNetwork", "status.phase",
      "status.podIP",       "status.nominatedNodeName"};
  static const std::vector<std::string> name_space = {"metadata.name", "metadata.namespace",
                                                      "status.phase"};
  static const std::vector<std::string> node = {"metadata.name", "metadata.namespace",
                                                "spec.unschedulable"};
  static const std::vector<std::string> service = {"metadata.name", "metadata.namespace",
                                                   "spec.clusterIP", "spec.type"};
  static const std::vector<std::string> secret = {"metadata.name", "metadata.namespace", "type"};
  static const std::vector<std::string> event = {"metadata.name",
                                                 "metadata.namespace",
                                                 "involvedObject.kind",
                                                 "involvedObject.namespace",
                                                 "involvedObject.name",
                                                 "involvedObject.uid",
                                                 "involvedObject.apiVersion",
                                                 "involvedObject.resourceVersion",
                                                 "involvedObject.fieldPath",
                                                 "regarding.kind",
                                                 "regarding.namespace",
                                                 "regarding.name",
                                                 "regarding.uid",
                                                 "reason",
                                                 "reportingComponent",
                                                 "reportingController",
                                                 "source",
                                                 "type"};
  if (type.kind == "Event") return event;
  if (!type.group.empty()) return plain;
  if (type.kind == "Pod") return pod;
  if (type.kind == "Namespace") return name_space;
  if (type.kind == "Node") return node;
  if (type.kind == "Service") return service;
  if (type.kind == "Secret") return secret;
  return plain;
}

}  // namespace kube::server::machinery
