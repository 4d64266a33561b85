#pragma once

// What of a SparkApplication only containers and clusters have. Where pods run as processes of one
// machine it is left out of them, so that a manifest of a cluster runs unchanged; Fields remembers
// the paths, which one event tells.
//
// Threads: pure functions.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "runner/submission/fields.h"

namespace runner::submission {

void leave_out_of_spec(Fields& spec);
void leave_out_of_role(Fields& role);
// Of a pod template (or of null); `path` is where it was written.
void leave_out_of_template(nlohmann::json& pod, const std::string& path,
                           std::vector<std::string>& left_out);
// Of side cars and init containers.
void leave_out_of_containers(std::vector<nlohmann::json>& containers, const std::string& path,
                             std::vector<std::string>& left_out);

}  // namespace runner::submission
