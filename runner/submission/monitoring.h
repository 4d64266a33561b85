#pragma once

// spec.monitoring: Spark's metrics, and a Prometheus JMX exporter as Java agent in the driver and
// the executors. Both read their configuration from one ConfigMap, <application>-prom-conf.

#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "runner/submission/conf.h"
#include "runner/submission/fields.h"
#include "runner/submission/pod_parts.h"

namespace runner::submission {

void add_monitoring(Fields& spec, const nlohmann::json& application, PodParts& driver,
                    PodParts& executor, Conf& conf, std::vector<nlohmann::json>& objects);

}  // namespace runner::submission
