#pragma once

// spec.batchScheduler: driver and executors are placed together. "volcano" and "yunikorn" by their
// own words; any other name is a kube-scheduler with the coscheduling plugin. How much a run needs
// is what its pods ask for, with Spark's overheads (demand).
//
// Threads: pure.

#include <string>
#include <vector>

#include <nlohmann/json.hpp>  // a member by value

#include "base/result.h"
#include "runner/submission/conf.h"
#include "runner/submission/fields.h"
#include "runner/submission/pod_parts.h"
#include "runner/submission/submission.h"

namespace runner::submission {

struct BatchScheduler {
  std::string name;  // empty: none is asked for
  std::string queue;
  std::string priority_class;
  nlohmann::json resources;  // spec.batchSchedulerOptions.resources, or null
  std::string group;         // name of the PodGroup
};

// Takes the fields of `spec`, and has every pod name its scheduler and group.
// What it cannot make use of is told.
BatchScheduler add_batch_scheduler(Fields& spec, const std::string& app_name, PodParts& driver,
                                   PodParts& executor, Conf& conf,
                                   std::vector<std::string>& warnings);
// Once the pods are known: the PodGroup, in front of what is created, or YuniKorn's task groups.
base::Status finish_batch_scheduler(const BatchScheduler& scheduler, Submission& built);

}  // namespace runner::submission
