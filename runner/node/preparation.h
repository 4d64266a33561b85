#pragma once

// Preparation: from a pod to a launch file: volumes on disk, environments, command lines. May be
// repeated from the start at any time before the supervisor has begun.
//
// Errors: NotFound and other passing ones: try again later; InvalidArgument: a message for the
// container's status. Threads: one per pod.

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "kube/api.h"
#include "runner/node/launch.h"
#include "runner/node/node.h"
#include "runner/node/pod_record.h"

namespace runner::node {

base::Result<Launch> prepare(const PodRecord& record, const PodFiles& files,
                             const NodeOptions& options, kube::Api& api);

// Puts the API's token of now where the pod finds it, if it was given one and it has changed.
base::Status renew_token(const PodRecord& record, const PodFiles& files,
                         const NodeOptions& options);

}  // namespace runner::node
