#pragma once

// What spark-submit makes of its arguments before it knows of Kubernetes: checks, defaults and the
// configuration that the driver will read. As in SparkSubmit and SparkSubmitArguments.
//
// Errors: InvalidArgument in Spark's own words; Unimplemented for what would need a JVM or a file
// of the submitting machine. Threads: pure.

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "runner/submission/conf.h"
#include "runner/submission/memory.h"
#include "runner/submission/spark_version.h"
#include "runner/submission/submit_request.h"

namespace runner::submission {

struct ResolvedSubmission {
  Conf conf;
  Language language = Language::Jvm;
  std::string main_class;  // the runner's for Python and R
  std::vector<std::string> warnings;
};

base::Result<ResolvedSubmission> resolve_conf(const SubmitRequest& request,
                                              const SparkVersion& version,
                                              base::WallTime submit_time);

Language language_of(std::string_view main_resource);
// The scheme of a URI; "" for a plain path.
std::string_view scheme_of(std::string_view uri);
// Plain paths are, whole ones as file: is, which is as FileUris says.
bool on_submitting_machine(std::string_view uri, FileUris files);

}  // namespace runner::submission
