#pragma once

// What every driver would die of, told before there is one: Spark reads these settings only when it
// starts, so a schedule would fail slot by slot.
//
// Error: InvalidArgument by the path that people wrote. Threads: pure.

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "runner/submission/conf.h"

namespace runner::submission {

// `conf`: of the first stage.
base::Status check_doomed(const nlohmann::json& application, const Conf& conf);

}  // namespace runner::submission
