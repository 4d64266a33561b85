#pragma once

// What a tenant may not do through a SparkApplication, though the service could: act as somebody
// else, leave the namespace, run an image that the cluster's policies do not look at, or pass for
// the service itself. Part of every submission, and so of every dry run of one: a schedule, the
// webhook and the controller refuse the same in the same words.
//
// What the service is configured with (Context::default_conf) is not a tenant's.
//
// Errors: InvalidArgument, `spec.sparkConf must not set spark.kubernetes.container.image: use
// spec.image`. Threads: pure.

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"

namespace runner::submission {

// The first thing that is denied. What has an unexpected type is for others to complain about.
base::Status check_denied(const nlohmann::json& application);

}  // namespace runner::submission
