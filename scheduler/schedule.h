#pragma once

// Schedule: a cron expression compiled for one zone and DST policy. Immutable, small, cheap to
// copy; its functions are total: no exception, no allocation, no clock, bounded steps.
//
// Threads: const methods from any thread.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "scheduler/time_zone.h"

namespace scheduler {

// What happens at wall times that do not exist (gap) or exist twice (overlap).
enum class DstPolicy {
  Vixie,       // fixed times: once at the transition, once in an overlap; intervals: as they come
  Kubernetes,  // gap: skipped; overlap: twice
  Once,        // gap: skipped; overlap: the first time only
};

struct ScheduleOptions {
  std::string_view zone = "UTC";  // a TZ= or CRON_TZ= prefix of the expression wins
  DstPolicy dst_policy = DstPolicy::Vixie;
  std::string_view seed;  // for H: "namespace/name"
  Instant anchor{};       // for @every: the slots are anchor + k * period
};

class Schedule {
 public:
  // InvalidArgument with field, offset, what was found and what would be right:
  // "minute: 75 is out of range 0-59 (at 0)". What is accepted but surely not meant is put in words
  // into `warnings`.
  static base::Result<Schedule> parse(std::string_view expression, const ScheduleOptions& options,
                                      std::vector<std::string>* warnings = nullptr);

  // The first slot strictly after / the last strictly before; nullopt: there is none.
  [[nodiscard]] std::optional<Instant> next(Instant after) const;
  [[nodiscard]] std::optional<Instant> prev(Instant before) const;
  // Slots in (from, to], exactly.
  [[nodiscard]] uint64_t count(Instant from, Instant to) const;
  // Decided exactly, not by a horizon.
  [[nodiscard]] bool can_fire() const;
  [[nodiscard]] const TimeZone& zone() const;
};

}  // namespace scheduler
