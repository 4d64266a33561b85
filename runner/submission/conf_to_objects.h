#pragma once

// The second stage: what `spark-submit --deploy-mode cluster` would send to the API server for this
// request. Equal, field by field, to recordings of the real one (tests/golden).
//
// Differences on purpose: names follow from `ids` and not from chance, spark.properties is sorted,
// every object carries its namespace, none an owner (the controller knows it), and what Spark would
// create after the pod is to be created before it.
// Errors: InvalidArgument in Spark's own words, Unimplemented by name. Threads: pure.

#include "base/clock.h"
#include "base/result.h"
#include "runner/submission/names.h"
#include "runner/submission/spark_version.h"
#include "runner/submission/submission.h"
#include "runner/submission/submit_request.h"

namespace runner::submission {

base::Result<Submission> submission_from_conf(const SubmitRequest& request,
                                              const SparkVersion& version, const SubmissionIds& ids,
                                              base::WallTime submit_time);

}  // namespace runner::submission
