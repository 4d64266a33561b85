#pragma once

// Schedule: a cron expression compiled for one zone and DST policy. Immutable, 64 bytes, cheap to
// copy; its functions are total: no exception, no allocation, no clock, bounded steps, and no
// memory of the last answer.
//
// Slots lie between the years 1 and 9999. The README of this folder tells how it works.
//
// Threads: const methods from any thread.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "scheduler/cron_pattern.h"
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
  Instant anchor;         // for @every: the slots are anchor + k * period
};

class Schedule {
 public:
  // InvalidArgument with field, offset, what was found and what would be right:
  // "minute: 75 is out of range 0-59 (at 0)". What is accepted but surely not meant is put in words
  // into `warnings`.
  static base::Result<Schedule> parse(std::string_view expression,
                                      const ScheduleOptions& options = {},
                                      std::vector<std::string>* warnings = nullptr);

  // The first slot strictly after / the last strictly before; nullopt: there is none.
  [[nodiscard]] std::optional<Instant> next(Instant after) const {
    return instant(next_slot(after.time_since_epoch().count()));
  }
  [[nodiscard]] std::optional<Instant> prev(Instant before) const {
    return instant(prev_slot(before.time_since_epoch().count()));
  }
  // Slots in (from, to], exactly; takes time by the month, not by the slot.
  [[nodiscard]] uint64_t count(Instant from, Instant to) const;
  // The first `limit` slots in (from, to].
  [[nodiscard]] std::vector<Instant> between(Instant from, Instant to, size_t limit) const;
  // Whether there is any slot at all, in the past or in the future. Decided exactly, not by a
  // horizon: dates repeat after 400 years.
  [[nodiscard]] bool can_fire() const;
  [[nodiscard]] const TimeZone& zone() const { return *zone_; }
  // Whether a slot is not at a wall time of the expression, but makes up for one in a gap.
  [[nodiscard]] bool is_catch_up(Instant slot) const;

 private:
  friend class ScheduleCursor;
  friend class CronCalendar;
  using Segment = OffsetTable::Segment;
  struct Search;

  Schedule(Pattern pattern, const TimeZone* zone) : pattern_(std::move(pattern)), zone_(zone) {}

  // Inside, slots are plain seconds: an optional that crosses a call goes through memory, which
  // costs as much as the search.
  static constexpr int64_t kNoSlot = std::numeric_limits<int64_t>::max();
  static std::optional<Instant> instant(int64_t slot) {
    if (slot == kNoSlot) return std::nullopt;
    return Instant{std::chrono::seconds{slot}};
  }
  static int64_t slot(int64_t seconds);  // kNoSlot beyond the limits of time
  [[nodiscard]] int64_t next_slot(int64_t after) const;
  [[nodiscard]] int64_t prev_slot(int64_t before) const;
  [[nodiscard]] int64_t next_beyond(int64_t after) const;
  [[nodiscard]] int64_t next_across_changes(const Search& search) const;
  [[nodiscard]] int64_t prev_across_changes(const Search& search) const;
  [[nodiscard]] uint64_t count_in_table(int64_t from, int64_t to) const;
  [[nodiscard]] bool catches_up_at(const Segment& before, const Segment& after) const;
  // The instant in a segment from which on its wall times count.
  [[nodiscard]] int64_t first_pass(const Segment& segment) const {
    return segment.begin + (pattern_.has(Pattern::FirstPassOnly) ? segment.repeated : 0);
  }

  Pattern pattern_;
  const TimeZone* zone_;  // kept by TimeZone::load() for the life of the process
};

static_assert(sizeof(Schedule) <= 64, "one cache line");

}  // namespace scheduler
