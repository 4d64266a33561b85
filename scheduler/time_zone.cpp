#include "scheduler/time_zone.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>
#include <stdexcept>

#include <date/tz.h>

#include "base/mutex.h"
#include "scheduler/cron_civil.h"
#include "scheduler/quoted.h"
#include "scheduler/time_zone_file.h"
#include "scheduler/zone_suggestion.h"

namespace scheduler {
namespace {

using Zone = std::shared_ptr<const TimeZone>;

tl::unexpected<base::Error> unknown(std::string_view name) {
  constexpr size_t kShown = 64;
  std::string shown = quoted(name.substr(0, kShown));
  if (name.size() > kShown) shown.insert(shown.size() - 1, "…");
  return base::failure(base::Code::InvalidArgument,
                       "unknown time zone " + shown + zone_suggestion(name));
}

std::vector<OffsetTable::Change> tabulated_changes(const date::time_zone& zone) {
  std::vector<OffsetTable::Change> changes;
  date::sys_seconds at = date::sys_seconds::min();
  for (;;) {
    const date::sys_info info = zone.get_info(at);
    changes.push_back(
        {.at = changes.empty() ? OffsetTable::kBeginning : info.begin.time_since_epoch().count(),
         .offset = static_cast<int32_t>(info.offset.count()),
         .abbreviation = info.abbrev});
    // The library's last segment ends with the year 32767.
    if (info.end.time_since_epoch().count() >= civil::seconds_of(9999, 1, 1)) return changes;
    at = info.end;
  }
}

base::Result<Zone> load_from_file(std::string_view name) {
  try {
    const date::time_zone* zone = date::locate_zone(name);
    ASSIGN_OR_RETURN(const std::string footer, read_zone_footer(std::string(name)));
    std::optional<PosixTz> rule;
    if (!footer.empty()) {
      ASSIGN_OR_RETURN(rule, PosixTz::parse(footer));
    }
    return std::make_shared<const TimeZone>(
        std::string(name), OffsetTable::build(tabulated_changes(*zone), rule ? &*rule : nullptr));
  } catch (const std::exception&) {
    // The date library throws for names that it does not know and for files that it cannot read.
    return unknown(name);
  }
}

// All zones ever asked for: at most as many as tzdata has, because only known ones are kept.
class ZoneCache {
 public:
  base::Result<Zone> load(std::string_view name) {
    base::MutexLock lock(mutex_);
    if (const auto found = zones_.find(name); found != zones_.end()) return found->second;
    ASSIGN_OR_RETURN(Zone zone, load_from_file(name));
    zones_.emplace(zone->name(), zone);
    return zone;
  }

 private:
  base::Mutex mutex_;
  std::map<std::string, Zone, std::less<>> zones_ GUARDED_BY(mutex_);
};

struct Place {
  const OffsetTable::Segment* segment;
  int64_t fold;  // how far the instant was moved back
};

Place place_of(const OffsetTable& offsets, Instant instant) {
  const int64_t seconds = std::clamp(instant.time_since_epoch().count(), OffsetTable::kBeginning,
                                     OffsetTable::kEnd - 1);
  const int64_t beyond = seconds - offsets.folds_from();
  const int64_t fold = beyond < 0 ? 0 : (beyond / civil::kEraSeconds + 1) * civil::kEraSeconds;
  return {.segment = offsets.find(seconds - fold), .fold = fold};
}

}  // namespace

base::Result<Zone> TimeZone::load(std::string_view name) {
  if (!is_zone_name(name)) return unknown(name);
  // Never destroyed: schedules in other static objects may outlive any order of destruction.
  static auto& cache = *new ZoneCache;
  return cache.load(name);
}

LocalTime TimeZone::to_local(Instant instant) const {
  const OffsetTable::Segment* segment = place_of(offsets_, instant).segment;
  const std::chrono::seconds offset{segment->offset};
  return {.time = std::chrono::local_seconds{instant.time_since_epoch() + offset},
          .offset = offset,
          .abbreviation = offsets_.abbreviation(segment)};
}

std::chrono::seconds TimeZone::offset_at(Instant instant) const {
  return std::chrono::seconds{place_of(offsets_, instant).segment->offset};
}

Instant TimeZone::next_change(Instant instant) const {
  const Place place = place_of(offsets_, instant);
  const int64_t change = place.segment[1].begin;
  return Instant{std::chrono::seconds{change == OffsetTable::kEnd ? change : change + place.fold}};
}

std::string format_local(Instant instant, const TimeZone& zone) {
  const int64_t earliest = civil::seconds_of(0, 1, 2);
  const int64_t latest = civil::seconds_of(9999, 12, 31);
  const int64_t seconds = std::clamp(instant.time_since_epoch().count(), earliest, latest);
  const int64_t offset = zone.offset_at(instant).count();
  const int64_t wall = seconds + offset + civil::kEpochSeconds;
  const civil::Date date = civil::date_of(static_cast<civil::DayNumber>(wall / 86400));
  const auto time = static_cast<int>(wall % 86400);
  char text[64];
  int length = std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d", date.year,
                             date.month, date.day, time / 3600, time / 60 % 60, time % 60);
  const int size = static_cast<int>(offset < 0 ? -offset : offset);
  length += std::snprintf(text + length, sizeof text - static_cast<size_t>(length), "%c%02d:%02d",
                          offset < 0 ? '-' : '+', size / 3600, size / 60 % 60);
  std::string result(text, static_cast<size_t>(length));
  if (size % 60 != 0) {
    std::snprintf(text, sizeof text, ":%02d", size % 60);
    result += text;
  }
  return result;
}

}  // namespace scheduler
