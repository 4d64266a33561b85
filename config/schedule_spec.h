#pragma once

// schedule_spec: a ScheduledSparkApplication as scheduler::Spec. "Parse, don't validate": what
// comes out is right by construction. The CRD's schema and CEL rules say the same to those who ask
// the API server; here it is checked again, because objects may be older than the schema.
//
// InvalidArgument names every wrong field by its path, in one message: `spec.schedule: minute: 75
// is out of range 0-59 (at 0); spec.failedRunHistoryLimit: -1 is less than 0`. Threads: pure, but
// for the loading of time zones.

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "scheduler/policy.h"

namespace config {

struct ScheduleSpec {
  scheduler::Spec spec;
  std::vector<std::string> warnings;  // accepted, but surely not meant
};

// `default_time_zone` stands for an empty or "Local" spec.timeZone.
base::Result<ScheduleSpec> parse_schedule_spec(const nlohmann::json& object,
                                               const std::string& default_time_zone);

// Whether spec.concurrencyPolicy lets a run start beside unfinished ones, for whoever needs nothing
// else of the spec. A policy that nobody knows does not.
bool runs_may_overlap(const nlohmann::json& object);

}  // namespace config
