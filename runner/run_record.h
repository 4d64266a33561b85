#pragma once

// run_record: the row of the ledger that says how a run stands, read from its object.
//
// Threads: pure.

#include <nlohmann/json_fwd.hpp>

#include "runner/application.h"
#include "runner/run_recorder.h"

namespace runner {

// `status` is the one about to be written; the object may still carry the one before.
RunRecord run_record(const nlohmann::json& application, const ApplicationStatus& status);
// With the status that the object carries.
RunRecord run_record(const nlohmann::json& application);

}  // namespace runner
