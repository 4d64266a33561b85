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

// Whether Spark's configuration has keys for all that a volume and its mount say. What it has none
// for goes into the pod as it is.
bool conf_can_say(const nlohmann::json& volume, const nlohmann::json& mount);

// Whether Spark's configuration can mount a Secret of spec.driver.secrets: once, and if its name
// may be part of a volume's. `secret_volume` is what Spark, or we, call its volume.
bool conf_can_mount(const std::vector<nlohmann::json>& secrets, size_t index);
std::string secret_volume(const std::string& secret);

void add_driver_conf(Fields& driver, Fields& spec, const std::string& app_name,
                     const RunMarks& marks, Conf& conf);
void add_executor_conf(Fields& executor, Fields& spec, const RunMarks& marks, Conf& conf);

}  // namespace runner::submission
