#pragma once

// Reads a spark-submit command line. The recordings of the real spark-submit are given this way.
//
// Precedence is spark-submit's: flags, then --conf, then --properties-file (spark-defaults.conf of
// the conf folder only when there is none), then the submitter's environment (SPARK_DRIVER_MEMORY
// and its like). Errors: InvalidArgument. Threads: pure.

#include <string>
#include <vector>

#include "base/result.h"
#include "runner/submission/submit_request.h"

namespace runner::submission {

// `request` comes in with environment, conf_files and local_files filled; the rest is added.
base::Result<SubmitRequest> read_submit_arguments(const std::vector<std::string>& arguments,
                                                  SubmitRequest request);

}  // namespace runner::submission
