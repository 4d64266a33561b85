#pragma once

// The environment of a container, from scratch: nothing of the service's own gets in. First what
// the node chooses (PATH, HOME, JAVA_HOME, …), then envFrom, then env, as Kubernetes orders them;
// `$(NAME)` is expanded and paths are rewritten. KUBECONFIG and the pod's marker are the node's: a
// Spark client that found a user's kubeconfig would send that user's token to our API.
//
// Errors: those of Sources. Threads: pure, except for what Sources fetches.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "runner/node/paths.h"
#include "runner/node/sources.h"

namespace runner::node {

using Environment = std::map<std::string, std::string>;

// $(NAME) by its value, $$(NAME) → $(NAME); unknown names stay as they are.
std::string expand(std::string_view text, const Environment& environment);

// `chosen` is what the node sets beneath the pod's own variables, `forced` what it sets above them.
base::Result<Environment> build_environment(const nlohmann::json& container, Sources& sources,
                                            const PathMap& paths, const Environment& chosen,
                                            const Environment& forced);

std::vector<std::string> to_strings(const Environment& environment);

}  // namespace runner::node
