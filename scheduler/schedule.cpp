#include "scheduler/schedule.h"

#include <algorithm>

#include "scheduler/cron_expression.h"

namespace scheduler {
namespace {

// Slots lie strictly between these; wall times differ by less than the two days of margin.
constexpr int64_t kEarliest = civil::seconds_of(1, 1, 1);
constexpr int64_t kLatest = OffsetTable::kEnd - 1;
constexpr int64_t kTwoDays = 2 * civil::kSecondsPerDay;
constexpr int64_t kYearsBegin = civil::seconds_of(YearSet::kFirst, 1, 1);
constexpr int64_t kYearsEnd = civil::seconds_of(YearSet::kLast + 1, 1, 1);
constexpr int64_t kMaxCatchUp = int64_t{3} * 3600;

int64_t clamped(int64_t seconds) {
  return std::clamp(seconds, kEarliest - 1, kLatest + 1);
}

int64_t floor_divide(int64_t value, int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

}  // namespace

base::Result<Schedule> Schedule::parse(std::string_view expression, const ScheduleOptions& options,
                                       std::vector<std::string>* warnings) {
  ASSIGN_OR_RETURN(const CronExpression parsed, parse_cron(expression, options.seed, warnings));
  base::Result<std::shared_ptr<const TimeZone>> zone =
      TimeZone::load(parsed.has_zone ? parsed.zone : options.zone);
  if (!zone) {
    base::Error error = std::move(zone).error();
    if (parsed.has_zone) error.message += " (at " + std::to_string(parsed.zone_offset) + ")";
    return base::failure(std::move(error));
  }
  Pattern pattern = compile_cron(parsed, options.anchor.time_since_epoch().count());
  const bool vixie_fixed = options.dst_policy == DstPolicy::Vixie && is_fixed_time(parsed, pattern);
  if (vixie_fixed) pattern.flags |= Pattern::CatchesUp;
  if (vixie_fixed || options.dst_policy == DstPolicy::Once) pattern.flags |= Pattern::FirstPassOnly;
  return Schedule(std::move(pattern), zone->get());
}

int64_t Schedule::slot(int64_t seconds) {
  return seconds < kEarliest || seconds > kLatest ? kNoSlot : seconds;
}

bool Schedule::catches_up_at(const Segment& before, const Segment& after) const {
  const int32_t gap = after.offset - before.offset;
  return pattern_.has(Pattern::CatchesUp) && gap > 0 && gap <= kMaxCatchUp;
}

// Where a search across changes stands. Wall times in [searched, wall) do not match, `wall` does.
// The whole search may have been moved back by `fold` seconds, a multiple of 400 years.
struct Schedule::Search {
  const Segment* segment;
  int64_t searched;
  int64_t wall;
  int64_t fold = 0;
};

int64_t Schedule::next_slot(int64_t from) const {
  const OffsetTable& offsets = zone_->offsets();
  if (from < kEarliest || from >= offsets.folds_from() || pattern_.has(Pattern::Interval))
      [[unlikely]]
    return next_beyond(from);
  const Segment* segment = offsets.find(from);
  const int64_t searched = std::max(from + 1, first_pass(*segment)) + segment->offset;
  const int64_t wall = pattern_.next(searched);
  if (wall - segment->offset < segment[1].begin) [[likely]]
    return wall - segment->offset;

  // Beyond the next change, but not near any: the segment that it lies in says the offset. Wall
  // times that come again after the next change must not have been passed by the search.
  if (wall < offsets.folds_from() && searched <= segment[1].begin + segment[1].offset) {
    const Segment* there = offsets.find(wall - segment->offset);
    const int64_t instant = wall - there->offset;
    if (instant >= there->begin + there->repeated && instant < there[1].begin) return instant;
  }
  return next_across_changes({.segment = segment, .searched = searched, .wall = wall});
}

// The rare cases: @every, before the year 1, and past the end of the table.
int64_t Schedule::next_beyond(int64_t after) const {
  after = clamped(after);
  if (pattern_.has(Pattern::Interval)) {
    const int64_t past = floor_divide(after - pattern_.anchor(), pattern_.period());
    return slot(pattern_.anchor() + (past + 1) * pattern_.period());
  }
  if (after > kLatest) return kNoSlot;
  const OffsetTable& offsets = zone_->offsets();
  int64_t fold = 0;
  if (after >= offsets.folds_from()) {
    if (pattern_.years.restricted()) return kNoSlot;
    fold = ((after - offsets.folds_from()) / civil::kEraSeconds + 1) * civil::kEraSeconds;
  }
  const Segment* segment = offsets.find(after - fold);
  const int64_t searched = std::max(after - fold + 1, first_pass(*segment)) + segment->offset;
  return next_across_changes(
      {.segment = segment, .searched = searched, .wall = pattern_.next(searched), .fold = fold});
}

int64_t Schedule::next_across_changes(const Search& start) const {
  Search search = start;
  const OffsetTable& offsets = zone_->offsets();
  const int64_t give_up =
      std::max(search.searched + search.fold + civil::kEraSeconds, kYearsEnd) + kTwoDays;
  for (bool first = true;; first = false) {
    const Segment* segment = search.segment;
    // Wall times that come again after the first change may match although the search has passed
    // them. After any later change they lie in what was searched.
    if (!first) {
      if (search.wall == kNoWall || search.wall + search.fold > give_up) return kNoSlot;
      if (search.wall - kTwoDays >= offsets.folds_from()) {
        search.wall -= civil::kEraSeconds;
        search.searched -= civil::kEraSeconds;
        search.fold += civil::kEraSeconds;
        search.segment = segment = offsets.find(search.wall - kTwoDays);
      } else if (segment[1].begin < search.wall - kTwoDays) {
        search.segment = segment = offsets.find(search.wall - kTwoDays);
      }
    }
    const int64_t change = segment[1].begin;
    if (search.wall - segment->offset < change)
      return slot(search.wall - segment->offset + search.fold);
    if (change == OffsetTable::kEnd) return kNoSlot;

    const Segment& next = segment[1];
    if (search.wall < change + next.offset && catches_up_at(*segment, next))
      return slot(change + search.fold);
    const int64_t resumes = first_pass(next) + next.offset;
    if (resumes < search.searched || resumes > search.wall) {
      search.searched = resumes;
      search.wall = pattern_.next(resumes);
    }
    search.segment = &next;
  }
}

int64_t Schedule::prev_slot(int64_t before) const {
  int64_t until = clamped(before) - 1;
  if (pattern_.has(Pattern::Interval)) {
    const int64_t past = floor_divide(until - pattern_.anchor(), pattern_.period());
    return slot(pattern_.anchor() + past * pattern_.period());
  }
  if (until < kEarliest) return kNoSlot;
  if (pattern_.years.restricted()) until = std::min(until, kYearsEnd + kTwoDays);
  const OffsetTable& offsets = zone_->offsets();
  int64_t fold = 0;
  if (until >= offsets.folds_from())
    fold = ((until - offsets.folds_from()) / civil::kEraSeconds + 1) * civil::kEraSeconds;
  const Segment* segment = offsets.find(until - fold);
  const int64_t searched = until - fold + segment->offset;
  const int64_t wall = pattern_.prev(searched);
  if (fold == 0 && wall - segment->offset >= first_pass(*segment)) [[likely]]
    return slot(wall - segment->offset);
  return prev_across_changes(
      {.segment = segment, .searched = searched, .wall = wall, .fold = fold});
}

// As next_across_changes(), backwards: wall times in (wall, searched] do not match.
int64_t Schedule::prev_across_changes(const Search& start) const {
  Search search = start;
  const OffsetTable& offsets = zone_->offsets();
  const int64_t give_up =
      std::min(search.searched + search.fold - civil::kEraSeconds, kYearsBegin) - kTwoDays;
  for (bool first = true;; first = false) {
    const Segment* segment = search.segment;
    if (!first) {
      if (search.wall == kNoWallBefore || search.wall + search.fold < give_up) return kNoSlot;
      // Before the written-out era the rule may not have held yet: unfold.
      if (search.fold != 0 && search.wall - kTwoDays < offsets.folds_from() - civil::kEraSeconds) {
        search.wall += civil::kEraSeconds;
        search.searched += civil::kEraSeconds;
        search.fold -= civil::kEraSeconds;
        search.segment = segment = offsets.find(search.wall + kTwoDays);
      } else if (segment->begin > search.wall + kTwoDays) {
        search.segment = segment = offsets.find(search.wall + kTwoDays);
      }
    }
    if (search.wall - segment->offset >= first_pass(*segment))
      return slot(search.wall - segment->offset + search.fold);
    if (segment == offsets.first()) return kNoSlot;

    const Segment& earlier = segment[-1];
    const int64_t change = segment->begin;
    if (catches_up_at(earlier, *segment) && search.wall >= change + earlier.offset)
      return slot(change + search.fold);
    const int64_t resumes = change + earlier.offset - 1;
    if (resumes > search.searched || resumes < search.wall) {
      search.searched = resumes;
      search.wall = pattern_.prev(resumes);
    }
    search.segment = &earlier;
  }
}

uint64_t Schedule::count(Instant from, Instant to) const {
  int64_t begin = std::max(clamped(from.time_since_epoch().count()), kEarliest - 1);
  int64_t end = std::min(clamped(to.time_since_epoch().count()), kLatest);
  if (begin >= end) return 0;
  if (pattern_.has(Pattern::Interval)) {
    return static_cast<uint64_t>(floor_divide(end - pattern_.anchor(), pattern_.period()) -
                                 floor_divide(begin - pattern_.anchor(), pattern_.period()));
  }
  if (pattern_.years.restricted()) end = std::min(end, kYearsEnd + kTwoDays);
  // What lies past the table is counted an era earlier, era by era.
  const int64_t table_end = zone_->offsets().folds_from();
  uint64_t result = 0;
  while (begin < end) {
    if (begin >= table_end) {
      const int64_t fold = ((begin - table_end) / civil::kEraSeconds + 1) * civil::kEraSeconds;
      begin -= fold;
      end -= fold;
    }
    const int64_t part = std::min(end, table_end);
    result += count_in_table(begin, part);
    begin = part;
  }
  return result;
}

// Segment by segment: the natural slots of each, plus one for every gap that is made up for.
uint64_t Schedule::count_in_table(int64_t from, int64_t to) const {
  const Segment* segment = zone_->offsets().find(from);
  uint64_t result = 0;
  for (int64_t begin = from + 1; begin <= to;) {
    const int64_t end = std::min(to + 1, segment[1].begin);
    result += pattern_.count(std::max(begin, first_pass(*segment)) + segment->offset,
                             end + segment->offset);
    if (segment[1].begin > to) break;
    const Segment& next = segment[1];
    // A slot that is due at the change anyway makes up for the gap too.
    if (catches_up_at(*segment, next) &&
        pattern_.next(next.begin + segment->offset) < next.begin + next.offset &&
        !pattern_.matches(next.begin + next.offset))
      ++result;
    begin = next.begin;
    segment = &next;
  }
  return result;
}

std::vector<Instant> Schedule::between(Instant from, Instant to, size_t limit) const {
  std::vector<Instant> result;
  for (std::optional<Instant> slot = next(from); slot && *slot <= to && result.size() < limit;
       slot = next(*slot))
    result.push_back(*slot);
  return result;
}

bool Schedule::can_fire() const {
  return next(Instant{std::chrono::seconds{kEarliest}}).has_value();
}

bool Schedule::is_catch_up(Instant slot) const {
  if (!pattern_.has(Pattern::CatchesUp)) return false;
  const int64_t wall = slot.time_since_epoch().count() + zone_->offset_at(slot).count();
  return !pattern_.matches(wall);
}

}  // namespace scheduler
