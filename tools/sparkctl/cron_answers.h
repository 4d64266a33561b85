#pragma once

// What the `sparkctl cron` subcommands print, without the command line.

#include <cstddef>
#include <optional>
#include <string>

#include "scheduler/schedule.h"
#include "tools/sparkctl/cron.h"

namespace sparkctl {

enum class CronOutput { Text, Json };

struct CronQuestion {
  std::string expression;
  std::string zone = "UTC";
  scheduler::DstPolicy dst_policy = scheduler::DstPolicy::Vixie;
  std::string seed;
  scheduler::Instant anchor;
  CronOutput output = CronOutput::Text;

  [[nodiscard]] scheduler::ScheduleOptions options() const {
    return {.zone = zone, .dst_policy = dst_policy, .seed = seed, .anchor = anchor};
  }
};

enum class CronDirection { Next, Prev };

// Each returns the exit code.
int answer_slots(const CronQuestion& question, CronDirection direction, scheduler::Instant from,
                 size_t count, const CronContext& context);
int answer_explain(const CronQuestion& question, const CronContext& context);
int answer_check(const CronQuestion& question, const CronContext& context);
// `month` is "2026-11"; empty: the month of now in the zone.
int answer_calendar(const CronQuestion& question, const std::string& month,
                    const CronContext& context);
// TSV lines `expression, zone, after, dstPolicy, count` from context.in, an answer per line.
int answer_batch(const CronQuestion& defaults, const CronContext& context);

std::optional<scheduler::DstPolicy> dst_policy_of(const std::string& name);
const char* to_string(scheduler::DstPolicy policy);
base::Result<scheduler::Instant> instant_of(const std::string& text);
// "in 3 h", "5 d ago", "now".
std::string relative(scheduler::Instant instant, scheduler::Instant now);

}  // namespace sparkctl
