#include "base/quantity.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <vector>

#include <nlohmann/json.hpp>

namespace base {
namespace {

constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
constexpr size_t kMaxDigits = 1024;  // of one number; nobody writes more
constexpr int kMaxExponent = 1000;   // beyond it everything is zero or the most

struct Suffix {
  std::string_view text;
  Quantity::Family family;
  int power;  // of 10, or of 1024
};

constexpr std::array<Suffix, 16> kSuffixes = {{
    {"n", Quantity::Family::Decimal, -9},
    {"u", Quantity::Family::Decimal, -6},
    {"m", Quantity::Family::Decimal, -3},
    {"", Quantity::Family::Decimal, 0},
    {"k", Quantity::Family::Decimal, 3},
    {"M", Quantity::Family::Decimal, 6},
    {"G", Quantity::Family::Decimal, 9},
    {"T", Quantity::Family::Decimal, 12},
    {"P", Quantity::Family::Decimal, 15},
    {"E", Quantity::Family::Decimal, 18},
    {"Ki", Quantity::Family::Binary, 1},
    {"Mi", Quantity::Family::Binary, 2},
    {"Gi", Quantity::Family::Binary, 3},
    {"Ti", Quantity::Family::Binary, 4},
    {"Pi", Quantity::Family::Binary, 5},
    {"Ei", Quantity::Family::Binary, 6},
}};

std::optional<Suffix> suffix_of(std::string_view text) {
  for (const Suffix& suffix : kSuffixes) {
    if (suffix.text == text) return suffix;
  }
  if (text.size() < 2 || (text.front() != 'e' && text.front() != 'E')) return std::nullopt;
  text.remove_prefix(1);
  if (text.front() == '+') text.remove_prefix(1);
  int64_t power = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), power);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return Suffix{"", Quantity::Family::Exponent,
                static_cast<int>(std::clamp<int64_t>(power, -kMaxExponent, kMaxExponent))};
}

// A number as its decimal digits, the first one first, and where its point stands.
struct Digits {
  std::vector<unsigned> digits;
  int point = 0;  // so many digits before it

  void multiply_by_1024() {
    unsigned carry = 0;
    for (size_t i = digits.size(); i-- > 0;) {
      const unsigned product = digits[i] * 1024 + carry;
      digits[i] = product % 10;
      carry = product / 10;
    }
    for (; carry != 0; carry /= 10) {
      digits.insert(digits.begin(), carry % 10);
      ++point;
    }
  }
  [[nodiscard]] unsigned at(int position) const {  // 0 is the first one after the point
    const int index = point + position;
    return index >= 0 && index < static_cast<int>(digits.size())
               ? digits[static_cast<size_t>(index)]
               : 0;
  }
};

std::optional<Digits> digits_of(std::string_view text) {
  Digits number;
  const size_t dot = text.find('.');
  if (text.size() > kMaxDigits ||
      text.find('.', dot == std::string_view::npos ? dot : dot + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  for (const char c : text) {
    if (c != '.') number.digits.push_back(static_cast<unsigned>(c - '0'));
  }
  if (number.digits.empty()) return std::nullopt;
  number.point = static_cast<int>(dot == std::string_view::npos ? number.digits.size() : dot);
  return number;
}

void carry_over(Quantity& amount) {
  if (amount.nanos >= 1'000'000'000) {
    amount.nanos = 0;
    ++amount.whole;
  }
  if (amount.whole >= kMost) {
    amount.whole = kMost;
    amount.nanos = 0;
  }
}

void set_value(const Digits& number, Quantity& amount) {
  for (int position = -number.point; position < 0; ++position) {
    const unsigned digit = number.at(position);
    if (amount.whole > (kMost - digit) / 10) {
      amount.whole = kMost;
      return;
    }
    amount.whole = amount.whole * 10 + digit;
  }
  for (int position = 0; position < 9; ++position)
    amount.nanos = amount.nanos * 10 + number.at(position);
  for (int position = 9; number.point + position < static_cast<int>(number.digits.size());
       ++position) {
    if (number.at(position) == 0) continue;
    ++amount.nanos;
    break;
  }
  carry_over(amount);
}

// Number and power of ten: as few digits as there can be, the power a multiple of three.
std::pair<std::string, int> shortest(const Quantity& amount) {
  std::string number = std::to_string(amount.whole);
  int power = 0;
  if (amount.nanos != 0) {
    if (amount.whole == 0) number.clear();
    const std::string fraction = std::to_string(amount.nanos);
    number += std::string(9 - fraction.size(), '0') + fraction;
    number.erase(0, std::min(number.find_first_not_of('0'), number.size() - 1));
    power = -9;
  }
  while (power < 18 && number.size() > 3 && number.ends_with("000")) {
    number.resize(number.size() - 3);
    power += 3;
  }
  return {number, power};
}

std::string decimal_suffix(int power) {
  for (const Suffix& suffix : kSuffixes) {
    if (suffix.family == Quantity::Family::Decimal && suffix.power == power)
      return std::string(suffix.text);
  }
  return "";
}

std::string binary_text(uint64_t number) {
  size_t power = 0;
  for (; power < 6 && number % 1024 == 0; ++power)
    number /= 1024;
  constexpr std::array<const char*, 7> kNames = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  return std::to_string(number) + kNames[power];
}

}  // namespace

std::optional<Quantity> Quantity::parse(std::string_view text) {
  Quantity amount;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    amount.negative = text.front() == '-';
    text.remove_prefix(1);
  }
  const size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
  auto number = digits_of(text.substr(0, end));
  const auto suffix = suffix_of(text.substr(end));
  if (!number || !suffix) return std::nullopt;
  amount.family = suffix->family;
  if (suffix->family == Family::Binary) {
    for (int i = 0; i < suffix->power; ++i)
      number->multiply_by_1024();
  } else {
    number->point += suffix->power;
  }
  set_value(*number, amount);
  if (amount.is_zero()) amount.negative = false;
  return amount;
}

std::optional<Quantity> Quantity::of(const nlohmann::json& value) {
  if (value.is_string()) return parse(value.get_ref<const std::string&>());
  return value.is_number() ? parse(value.dump()) : std::nullopt;
}

std::string Quantity::to_string() const {
  if (is_zero()) return "0";
  const std::string sign = negative ? "-" : "";
  if (family == Family::Binary && nanos == 0 && whole >= 1024) return sign + binary_text(whole);
  const auto [number, power] = shortest(*this);
  if (family == Family::Exponent)
    return sign + number + (power == 0 ? "" : "e" + std::to_string(power));
  return sign + number + decimal_suffix(power);
}

Quantity Quantity::in_thousandths() const {
  constexpr uint32_t kThousandth = 1'000'000;
  Quantity rounded = *this;
  rounded.nanos = (nanos + kThousandth - 1) / kThousandth * kThousandth;
  carry_over(rounded);
  return rounded;
}

int Quantity::compare(const Quantity& other) const {
  if (negative != other.negative) return negative ? -1 : 1;
  const auto size = [](const Quantity& amount) { return std::pair(amount.whole, amount.nanos); };
  const int larger = size(*this) < size(other) ? -1 : size(other) < size(*this) ? 1 : 0;
  return negative ? -larger : larger;
}

}  // namespace base
