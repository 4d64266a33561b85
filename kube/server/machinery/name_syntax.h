#pragma once

// The syntax of names, labels and annotations. Each function gives what is wrong, in the words of
// Kubernetes, or nothing. Linear time. Threads: pure functions.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/server/machinery/invalid_field.h"

namespace kube::server::machinery {

// A DNS label of at most 63 (names of namespaces, services, ports).
std::optional<std::string> dns_label_problem(std::string_view text);
// A DNS subdomain of at most 253 (names of most objects).
std::optional<std::string> dns_subdomain_problem(std::string_view text);
// `app`, `example.com/app`: keys of labels and annotations, names of finalizers.
std::optional<std::string> qualified_name_problem(std::string_view text);
std::optional<std::string> label_value_problem(std::string_view text);

// metadata's name, namespace, labels, annotations, finalizers and ownerReferences.
std::vector<FieldError> check_metadata(const nlohmann::json& object);

}  // namespace kube::server::machinery
