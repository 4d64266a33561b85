#pragma once

// ScheduleCursor: walks a schedule forward, slot by slot, several times faster than repeated calls
// of next(), because it keeps what is left of the current hour, day, month and year. For calendars,
// catching up, planning ahead. Gives exactly what repeated next() gives.
//
// Threads: one thread per cursor; it keeps its own copy of the schedule.

#include "scheduler/schedule.h"

namespace scheduler {

class ScheduleCursor {
 public:
  // The first slot will be the first strictly after this instant.
  ScheduleCursor(const Schedule& schedule, Instant after);

  // The next slot; nullopt: there is no more.
  std::optional<Instant> next() { return Schedule::instant(next_slot()); }

 private:
  int64_t next_slot() {
    if (once_a_day_) {
      if (days_left_ == 0 && !next_month()) return jump();
      return at(next_day() + first_time_);
    }
    if (seconds_left_ == 0) {
      if (minutes_left_ == 0) {
        if (hours_left_ == 0) {
          if (days_left_ == 0 && !next_month()) return jump();
          day_ = next_day();
          hours_left_ = schedule_.pattern_.hours;
        }
        hour_ = day_ + take_lowest(hours_left_) * 3600;
        minutes_left_ = schedule_.pattern_.minutes;
      }
      minute_ = hour_ + take_lowest(minutes_left_) * 60;
      seconds_left_ = schedule_.pattern_.seconds;
    }
    return at(minute_ + take_lowest(seconds_left_));
  }

  int64_t at(int64_t wall) {
    if (wall >= valid_until_) return cross(wall);
    wall_ = wall;
    return wall - offset_;
  }

  int64_t next_day() {
    const int64_t day_of_month = take_lowest(days_left_) - 1;
    return table_begin_ + (month_->days_before() + day_of_month) * civil::kSecondsPerDay;
  }

  template <typename Mask>
  static int64_t take_lowest(Mask& mask) {
    const uint32_t bit = lowest(mask);
    mask &= mask - 1;
    return bit;
  }

  uint32_t days_of(civil::Month month) {
    uint32_t& days = days_of_shape_[month.shape()];
    if (days == 0) days = schedule_.pattern_.days_of(month) | 1;
    return days & ~uint32_t{1};
  }
  bool next_month();
  int64_t cross(int64_t wall);
  int64_t jump();
  void stand_at(int64_t slot);

  Schedule schedule_;
  bool once_a_day_;
  int64_t first_time_;  // of a day
  // What is left after the last slot, as masks. All times are wall times.
  uint64_t seconds_left_ = 0;
  uint64_t minutes_left_ = 0;
  uint32_t hours_left_ = 0;
  uint32_t days_left_ = 0;
  int64_t wall_ = 0;  // the last slot
  int64_t minute_ = 0;
  int64_t hour_ = 0;
  int64_t day_ = 0;
  // The days of every shape of month seen so far, with bit 0 set.
  std::array<uint32_t, civil::Month::kShapes> days_of_shape_{};
  int64_t table_begin_ = 0;              // of the table of months
  const civil::Month* month_ = nullptr;  // nullptr: the schedule has to be asked
  const OffsetTable::Segment* segment_ = nullptr;
  int64_t offset_ = 0;
  int64_t valid_until_ = 0;  // the offset changes here
};

}  // namespace scheduler
