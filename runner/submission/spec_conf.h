#pragma once

// The part of a submission that spec itself asks for, beside its driver and executor: the main
// resource, what comes along with it, and Spark's configuration.
//
// Threads: pure.

#include <string>
#include <vector>

#include "runner/submission/conf.h"
#include "runner/submission/fields.h"
#include "runner/submission/submit_request.h"

namespace runner::submission {

void add_main(Fields& spec, SubmitRequest& request, std::vector<std::string>& warnings);
void add_general_conf(Fields& spec, Conf& conf);
// sparkConf and hadoopConf: later calls overrule them.
void add_user_conf(Fields& spec, Conf& conf);
void add_dynamic_allocation(Fields& spec, Conf& conf);
void add_dependencies(Fields& spec, FileUris files, Conf& conf);

}  // namespace runner::submission
