#include "config/quantity.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace config {
namespace {

struct Suffix {
  std::string_view text;
  long double factor;
};
constexpr Suffix kSuffixes[] = {{"Ki", 0x1p10L}, {"Mi", 0x1p20L}, {"Gi", 0x1p30L}, {"Ti", 0x1p40L},
                                {"Pi", 0x1p50L}, {"Ei", 0x1p60L}, {"n", 1e-9L},    {"u", 1e-6L},
                                {"m", 1e-3L},    {"k", 1e3L},     {"M", 1e6L},     {"G", 1e9L},
                                {"T", 1e12L},    {"P", 1e15L},    {"E", 1e18L}};

base::Result<long double> parse(std::string_view text) {
  const auto wrong = [&] {
    return base::failure(base::Code::InvalidArgument,
                         "\"" + std::string(text) + "\" is not a quantity such as 500m, 2 or 16Gi");
  };
  if (text.empty() || text.size() > 40) return wrong();
  long double factor = 1;
  std::string_view number = text;
  for (const Suffix& suffix : kSuffixes) {
    if (!number.ends_with(suffix.text)) continue;
    number.remove_suffix(suffix.text.size());
    factor = suffix.factor;
    break;
  }
  if (number.starts_with("+")) number.remove_prefix(1);
  double value = 0;
  const auto [end, problem] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (problem != std::errc() || end != number.data() + number.size() || !std::isfinite(value) ||
      value < 0)
    return wrong();
  return static_cast<long double>(value) * factor;
}

int64_t round_up(long double value) {
  constexpr long double kMost = 9e18L;
  // A hair below an integer is that integer: 0.1 has no exact binary form.
  return static_cast<int64_t>(std::ceil(std::min(value, kMost) - 1e-6L));
}

}  // namespace

base::Result<int64_t> parse_milli(std::string_view text) {
  ASSIGN_OR_RETURN(const long double value, parse(text));
  return round_up(value * 1000);
}

base::Result<int64_t> parse_whole(std::string_view text) {
  ASSIGN_OR_RETURN(const long double value, parse(text));
  return round_up(value);
}

std::string format_bytes(int64_t bytes) {
  constexpr int64_t kMi = int64_t{1} << 20;
  return bytes % kMi == 0 ? std::to_string(bytes / kMi) + "Mi" : std::to_string(bytes);
}

}  // namespace config
