#include "runner/submission/memory.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace runner::submission {
namespace {

using base::Code;
using base::failure;

struct Unit {
  std::string_view suffix;
  int shift;
  std::string_view kubernetes;
};
constexpr std::array kUnits = {
    Unit{"b", 0, ""},     Unit{"k", 10, "Ki"}, Unit{"kb", 10, "Ki"}, Unit{"m", 20, "Mi"},
    Unit{"mb", 20, "Mi"}, Unit{"g", 30, "Gi"}, Unit{"gb", 30, "Gi"}, Unit{"t", 40, "Ti"},
    Unit{"tb", 40, "Ti"}, Unit{"p", 50, "Pi"}, Unit{"pb", 50, "Pi"},
};

struct Size {
  int64_t number = 0;
  const Unit* unit = nullptr;  // nullptr: none given
};

std::optional<Size> split_size(std::string_view text) {
  const std::string word = lower(trim(text));
  const size_t digits = std::min(word.find_first_not_of("0123456789"), word.size());
  Size size;
  const auto [end, problem] = std::from_chars(word.data(), word.data() + digits, size.number);
  if (digits == 0 || problem != std::errc{}) return std::nullopt;
  const std::string_view suffix = std::string_view(word).substr(digits);
  if (suffix.empty()) return size;
  for (const Unit& unit : kUnits) {
    if (unit.suffix == suffix) size.unit = &unit;
  }
  return size.unit == nullptr ? std::nullopt : std::optional(size);
}

// A quantity of Kubernetes: digits with at most one point, then a suffix or an exponent.
struct Quantity {
  long double number = 0;
  std::string_view suffix;
};

std::optional<Quantity> split_quantity(std::string_view text) {
  constexpr size_t kLongest = 40;
  if (text.empty() || text.size() > kLongest) return std::nullopt;
  const size_t digits = std::min(text.find_first_not_of("0123456789."), text.size());
  const std::string_view number = text.substr(0, digits);
  std::string_view suffix = text.substr(digits);
  if (number.find_first_of("0123456789") == std::string_view::npos ||
      std::count(number.begin(), number.end(), '.') > 1) {
    return std::nullopt;
  }
  // "1e3", but "1E" is the suffix exa.
  std::string_view whole = number;
  const bool exponent = suffix.size() > 1 && (suffix.front() == 'e' || suffix.front() == 'E');
  if (exponent) {
    const std::string_view power = suffix.substr(suffix[1] == '+' || suffix[1] == '-' ? 2 : 1);
    const bool all_digits = power.find_first_not_of("0123456789") == std::string_view::npos;
    if (power.empty() || power.size() > 2 || !all_digits) return std::nullopt;
    whole = text;
    suffix = {};
  }
  constexpr std::array<std::string_view, 16> kKnown = {
      "", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  if (std::find(kKnown.begin(), kKnown.end(), suffix) == kKnown.end()) return std::nullopt;
  double value = 0;
  std::from_chars(whole.data(), whole.data() + whole.size(), value);
  return Quantity{.number = value, .suffix = suffix};
}

// Of a quantity that Spark does not read; 0 for a suffix that Spark reads in its own way.
long double bytes_per_unit(const Quantity& quantity, bool has_exponent) {
  if (quantity.suffix.empty()) return has_exponent ? 1.0L : 0.0L;
  if (quantity.suffix == "Ki") return 0x1p10L;
  if (quantity.suffix == "Mi") return 0x1p20L;
  if (quantity.suffix == "Gi") return 0x1p30L;
  if (quantity.suffix == "Ti") return 0x1p40L;
  if (quantity.suffix == "Pi") return 0x1p50L;
  if (quantity.suffix == "Ei") return 0x1p60L;
  if (quantity.suffix == "E") return 1e18L;
  return 0.0L;
}

// What Spark says of a text that is no size.
std::string size_problem(const std::string& text) {
  const std::string word = lower(trim(text));
  const size_t digits = std::min(word.find_first_not_of("0123456789"), word.size());
  std::string why = "Failed to parse byte string: " + text;
  const std::string_view rest = std::string_view(word).substr(digits);
  const auto letters = [](std::string_view part) {
    return part.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string_view::npos;
  };
  if (digits > 0 && !rest.empty() && letters(rest)) {
    why = "Invalid suffix: \"" + std::string(rest) + "\"";
  } else if (digits > 0 && rest.starts_with('.')) {
    const size_t end = std::min(word.find_first_not_of("0123456789", digits + 1), word.size());
    if (end > digits + 1 && letters(std::string_view(word).substr(end)))
      why = "Fractional values are not supported. Input was: " + word.substr(0, end);
  }
  return "Size must be specified as bytes (b), kibibytes (k), mebibytes (m), gibibytes (g), "
         "tebibytes (t), or pebibytes(p). E.g. 50b, 100k, or 250m.\n" +
         why;
}

// A size in MiB, truncated.
base::Result<int64_t> mebibytes_or(const Conf& conf, std::string_view key,
                                   std::string_view fallback) {
  const std::string* text = find(conf, key);
  const std::string value(text == nullptr ? fallback : std::string_view(*text));
  const std::optional<int64_t> bytes = parse_size(value, SizeUnit::Mebibyte);
  if (!bytes) return failure(Code::InvalidArgument, size_problem(value));
  return *bytes >> 20;
}

}  // namespace

std::optional<int64_t> parse_size(std::string_view text, SizeUnit bare) {
  const std::optional<Size> size = split_size(text);
  if (!size) return std::nullopt;
  const int64_t unit =
      size->unit == nullptr ? static_cast<int64_t>(bare) : int64_t{1} << size->unit->shift;
  if (size->number > std::numeric_limits<int64_t>::max() / unit) return std::nullopt;
  return size->number * unit;
}

base::Result<DriverMemory> driver_memory(const Conf& conf, Language language,
                                         const SparkVersion& version) {
  constexpr std::string_view kOldFactor = "spark.kubernetes.memoryOverheadFactor";
  constexpr std::string_view kNewFactor = "spark.driver.memoryOverheadFactor";
  ASSIGN_OR_RETURN(const int64_t heap, mebibytes_or(conf, "spark.driver.memory", "1g"));
  ASSIGN_OR_RETURN(const std::optional<double> old_factor, real(conf, kOldFactor));
  std::optional<double> new_factor;
  if (version.has(Rule::DriverOverheadFactor)) {
    ASSIGN_OR_RETURN(new_factor, real(conf, kNewFactor));
  }
  if (old_factor && *old_factor < 0) {
    return failure(Code::InvalidArgument,
                   "'" + java_double(*old_factor) + "' in " + std::string(kOldFactor) +
                       " is invalid. Ensure that memory overhead is non-negative");
  }
  if (new_factor && *new_factor <= 0) {
    return failure(Code::InvalidArgument,
                   "'" + java_double(*new_factor) + "' in " + std::string(kNewFactor) +
                       " is invalid. Ensure that memory overhead is a double greater than 0");
  }

  DriverMemory memory;
  memory.default_factor = old_factor.value_or(language == Language::Jvm ? 0.1 : 0.4);
  const double factor = new_factor.value_or(memory.default_factor);
  int64_t minimum = 384;
  if (version.has(Rule::MinimumOverheads)) {
    ASSIGN_OR_RETURN(minimum, mebibytes_or(conf, "spark.driver.minMemoryOverhead", "384m"));
  }
  // Spark narrows factor × heap to an Int, which saturates.
  const double product = std::min(factor * static_cast<double>(heap),
                                  static_cast<double>(std::numeric_limits<int32_t>::max()));
  int64_t overhead = std::max(static_cast<int64_t>(product), minimum);
  if (has(conf, "spark.driver.memoryOverhead")) {
    ASSIGN_OR_RETURN(overhead, mebibytes_or(conf, "spark.driver.memoryOverhead", ""));
  }
  memory.pod_mebibytes = heap + overhead;  // both are below 2^43
  return memory;
}

std::string java_double(double value) {
  std::array<char, 64> buffer{};
  const double magnitude = value < 0 ? -value : value;
  const bool scientific = magnitude != 0 && (magnitude < 1e-3 || magnitude >= 1e7);
  const auto [end, problem] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                    scientific ? std::chars_format::scientific : std::chars_format::fixed);
  std::string text(buffer.data(), end);
  if (!scientific) return text.find('.') == std::string::npos ? text + ".0" : text;
  const size_t e = text.find('e');
  std::string mantissa = text.substr(0, e);
  std::string exponent = text.substr(e + 1);
  if (mantissa.find('.') == std::string::npos) mantissa += ".0";
  const bool negative = exponent.front() == '-';
  exponent.erase(0, std::min(exponent.find_first_not_of("+-0"), exponent.size() - 1));
  return mantissa + (negative ? "E-" : "E") + exponent;
}

std::optional<std::string> spark_size(std::string_view text) {
  if (split_size(text)) return std::string(text);
  const std::string_view word = trim(text);
  const std::optional<Quantity> quantity = split_quantity(word);
  if (!quantity) return std::nullopt;
  const bool has_exponent = word.find_first_of("eE") != std::string_view::npos;
  const long double unit = bytes_per_unit(*quantity, has_exponent);
  const long double mebibytes = quantity->number * unit / 0x1p20L;
  constexpr long double kMost = 0x1p42L;  // 2^62 bytes
  if (unit <= 0 || mebibytes > kMost) return std::nullopt;
  return std::to_string(static_cast<int64_t>(std::ceil(mebibytes))) + "m";
}

bool is_quantity(std::string_view text) {
  return split_quantity(text).has_value();
}

std::optional<std::string> kubernetes_quantity(std::string_view java_size) {
  const std::optional<Size> size = split_size(java_size);
  if (!size && is_quantity(java_size)) return std::string(java_size);
  if (!size || !parse_size(java_size, SizeUnit::Byte)) return std::nullopt;
  return std::to_string(size->number) +
         std::string(size->unit == nullptr ? "" : size->unit->kubernetes);
}

}  // namespace runner::submission
