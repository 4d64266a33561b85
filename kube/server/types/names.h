#pragma once

// The rules for names, labels and annotations, with the texts of Kubernetes (package validation of
// apimachinery), which people search for.
//
// Threads: pure functions.

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/server/machinery/invalid_field.h"

namespace kube::server::types {

enum class NameRule {
  Subdomain,     // RFC 1123 subdomain, at most 253 characters: most kinds
  Label,         // RFC 1123 label, at most 63: namespaces
  Dns1035Label,  // at most 63, begins with a letter: services
  PathSegment,   // anything that can stand in a path
};

// What is wrong with a name; empty when it is right. A prefix (generateName) may end in '-'.
std::vector<std::string> check_name(std::string_view name, NameRule rule);
std::vector<std::string> check_name_prefix(std::string_view prefix, NameRule rule);
// Of label and annotation keys: "example.com/name".
std::vector<std::string> check_qualified_name(std::string_view name);
std::vector<std::string> check_label_value(std::string_view value);

// Everything in metadata that a client may write: name, namespace, labels, annotations, finalizers,
// ownerReferences.
std::vector<machinery::FieldError> check_metadata(const nlohmann::json& metadata, NameRule rule,
                                                  bool namespaced);

}  // namespace kube::server::types
