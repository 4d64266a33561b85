#pragma once

// check_pod_shape: the parts of a SparkApplication that have the shape of a pod's, held against
// Kubernetes' own types. The CRD's schema says the same of most of them when they are written; this
// looks at all of them, whole pod templates too, because no CRD has room for those and an object
// may be older than the schema.
//
// Error: InvalidArgument names what is wrong by the path that people wrote:
// `spec.driver.env[0].valuefrom is unknown: did you mean valueFrom?`, at most kMostShapeProblems of
// them. Values are never repeated: they may be secrets. Threads: pure.

#include <cstddef>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace config {

inline constexpr size_t kMostShapeProblems = 8;

base::Status check_pod_shape(const nlohmann::json& application);

// What stands in the securityContext of a template's pod and is a container's (`capabilities`,
// `allowPrivilegeEscalation`). Spark and API servers drop it without a word, and manifests that
// people pass on have it: no reason to refuse one. Takes it out of `pod_spec`, gives its names.
std::vector<std::string> take_out_of_pod_security(nlohmann::json& pod_spec);

}  // namespace config
