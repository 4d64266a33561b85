#include "scheduler/time_zone_offsets.h"

#include <algorithm>

#include "base/check.h"

namespace scheduler {
namespace {

int32_t year_of(int64_t instant) {
  const int64_t day = (instant + civil::kEpochSeconds) / civil::kSecondsPerDay;
  return civil::date_of(static_cast<civil::DayNumber>(day)).year;
}

}  // namespace

OffsetTable OffsetTable::build(const std::vector<Change>& changes, const PosixTz* rule) {
  CHECK(!changes.empty() && changes.front().at == kBeginning);
  OffsetTable table;
  for (const Change& change : changes)
    table.add(change.at, change.offset, change.abbreviation);

  int64_t last = changes.back().at;
  if (rule != nullptr && rule->daylight()) {
    // The rule holds from the last tabulated change on, or since 1970 if there is none.
    const int32_t first_year = last == kBeginning ? 1970 : year_of(last);
    constexpr int32_t kWrittenOut = 403;  // a whole era, and some room on both sides
    for (int32_t year = first_year; year < first_year + kWrittenOut; ++year) {
      for (const PosixTz::Change& change : rule->changes_in(year)) {
        if (change.at <= last) continue;  // tabulated already, or a rule that crosses new year
        const PosixTz::Kind& kind = change.to_daylight ? *rule->daylight() : rule->standard();
        table.add(change.at, kind.offset, kind.abbreviation);
        last = change.at;
      }
    }
    table.folds_from_ = civil::seconds_of(first_year + 401, 1, 1);
  }
  table.finish();
  return table;
}

void OffsetTable::add(int64_t at, int32_t offset, const std::string& abbreviation) {
  auto name = std::find(names_.begin(), names_.end(), abbreviation);
  if (name == names_.end()) name = names_.insert(names_.end(), abbreviation);
  const auto index = static_cast<uint8_t>(name - names_.begin());
  // Changes that change nothing that anybody can see would only cost searches.
  if (!segments_.empty() && segments_.back().offset == offset && name_of_.back() == index) return;
  segments_.push_back({.begin = at, .offset = offset, .repeated = 0});
  name_of_.push_back(index);
}

void OffsetTable::finish() {
  int64_t seen_until = kBeginning;  // wall time
  for (size_t i = 0; i < segments_.size(); ++i) {
    Segment& segment = segments_[i];
    const int64_t end = i + 1 < segments_.size() ? segments_[i + 1].begin : kEnd;
    const int64_t wall = segment.begin + segment.offset;
    if (i > 0 && seen_until > wall) {
      segment.repeated = static_cast<int32_t>(std::min(seen_until - wall, end - segment.begin));
    }
    seen_until = std::max(seen_until, end + segment.offset);
  }
  segments_.push_back({.begin = kEnd, .offset = segments_.back().offset, .repeated = 0});

  buckets_.resize(kBuckets);
  for (uint64_t bucket = 0; bucket < kBuckets; ++bucket) {
    const int64_t begin = kBucketsBegin + (static_cast<int64_t>(bucket) << kBucketBits);
    buckets_[bucket] = static_cast<uint16_t>(search(begin) - segments_.data());
  }
}

const OffsetTable::Segment* OffsetTable::search(int64_t instant) const {
  const auto after =
      std::upper_bound(segments_.begin() + 1, segments_.end() - 1, instant,
                       [](int64_t value, const Segment& segment) { return value < segment.begin; });
  return &*(after - 1);
}

}  // namespace scheduler
