#pragma once

// What a submission is told besides the application: of an attempt, and of a dry run.
//
// Threads: pure.

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "runner/application.h"
#include "runner/applications/decide.h"
#include "runner/applications/options.h"
#include "runner/submission/demand.h"
#include "runner/submission/submission.h"

namespace runner::applications {

// Of no attempt yet: it has no ids.
submission::Context context_for(const nlohmann::json& object, const ApplicationOptions& options);

// How many executor threads the driver is, where it is its own executor.
std::optional<int> threads_of_driver(const nlohmann::json& object,
                                     const ApplicationOptions& options);

// Of one attempt, which is submitted now.
submission::Context context_of(const Application& app, const nlohmann::json& object,
                               const Attempt& attempt, base::WallTime now,
                               const ApplicationOptions& options);

// A dry run: what a run would be refused for when it is submitted; nullopt: nothing. Paths
// begin with `root`, "spec.template" for a schedule.
std::optional<base::Error> check_template(const nlohmann::json& run,
                                          const ApplicationOptions& options, std::string_view root);

// The same with what the run's events would tell though nothing is wrong.
submission::DryRun dry_run(const nlohmann::json& run, const ApplicationOptions& options,
                           std::string_view root);

// What it takes of a ResourceQuota.
base::Result<submission::Demand> demand_of(const nlohmann::json& run,
                                           const ApplicationOptions& options);

// A hash of UID and attempt: what names an attempt's objects.
std::string submission_id_of(const std::string& uid, const Attempt& attempt);

}  // namespace runner::applications
