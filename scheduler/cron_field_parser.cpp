#include "scheduler/cron_field_parser.h"

#include <algorithm>
#include <array>

#include "scheduler/quoted.h"

namespace scheduler {
namespace {

constexpr std::array<CronFieldSpec, kCronFields> kSpecs{{
    {.name = "second", .min = 0, .max = 59, .hash_max = 59, .names = {}},
    {.name = "minute", .min = 0, .max = 59, .hash_max = 59, .names = {}},
    {.name = "hour", .min = 0, .max = 23, .hash_max = 23, .names = {}},
    {.name = "day-of-month", .min = 1, .max = 31, .hash_max = 28, .names = {}},
    {.name = "month",
     .min = 1,
     .max = 12,
     .hash_max = 12,
     .names = "janfebmaraprmayjunjulaugsepoctnovdec",
     .first_name = 1},
    // 7 is a second name of Sunday: allowed as a value, not reached by * or by an open range.
    {.name = "day-of-week", .min = 0, .max = 6, .hash_max = 6, .names = "sunmontuewedthufrisat"},
    {.name = "year", .min = YearSet::kFirst, .max = YearSet::kLast, .hash_max = 0, .names = {}},
}};

constexpr uint32_t kMaxNumber = 999'999'999;  // larger ones are all the same: out of range

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_letter(char c, char letter) {
  return lower(c) == letter;
}

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

uint32_t number(std::string_view digits) {
  uint64_t value = 0;
  for (const char c : digits)
    value = std::min<uint64_t>(value * 10 + static_cast<uint64_t>(c - '0'), kMaxNumber);
  return static_cast<uint32_t>(value);
}

}  // namespace

const CronFieldSpec& cron_field_spec(CronField field) {
  return kSpecs[static_cast<size_t>(field)];
}

CronFieldParser::CronFieldParser(CronField field, std::string_view seed,
                                 std::vector<std::string>* warnings, CronExpression& result)
    : field_(field),
      spec_(cron_field_spec(field)),
      seed_(seed),
      warnings_(warnings),
      result_(result),
      out_(result.fields[static_cast<size_t>(field)]) {}

base::Status CronFieldParser::parse(std::string_view text, size_t offset) {
  out_.begin = static_cast<uint16_t>(result_.items.size());
  out_.starts_with_star = text.front() == '*' || text.front() == '?';
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    if (end == begin)
      warn("the empty list item is ignored", offset + begin);
    else
      RETURN_IF_ERROR(parse_item({text.substr(begin, end - begin), offset + begin}));
    begin = end + 1;
  }
  out_.end = static_cast<uint16_t>(result_.items.size());
  if (out_.begin == out_.end) return refuse("the list " + quoted(text) + " is empty", offset);
  return {};
}

base::Status CronFieldParser::parse_item(Part part) {
  if (is_month_day_form(part.text)) {
    return is_letter(part.text.front(), 'l') ? parse_last_day(part) : parse_weekday_to_day(part);
  }
  if (field_ == CronField::DayOfWeek) {
    if (part.text.find('#') != std::string_view::npos) return parse_nth_weekday(part);
    if (is_letter(part.text.back(), 'l')) return parse_last_weekday(part);
  }

  const size_t slash = part.text.find('/');
  const bool has_step = slash != std::string_view::npos;
  const Part base = part.until(slash);
  CronItem item;
  Part step;
  if (has_step) {
    step = part.from(slash + 1);
    ASSIGN_OR_RETURN(item.step, parse_step(step));
  }
  if (base.text.empty())
    return refuse("a value or * expected before " + quoted(part.text), part.offset);
  const char first = base.text.front();
  if (first == '*' || first == '?') return parse_star(base, item, has_step);
  if (is_letter(first, 'h') && (base.text.size() == 1 || base.text[1] == '('))
    return parse_hash(base, item, has_step, step);
  return parse_range(base, item, has_step);
}

// In day-of-month: L, LW, L-n, L-nW and nW. Anything else that begins or ends like them is said to
// be malformed by their own parsers, which know better what is wrong.
bool CronFieldParser::is_month_day_form(std::string_view text) const {
  if (field_ != CronField::DayOfMonth) return false;
  return is_letter(text.front(), 'l') ||
         (is_letter(text.back(), 'w') && text.front() >= '0' && text.front() <= '9');
}

base::Status CronFieldParser::parse_star(Part base, CronItem item, bool has_step) {
  if (base.text.size() > 1) {
    if (base.text[1] != '-') return not_understood(base);
    warn(quoted(base.text.substr(1)) + " after " + std::string(1, base.text[0]) + " is ignored",
         base.offset + 1);
  }
  item.kind = CronItem::Kind::Any;
  item.first = spec_.min;
  item.last = spec_.max;
  if (item.step == 1) out_.star_bit = true;
  if (has_step) warn_if_step_is_vain(item, base);
  add(item);
  return {};
}

base::Status CronFieldParser::parse_range(Part base, CronItem item, bool has_step) {
  const size_t hyphen = base.text.find('-');
  item.kind = CronItem::Kind::Range;
  ASSIGN_OR_RETURN(item.first, parse_value(base.until(hyphen)));
  if (hyphen != std::string_view::npos) {
    ASSIGN_OR_RETURN(item.last, parse_value(base.from(hyphen + 1)));
    if (item.first > item.last) {
      const bool sunday_last = field_ == CronField::DayOfWeek && item.last == 0;
      return refuse(std::string(base.text) + " is reversed, the lower value comes first" +
                        (sunday_last ? " (Sunday at the end of a range is 7)" : ""),
                    base.offset);
    }
  } else {
    item.open = has_step;
    item.last = has_step ? std::max(spec_.max, item.first) : item.first;
  }
  if (has_step) warn_if_step_is_vain(item, base);
  add(item);
  return {};
}

// H, H/n, H(a-b), H(a-b)/n.
base::Status CronFieldParser::parse_hash(Part base, CronItem item, bool has_step, Part step) {
  if (field_ == CronField::Year) return refuse("H is not possible here", base.offset);
  item.kind = CronItem::Kind::Range;
  item.hashed = true;
  uint16_t first = spec_.min;
  uint16_t last = spec_.hash_max;
  if (base.text.size() > 1) {
    const size_t hyphen = base.text.find('-');
    if (hyphen == std::string_view::npos || base.text.back() != ')')
      return refuse(quoted(base.text) + " is not understood, H(a-b) expected", base.offset);
    const Part inside = base.until(base.text.size() - 1);
    ASSIGN_OR_RETURN(first, parse_value(Part(inside.until(hyphen)).from(2)));
    ASSIGN_OR_RETURN(last, parse_value(inside.from(hyphen + 1)));
    if (first > last)
      return refuse(std::string(base.text) + " is reversed, the lower value comes first",
                    base.offset);
  }
  const uint32_t size = static_cast<uint32_t>(last - first) + 1;
  if (has_step && item.step > size)
    return refuse("step " + std::to_string(item.step) + " is larger than the range of " +
                      std::to_string(size) + " values",
                  step.offset);
  const uint64_t choices = has_step ? item.step : size;
  item.first = static_cast<uint16_t>(first + hash() % choices);
  item.last = has_step ? last : item.first;
  add(item);
  return {};
}

base::Status CronFieldParser::parse_last_day(Part part) {
  constexpr uint32_t kMost = 30;
  CronItem item{.kind = CronItem::Kind::FromLast};
  std::string_view rest = part.text.substr(1);
  if (!rest.empty() && is_letter(rest.back(), 'w')) {
    item.kind = CronItem::Kind::WeekdayToLast;
    rest.remove_suffix(1);
  }
  if (!rest.empty()) {
    if (rest.front() != '-' || !all_digits(rest.substr(1)))
      return refuse(quoted(part.text) + " is not understood, L, L-3, LW or L-3W expected",
                    part.offset);
    const uint32_t back = number(rest.substr(1));
    if (back > kMost)
      return refuse(std::string(part.text) + " is out of range L-0 to L-30", part.offset);
    item.first = static_cast<uint16_t>(back);
  }
  add(item);
  return {};
}

base::Status CronFieldParser::parse_weekday_to_day(Part part) {
  const Part day = part.until(part.text.size() - 1);
  if (!all_digits(day.text))
    return refuse(quoted(part.text) + " is not understood, one day such as 15W expected",
                  part.offset);
  CronItem item{.kind = CronItem::Kind::WeekdayToDay};
  ASSIGN_OR_RETURN(item.first, parse_value(day));
  add(item);
  return {};
}

base::Status CronFieldParser::parse_last_weekday(Part part) {
  const Part weekday = part.until(part.text.size() - 1);
  if (weekday.text.empty()) return refuse("L needs a weekday before it, such as 5L", part.offset);
  CronItem item{.kind = CronItem::Kind::LastWeekdayOf};
  ASSIGN_OR_RETURN(item.first, parse_value(weekday));
  add(item);
  return {};
}

base::Status CronFieldParser::parse_nth_weekday(Part part) {
  const size_t hash = part.text.find('#');
  const Part nth = part.from(hash + 1);
  CronItem item{.kind = CronItem::Kind::NthWeekdayOf};
  ASSIGN_OR_RETURN(item.first, parse_value(part.until(hash)));
  if (nth.text.size() == 1 && is_letter(nth.text.front(), 'l')) {
    item.kind = CronItem::Kind::LastWeekdayOf;
  } else {
    if (!all_digits(nth.text)) return refuse(quoted(nth.text) + " is not 1-5 or L", nth.offset);
    const uint32_t week = number(nth.text);
    if (week < 1 || week > 5)
      return refuse(std::string(nth.text) + " is out of range 1-5 or L", nth.offset);
    item.last = static_cast<uint16_t>(week);
  }
  add(item);
  return {};
}

base::Result<uint32_t> CronFieldParser::parse_step(Part part) {
  if (part.text.empty()) return refuse("a step expected after /", part.offset);
  if (!all_digits(part.text))
    return refuse("step " + quoted(part.text) + " is not a number", part.offset);
  const uint32_t step = number(part.text);
  if (step == 0) return refuse("step 0 is below 1", part.offset);
  return step;
}

base::Result<uint16_t> CronFieldParser::parse_value(Part part) {
  if (part.text.empty()) return refuse("a value expected", part.offset);
  if (!all_digits(part.text)) {
    const int value = value_of_name(part.text);
    if (value < 0) return not_understood(part);
    return static_cast<uint16_t>(value);
  }
  const uint32_t value = number(part.text);
  const uint32_t max = field_ == CronField::DayOfWeek ? 7 : spec_.max;
  if (value < spec_.min || value > max)
    return refuse(std::string(part.text) + " is out of range " + range_text(), part.offset);
  return static_cast<uint16_t>(value);
}

// -1: no such name.
int CronFieldParser::value_of_name(std::string_view name) const {
  if (name.size() != 3) return -1;
  for (size_t at = 0; at < spec_.names.size(); at += 3) {
    if (std::equal(name.begin(), name.end(), spec_.names.begin() + static_cast<ptrdiff_t>(at),
                   [](char given, char expected) { return lower(given) == expected; }))
      return spec_.first_name + static_cast<int>(at / 3);
  }
  return -1;
}

std::string CronFieldParser::range_text() const {
  if (field_ == CronField::DayOfWeek) return "0-7";
  return std::to_string(spec_.min) + "-" + std::to_string(spec_.max);
}

// FNV-1a, then the finalizer of splitmix64: stable for ever, because schedules hang on it.
uint64_t CronFieldParser::hash() const {
  uint64_t value = 0xcbf29ce484222325;
  const auto mix = [&value](uint8_t byte) { value = (value ^ byte) * 0x100000001b3; };
  for (const char c : seed_)
    mix(static_cast<uint8_t>(c));
  mix(static_cast<uint8_t>(field_));
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9;
  value = (value ^ (value >> 27)) * 0x94d049bb133111eb;
  return value ^ (value >> 31);
}

void CronFieldParser::warn(const std::string& text, size_t offset) {
  if (warnings_ == nullptr) return;
  warnings_->push_back(std::string(spec_.name) + ": " + text + " (at " + std::to_string(offset) +
                       ")");
}

void CronFieldParser::warn_if_step_is_vain(const CronItem& item, Part part) {
  if (item.first == item.last || item.step <= static_cast<uint32_t>(item.last - item.first)) return;
  warn("step " + std::to_string(item.step) + " leaves only " + std::to_string(item.first) + " of " +
           std::to_string(item.first) + "-" + std::to_string(item.last),
       part.offset);
}

tl::unexpected<base::Error> CronFieldParser::refuse(const std::string& text, size_t offset) const {
  return base::failure(base::Code::InvalidArgument, std::string(spec_.name) + ": " + text +
                                                        " (at " + std::to_string(offset) + ")");
}

tl::unexpected<base::Error> CronFieldParser::not_understood(Part part) const {
  std::string expected = range_text();
  if (field_ == CronField::Month) expected += " or JAN-DEC";
  if (field_ == CronField::DayOfWeek) expected += " or SUN-SAT";
  return refuse(quoted(part.text) + " is not understood, " + expected + " expected", part.offset);
}

}  // namespace scheduler
