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
#include "runner/submission/pod_parts.h"

namespace runner::submission {

void leave_out_of_spec(Fields& spec);
void leave_out_of_role(Fields& role);
// Of a pod template (or of null); `path` is where it was written.
void leave_out_of_template(nlohmann::json& pod, const std::string& path,
                           std::vector<std::string>& left_out);
// Of side cars and init containers. A side car without a command of its own is left out as a whole,
// since images are not used; an init container of that kind stays, and is refused: the driver may
// need what it prepares.
void leave_out_of_side_containers(Fields& role, PodParts& parts);

}  // namespace runner::submission
