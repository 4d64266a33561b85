#pragma once

// What a run may say about itself: {{ .ScheduledTime }} and the like in arguments and in the values
// of environment, labels, annotations and sparkConf of its SparkApplication.
//
//   .ScheduledTime           2026-03-08T07:00:00Z, the slot
//   .ScheduledTimeLocal      the same in the schedule's zone
//   .ScheduledDate           2026-03-08, the slot's day in the schedule's zone
//   .PreviousScheduledTime   the slot before; empty in the first run
//   .RunName .ScheduleName .Namespace
//
// A name that is unknown, or has no value because no schedule started the run, stays as it is and
// gives a warning; in a label, where it cannot stay, a refusal (checks). Spark's own {{APP_ID}} and
// its like stay without one. Threads: pure functions.

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "runner/submission/conf.h"

namespace runner::submission {

// From the metadata of a SparkApplication.
Conf template_variables(const nlohmann::json& application);

struct Substitution {
  std::string text;
  std::vector<std::string> unknown;  // "{{ .Typo }}", as written
};
// Values are inserted as they are: one that looks like a variable is not replaced again.
Substitution substitute(std::string_view text, const Conf& variables);

// In all places of the application that may have variables.
nlohmann::json substitute_variables(nlohmann::json application, std::vector<std::string>& warnings);

}  // namespace runner::submission
