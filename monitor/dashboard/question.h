#pragma once

// A schedule as a page asks about it: what of its spec decides when its slots are.
//
// Errors: InvalidArgument for what is too long, or no such question. Threads: a pure function.

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "scheduler/schedule.h"

namespace monitor::dashboard {

struct Question {
  std::string expression;
  std::string zone;
  std::string seed;  // of H
  scheduler::DstPolicy dst_policy = scheduler::DstPolicy::Vixie;
  scheduler::Instant anchor;  // of @every

  [[nodiscard]] scheduler::ScheduleOptions options() const {
    return {.zone = zone, .dst_policy = dst_policy, .seed = seed, .anchor = anchor};
  }
};

// {"schedule", "timeZone", "dstPolicy", "seed", "anchor"}, the last in RFC 3339.
base::Result<Question> read_question(const nlohmann::json& question,
                                     const std::string& default_zone);
// The time in a field, RFC 3339.
base::Result<scheduler::Instant> read_time(const nlohmann::json& object, std::string_view field);

}  // namespace monitor::dashboard
