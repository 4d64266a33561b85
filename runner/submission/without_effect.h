#pragma once

// What people wrote that changes nothing, though it is no mistake: told as warnings, by path.
//
// Threads: pure.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "runner/submission/conf.h"
#include "runner/submission/spark_version.h"
#include "runner/submission/submission.h"

namespace runner::submission {

// What the first stage made of the application, and where.
struct FirstStage {
  const Conf& conf;
  const SparkVersion& version;
  const Context& context;
  const std::vector<std::string>& left_out;  // told already, as only a cluster has it
};
std::vector<std::string> without_effect(const nlohmann::json& application, const FirstStage& made);

}  // namespace runner::submission
