#pragma once

// Which files of a Spark conf folder travel to the driver, as spark-submit chooses them: no
// templates, no spark*.conf or spark*.properties, no archives, valid UTF-8, the smallest first
// while they fit into one ConfigMap. As in KubernetesClientUtils.

#include <cstddef>
#include <map>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace runner::submission {

inline constexpr size_t kLargestConfFolder = size_t{1} << 20;  // names and contents together

nlohmann::json conf_folder_files(const std::map<std::string, std::string>& files,
                                 size_t less_than = kLargestConfFolder);

}  // namespace runner::submission
