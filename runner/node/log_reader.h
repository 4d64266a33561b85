#pragma once

// Reads a container's log the way pods/log wants it: the last lines, since a time, with times, cut
// at a number of bytes, following what is still being written, across a rotation.
//
// A follower looks again a few times a second. What is rotated away twice before it was read is
// skipped. Threads: as kube::LogReader.

#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/result.h"
#include "kube/log_source.h"
#include "runner/node/pod_logs.h"

namespace runner::node {

// Asked again while following: where the log is now, and whether it is complete. An error ends the
// log in order: the pod is gone.
using LookAtLog = std::function<base::Result<ContainerLog>()>;

// The error of the first look, if it fails.
base::Result<std::unique_ptr<kube::LogReader>> open_log(LookAtLog look,
                                                        const kube::LogOptions& options,
                                                        base::Clock& clock);

}  // namespace runner::node
