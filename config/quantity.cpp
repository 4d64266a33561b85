#include "config/quantity.h"

#include <algorithm>

#include "base/quantity.h"

namespace config {
namespace {

constexpr uint64_t kMost = 9'000'000'000'000'000'000;

base::Result<base::Quantity> parse(std::string_view text) {
  const auto amount = base::Quantity::parse(text);
  if (amount && !amount->negative) return *amount;
  constexpr size_t kShown = 40;
  return base::failure(base::Code::InvalidArgument, "\"" + std::string(text.substr(0, kShown)) +
                                                        "\" is not a quantity such as 500m, 2 or "
                                                        "16Gi");
}

}  // namespace

base::Result<int64_t> parse_milli(std::string_view text) {
  ASSIGN_OR_RETURN(const base::Quantity amount, parse(text));
  if (amount.whole >= kMost / 1000) return int64_t{kMost};
  const base::Quantity rounded = amount.in_thousandths();
  return static_cast<int64_t>(rounded.whole * 1000 + rounded.nanos / 1'000'000);
}

base::Result<int64_t> parse_whole(std::string_view text) {
  ASSIGN_OR_RETURN(const base::Quantity amount, parse(text));
  return static_cast<int64_t>(std::min(amount.whole + (amount.nanos > 0 ? 1 : 0), kMost));
}

std::string format_bytes(int64_t bytes) {
  constexpr int64_t kMi = int64_t{1} << 20;
  return bytes % kMi == 0 ? std::to_string(bytes / kMi) + "Mi" : std::to_string(bytes);
}

}  // namespace config
