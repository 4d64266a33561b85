#include "scheduler/cron_duration.h"

#include <array>
#include <limits>

namespace scheduler {
namespace {

struct Unit {
  std::string_view name;
  uint64_t nanoseconds;
};
// Longer names first where one is the beginning of another.
constexpr std::array<Unit, 8> kUnits{{{"ns", 1},
                                      {"us", 1'000},
                                      {"\u00b5s", 1'000},
                                      {"\u03bcs", 1'000},
                                      {"ms", 1'000'000},
                                      {"s", 1'000'000'000},
                                      {"m", 60'000'000'000},
                                      {"h", 3'600'000'000'000}}};
constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();

bool is_digit(std::string_view text) {
  return !text.empty() && text.front() >= '0' && text.front() <= '9';
}

const Unit* take_unit(std::string_view& text) {
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    text.remove_prefix(unit.name.size());
    return &unit;
  }
  return nullptr;
}

// One part, such as "1.5h".
std::optional<uint64_t> take_part(std::string_view& text) {
  constexpr uint64_t kMaxFraction = 100'000'000'000'000;
  uint64_t whole = 0, fraction = 0, scale = 1;
  bool any = false;
  for (; is_digit(text); text.remove_prefix(1), any = true) {
    if (whole > kMax / 10) return std::nullopt;
    whole = whole * 10 + static_cast<uint64_t>(text.front() - '0');
  }
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    for (; is_digit(text); text.remove_prefix(1), any = true) {
      if (scale >= kMaxFraction) continue;  // finer than a nanosecond of an hour
      fraction = fraction * 10 + static_cast<uint64_t>(text.front() - '0');
      scale *= 10;
    }
  }
  if (!any) return std::nullopt;
  const Unit* unit = take_unit(text);
  if (unit == nullptr || whole > kMax / unit->nanoseconds) return std::nullopt;
  const auto rest = static_cast<uint64_t>(static_cast<long double>(fraction) *
                                          static_cast<long double>(unit->nanoseconds) /
                                          static_cast<long double>(scale));
  return whole * unit->nanoseconds + rest;
}

}  // namespace

std::optional<int64_t> parse_go_duration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (text == "0") return 0;
  if (text.empty()) return std::nullopt;
  uint64_t total = 0;
  while (!text.empty()) {
    const std::optional<uint64_t> part = take_part(text);
    if (!part || *part > kMax || total > kMax - *part) return std::nullopt;
    total += *part;
  }
  return negative ? -static_cast<int64_t>(total) : static_cast<int64_t>(total);
}

}  // namespace scheduler
