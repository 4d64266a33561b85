#include "base/yaml/scalar.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <nlohmann/json.hpp>

namespace base::yaml {
namespace {

using nlohmann::json;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// The three ways in which YAML 1.1 writes a word: yes, Yes, YES.
bool is_word(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  bool all_upper = true;
  bool rest_lower = true;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool upper = c >= 'A' && c <= 'Z';
    if ((upper ? static_cast<char>(c - 'A' + 'a') : c) != lower[i]) return false;
    all_upper = all_upper && upper;
    if (i > 0) rest_lower = rest_lower && !upper;
  }
  return all_upper || rest_lower;
}

std::optional<bool> as_boolean(std::string_view text) {
  for (std::string_view word : {"true", "yes", "on", "y"})
    if (is_word(text, word)) return true;
  for (std::string_view word : {"false", "no", "off", "n"})
    if (is_word(text, word)) return false;
  return std::nullopt;
}

bool is_null(std::string_view text) {
  return text.empty() || text == "~" || is_word(text, "null");
}

// Splits "0x1f" into base 16 and "1f"; a leading 0 alone means octal, as in Go's ParseInt base 0.
int take_base(std::string_view& digits) {
  if (digits.size() < 2 || digits[0] != '0') return 10;
  const char mark = digits[1];
  const int base = mark == 'x' || mark == 'X'   ? 16
                   : mark == 'b' || mark == 'B' ? 2
                   : mark == 'o' || mark == 'O' ? 8
                                                : 0;
  digits.remove_prefix(base == 0 ? 1 : 2);
  return base == 0 ? 8 : base;
}

std::optional<json> as_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  const int base = take_base(text);
  if (text.empty()) return std::nullopt;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  if (!negative) return value <= kMax ? json(static_cast<int64_t>(value)) : json(value);
  if (value > kMax + 1) return std::nullopt;
  return json(static_cast<int64_t>(~value + 1));
}

// [-+]?(\.digits|digits(\.digits*)?)([eE][-+]?digits)?
bool has_float_form(std::string_view text) {
  const auto skip_digits = [&text] {
    const size_t count = std::min(text.find_first_not_of("0123456789"), text.size());
    text.remove_prefix(count);
    return count;
  };
  const auto skip_sign = [&text] {
    if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  };
  skip_sign();
  const size_t whole = skip_digits();
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    if (skip_digits() == 0 && whole == 0) return false;
  } else if (whole == 0) {
    return false;
  }
  if (text.empty()) return true;
  if (text[0] != 'e' && text[0] != 'E') return false;
  text.remove_prefix(1);
  skip_sign();
  return skip_digits() > 0 && text.empty();
}

// Whole numbers become integers, as they do on kubectl's way through JSON.
std::optional<json> as_float(std::string_view text) {
  if (!has_float_form(text)) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (std::trunc(value) == value && std::abs(value) <= kExact)
    return json(static_cast<int64_t>(value));
  return json(value);
}

std::optional<json> as_unbounded(std::string_view text) {
  if (text == ".nan" || text == ".NaN" || text == ".NAN")
    return json(std::numeric_limits<double>::quiet_NaN());
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  if (!text.starts_with('.') || !is_word(text.substr(1), "inf")) return std::nullopt;
  const double infinity = std::numeric_limits<double>::infinity();
  return json(negative ? -infinity : infinity);
}

}  // namespace

nlohmann::json resolve_plain(std::string_view text) {
  if (is_null(text)) return nullptr;
  if (const auto boolean = as_boolean(text)) return *boolean;
  const char first = text[0];
  if (is_digit(first) || first == '-' || first == '+' || first == '.') {
    std::string digits(text);
    std::erase(digits, '_');
    if (auto value = as_integer(digits)) return *value;
    if (auto value = as_float(digits)) return *value;
    if (auto value = as_unbounded(text)) return *value;
  }
  return std::string(text);
}

bool looks_special(std::string_view text) {
  if (text == "<<" || text == "=" || !resolve_plain(text).is_string()) return true;
  // 2026-03-08, 12:30:45, 1e3, 1_000, 0b…: numbers and dates to one reader or another.
  const char first = text[0];
  if (!is_digit(first) && first != '-' && first != '+' && first != '.') return false;
  return text.find_first_not_of("0123456789+-.:_eETtZzxXoObB ") == std::string_view::npos;
}

}  // namespace base::yaml
