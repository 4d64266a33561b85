#pragma once

// What metadata may hold, by the rules of machinery/name_syntax.h, which are the same here by name.
//
// Threads: pure functions.

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/server/machinery/invalid_field.h"
#include "kube/server/machinery/name_syntax.h"

namespace kube::server::types {

using machinery::check_label_value;
using machinery::check_name;
using machinery::check_name_prefix;
using machinery::check_qualified_name;
using machinery::NameRule;

// Everything in metadata that a client may write: name, namespace, labels, annotations, finalizers,
// ownerReferences.
std::vector<machinery::FieldError> check_metadata(const nlohmann::json& metadata, NameRule rule,
                                                  bool namespaced);

// Of a built-in kind a finalizer needs a domain, unless it is one of Kubernetes' own.
void check_finalizer_domains(const nlohmann::json& metadata,
                             std::vector<machinery::FieldError>& errors);

}  // namespace kube::server::types
