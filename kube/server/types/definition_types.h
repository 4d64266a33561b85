#pragma once

// The types inside of a CustomResourceDefinition, the schemas of its versions included: `minimum:
// "1"`, `type: [string]`, `required: name` would otherwise be read as if they were not there.
//
// Threads: pure function.

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "kube/server/machinery/invalid_field.h"

namespace kube::server::types {

// At most a hundred errors of type TypeInvalid. A member that is null counts as absent.
void check_definition_types(const nlohmann::json& definition,
                            std::vector<machinery::FieldError>& errors);

}  // namespace kube::server::types
