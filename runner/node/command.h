#pragma once

// The command line of a container as a process. A Spark driver and executor run what the entry
// point of Spark's image would run (apache/spark, kubernetes/dockerfiles/spark/entrypoint.sh, 3.5
// and 4.0); anything else runs its own command.
//
// A driver's address, API URL and token go on the command line, where they beat spark.properties.
// Threads: pure.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/properties.h"
#include "base/result.h"
#include "runner/node/environment.h"
#include "runner/node/paths.h"

namespace runner::node {

enum class ContainerKind { SparkDriver, SparkExecutor, Plain };

ContainerKind kind_of(const nlohmann::json& container);

struct CommandContext {
  std::string spark_home;
  std::string java_home;
  std::string pod_ip;
  std::string api_url;
  std::string token_file;  // "" = none
  std::string ca_file;     // "" = none
  std::string temporary_folder;
};

// Whether a driver with these properties needs no API and no executors:
// spark.kubernetes.driver.master is local….
bool is_driver_only(const base::Properties& properties);

// `properties` are those of the driver's --properties-file, empty for others.
std::vector<std::string> build_command(const nlohmann::json& container,
                                       const Environment& environment, const PathMap& paths,
                                       const base::Properties& properties,
                                       const CommandContext& context);

// The value after --properties-file in the container's arguments; empty when there is none.
std::string properties_file(const nlohmann::json& container);

}  // namespace runner::node
