#pragma once

// Which files of a Spark conf folder travel to the driver, as spark-submit chooses them: no
// templates, no spark*.conf or spark*.properties, no archives, valid UTF-8, the smallest first
// while they fit into one ConfigMap. As in KubernetesClientUtils.

#include <map>
#include <string>

#include <nlohmann/json_fwd.hpp>

namespace runner::submission {

nlohmann::json conf_folder_files(const std::map<std::string, std::string>& files);

}  // namespace runner::submission
