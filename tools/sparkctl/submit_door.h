#pragma once

// The door of people who call spark-submit: its arguments, the variables and the files that it
// would have read, as a request. What a variable says counts here and nowhere else: the service
// has no submitter whose environment could mean anything.
//
// Errors: InvalidArgument in Spark's words. Threads: main only.

#include "base/result.h"
#include "runner/submission/submit_request.h"
#include "tools/sparkctl/connect.h"
#include "tools/sparkctl/render.h"

namespace sparkctl {

// Reads the conf folder (SPARK_CONF_DIR, else conf of SPARK_HOME), the properties file and what the
// configuration names by path. A file that is not there is left out: Spark has words for it.
base::Result<runner::submission::SubmitRequest> read_submit_door(const SubmitDoor& door,
                                                                 const Environment& environment);

}  // namespace sparkctl
