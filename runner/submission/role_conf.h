#pragma once

// The part of the Spark configuration that spec.driver and spec.executor ask for.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "runner/submission/conf.h"
#include "runner/submission/fields.h"
#include "runner/submission/pod_parts.h"

namespace runner::submission {

// What both roles get without being asked: labels, annotations and the environment that says which
// slot the run belongs to.
struct RunMarks {
  Conf labels;      // of the application, copied to its pods
  Conf own_labels;  // the service's; nothing overrides them
  Conf annotations;
  Conf environment;
};

void add_driver_conf(Fields& driver, Fields& spec, const std::string& app_name,
                     const RunMarks& marks, Conf& conf);
void add_executor_conf(Fields& executor, Fields& spec, const RunMarks& marks, Conf& conf);

}  // namespace runner::submission
