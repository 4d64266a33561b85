#pragma once

// `sparkcron apiserver`: the embedded API server alone. Prints where it listens and which
// kubeconfig it wrote, serves until SIGTERM or SIGINT, and stops in order.
//
// Threads: main only.

#include "base/result.h"
#include "tools/sparkcron/options.h"

namespace sparkcron {

// The exit code. Errors are printed.
int run_apiserver(const Options& options);

}  // namespace sparkcron
