#include <bit>

#include "scheduler/cron_expression.h"

namespace scheduler {
namespace {

using Kind = CronItem::Kind;

uint64_t range_mask(const CronItem& item) {
  uint64_t mask = 0;
  for (uint64_t value = item.first; value <= item.last; value += item.step)
    mask |= uint64_t{1} << value;
  return mask;
}

uint64_t mask_of(const CronExpression& expression, CronField field) {
  uint64_t mask = 0;
  for (const CronItem* item = expression.begin(field); item != expression.end(field); ++item)
    if (item->kind == Kind::Any || item->kind == Kind::Range) mask |= range_mask(*item);
  return mask;
}

void add_days(const CronExpression& expression, Pattern& pattern) {
  constexpr CronField kField = CronField::DayOfMonth;
  pattern.days = static_cast<uint32_t>(mask_of(expression, kField));
  for (const CronItem* item = expression.begin(kField); item != expression.end(kField); ++item) {
    const uint32_t bit = uint32_t{1} << item->first % 32;
    if (item->kind == Kind::FromLast) pattern.from_last |= uint32_t{1} << (31 - item->first);
    if (item->kind == Kind::WeekdayToLast) pattern.weekday_to_last |= bit;
    if (item->kind == Kind::WeekdayToDay) pattern.weekday_to_day |= bit;
  }
}

void add_weekdays(const CronExpression& expression, Pattern& pattern) {
  constexpr CronField kField = CronField::DayOfWeek;
  const uint64_t mask = mask_of(expression, kField);
  pattern.weekdays = static_cast<uint8_t>((mask | mask >> 7) & 0x7f);  // 7 is Sunday too
  for (const CronItem* item = expression.begin(kField); item != expression.end(kField); ++item) {
    const uint32_t weekday = item->first % 7;
    if (item->kind == Kind::LastWeekdayOf) pattern.nth |= uint64_t{1} << (35 + weekday);
    if (item->kind == Kind::NthWeekdayOf)
      pattern.nth |= uint64_t{1} << (7 * (item->last - 1) + weekday);
  }
}

void add_years(const CronExpression& expression, Pattern& pattern) {
  constexpr CronField kField = CronField::Year;
  if (!expression.has_years || expression.field(kField).star_bit) return;
  for (const CronItem* item = expression.begin(kField); item != expression.end(kField); ++item)
    for (uint64_t year = item->first; year <= item->last; year += item->step)
      pattern.years.insert(static_cast<int32_t>(year));
}

}  // namespace

Pattern compile_cron(const CronExpression& expression, int64_t anchor) {
  if (expression.every_seconds != 0) return Pattern::every(expression.every_seconds, anchor);
  Pattern pattern;
  pattern.seconds = mask_of(expression, CronField::Second);
  pattern.minutes = mask_of(expression, CronField::Minute);
  pattern.hours = static_cast<uint32_t>(mask_of(expression, CronField::Hour));
  pattern.months = static_cast<uint16_t>(mask_of(expression, CronField::Month));
  add_days(expression, pattern);
  add_weekdays(expression, pattern);
  add_years(expression, pattern);
  // Either day is enough if both fields say something: a field with * or ? says nothing.
  if (!expression.field(CronField::DayOfMonth).star_bit &&
      !expression.field(CronField::DayOfWeek).star_bit && !expression.both_days)
    pattern.flags |= Pattern::EitherDay;
  pattern.finish();
  return pattern;
}

bool is_fixed_time(const CronExpression& expression, const Pattern& pattern) {
  constexpr uint32_t kAllHours = 0xffffff;
  return expression.every_seconds == 0 && pattern.hours != kAllHours &&
         !expression.field(CronField::Minute).starts_with_star &&
         !expression.field(CronField::Hour).starts_with_star;
}

}  // namespace scheduler
