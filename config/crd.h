#pragma once

// The CustomResourceDefinitions of config/crd, compiled into the program as YAML text.
//
// Threads: constant data.

#include <string_view>
#include <vector>

namespace config {

// SparkApplication and ScheduledSparkApplication.
const std::vector<std::string_view>& crd_manifests();

}  // namespace config
