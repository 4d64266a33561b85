#pragma once

// What of a pod this node can honour. A field is honoured, or refused by its name, or (where a
// process by its nature has nothing to do with it, as an image) named in one event.
//
// Threads: pure.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace runner::node {

// InvalidArgument: "container \"main\": livenessProbe is not supported by the process node". Things
// are called by their names: the lists that a pod has are not those that its author wrote.
base::Status check_supported(const nlohmann::json& pod);

// What is given but means nothing here: "image apache/spark:4.0.1", "securityContext". In order of
// the pod, each once.
std::vector<std::string> ignored_features(const nlohmann::json& pod);

}  // namespace runner::node
