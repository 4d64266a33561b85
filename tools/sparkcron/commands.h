#pragma once

// What each command of sparkcron does, from its options to its exit code. They return when the
// service was asked to stop (SIGTERM, SIGINT) or could not start.
//
// Threads: main only, after process_setup.h.

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "tools/sparkcron/options.h"

namespace sparkcron {

base::Status run_standalone(const Options& options);
base::Status run_controller(const Options& options);
base::Status run_apiserver(const Options& options);
base::Status run_node(const Options& options);
base::Status run_release(const Options& options);
// Prints which calls of a cluster are made, and why.
base::Status run_permissions(const Options& options);

// The CRDs of config/crd, as the embedded API server installs them.
base::Result<std::vector<nlohmann::json>> own_definitions();

}  // namespace sparkcron
