#pragma once

// What people wrote that changes nothing, though it is no mistake: told as warnings, by path.
//
// Threads: pure.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "runner/submission/conf.h"

namespace runner::submission {

// `conf` is what the first stage made of the application.
std::vector<std::string> without_effect(const nlohmann::json& application, const Conf& conf);

}  // namespace runner::submission
