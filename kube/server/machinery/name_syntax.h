#pragma once

// The syntax of names, labels and annotations, with the texts of Kubernetes (package validation of
// apimachinery), which people search for. Each function gives what is wrong; empty when it is
// right. Linear time.
//
// Threads: pure functions.

#include <string>
#include <string_view>
#include <vector>

namespace kube::server::machinery {

enum class NameRule {
  Subdomain,     // RFC 1123 subdomain, at most 253 characters: most kinds
  Label,         // RFC 1123 label, at most 63: namespaces
  Dns1035Label,  // at most 63, begins with a letter: services
  PathSegment,   // anything that can stand in a path
};

std::vector<std::string> check_name(std::string_view name, NameRule rule);
// Of generateName: may end in '-'.
std::vector<std::string> check_name_prefix(std::string_view prefix, NameRule rule);
// `app`, `example.com/app`: keys of labels and annotations, names of finalizers.
std::vector<std::string> check_qualified_name(std::string_view name);
std::vector<std::string> check_label_value(std::string_view value);
// The order of API versions: v2, v1, v1beta2, v1beta1, v1alpha1, then anything else by name.
bool is_newer_version(const std::string& a, const std::string& b);

}  // namespace kube::server::machinery
