#pragma once

// OffsetTable: a zone's UTC offset at every instant, as a sorted table of segments with a constant
// offset each. The tabulated changes come from the zone file; after the last of them the POSIX rule
// is written out for 400 years, after which the calendar repeats itself, so that any later instant
// is answered 400 years earlier ("folded").
//
// Threads: immutable once built.

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "scheduler/cron_civil.h"
#include "scheduler/posix_tz.h"

namespace scheduler {

class OffsetTable {
 public:
  struct Change {
    int64_t at = 0;      // seconds since 1970, UTC
    int32_t offset = 0;  // from then on; seconds, local = UTC + offset
    std::string abbreviation;
  };
  // 16 bytes; four to a cache line.
  struct Segment {
    int64_t begin = 0;
    int32_t offset = 0;
    // Seconds at its beginning whose wall times have all been before: the second pass.
    int32_t repeated = 0;
  };
  static constexpr int64_t kBeginning = std::numeric_limits<int64_t>::min() / 4;
  static constexpr int64_t kEnd = civil::seconds_of(9999, 12, 31) + 1;

  // `changes` are in order and the first is at kBeginning. Without a rule the last one holds for
  // ever.
  static OffsetTable build(const std::vector<Change>& changes, const PosixTz* rule);

  // The segment of an instant before folds_from(). The next one always exists; of the last real
  // segment it is a sentinel at kEnd.
  [[nodiscard]] const Segment* find(int64_t instant) const {
    const auto bucket = static_cast<uint64_t>(instant - kBucketsBegin) >> kBucketBits;
    if (bucket >= kBuckets) return search(instant);
    const Segment* segment = segments_.data() + buckets_.data()[bucket];
    while (segment[1].begin <= instant)
      ++segment;
    return segment;
  }
  // From here on instants are to be folded; kEnd: never.
  [[nodiscard]] int64_t folds_from() const { return folds_from_; }
  [[nodiscard]] const std::string& abbreviation(const Segment* segment) const {
    return names_[name_of_[static_cast<size_t>(segment - segments_.data())]];
  }
  // All segments, without the sentinel.
  [[nodiscard]] size_t size() const { return segments_.size() - 1; }
  [[nodiscard]] const Segment* first() const { return segments_.data(); }

 private:
  // Buckets of 24 days from 1970 to 2242 say where to look; most hold no change at all.
  static constexpr int64_t kBucketsBegin = 0;
  static constexpr int kBucketBits = 21;
  static constexpr uint64_t kBuckets = 4096;

  [[nodiscard]] const Segment* search(int64_t instant) const;
  void add(int64_t at, int32_t offset, const std::string& abbreviation);
  void finish();

  std::vector<Segment> segments_;
  std::vector<uint16_t> buckets_;
  std::vector<uint8_t> name_of_;
  std::vector<std::string> names_;
  int64_t folds_from_ = kEnd;
};

}  // namespace scheduler
