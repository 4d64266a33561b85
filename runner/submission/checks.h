#pragma once

// What people wrote that no pod can have: found before anything is created, and told by the path
// that they wrote, since what an API server says names the places in the pod that we have made.
//
// Errors: InvalidArgument, `spec.driver.env[1].name must not be "A=B": …`. Threads: pure functions.

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace runner::submission {

// What no pod has (config/pod_shape.h), NUL characters, names of objects, variables and volumes,
// mount paths, labels. What else has another type than it should is for others to complain about.
base::Status check_values(const nlohmann::json& application);

// Whether an object can have this name; such a name is safe in the path of a request too.
bool is_object_name(std::string_view name);

}  // namespace runner::submission
