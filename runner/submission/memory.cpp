#include "runner/submission/memory.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

#include "base/quantity.h"

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

std::optional<base::Quantity> quantity_of(std::string_view text) {
  const auto quantity = base::Quantity::parse(text);
  return quantity && !quantity->negative ? quantity : std::nullopt;
}

// "1.5M" is neither: Spark has no fractions, and its M is not that of Kubernetes.
bool only_kubernetes_reads(std::string_view word) {
  return word.ends_with('i') || word.find_first_of("eE") != std::string_view::npos;
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

}  // namespace

std::optional<int64_t> parse_size(std::string_view text, SizeUnit bare) {
  const std::optional<Size> size = split_size(text);
  if (!size) return std::nullopt;
  const int64_t unit =
      size->unit == nullptr ? static_cast<int64_t>(bare) : int64_t{1} << size->unit->shift;
  if (size->number > std::numeric_limits<int64_t>::max() / unit) return std::nullopt;
  return size->number * unit;
}

base::Result<int64_t> mebibytes_or(const Conf& conf, std::string_view key,
                                   std::string_view fallback) {
  const std::string* text = find(conf, key);
  const std::string value(text == nullptr ? fallback : std::string_view(*text));
  const std::optional<int64_t> bytes = parse_size(value, SizeUnit::Mebibyte);
  if (!bytes) return failure(Code::InvalidArgument, size_problem(value));
  return *bytes >> 20;
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
  const std::optional<base::Quantity> quantity = quantity_of(word);
  constexpr uint64_t kMost = uint64_t{1} << 62;
  if (!quantity || !only_kubernetes_reads(word) || quantity->whole > kMost) return std::nullopt;
  constexpr uint64_t kMebibyte = uint64_t{1} << 20;
  const uint64_t bytes = quantity->whole + (quantity->nanos > 0 ? 1 : 0);
  return std::to_string(bytes / kMebibyte + (bytes % kMebibyte > 0 ? 1 : 0)) + "m";
}

bool is_quantity(std::string_view text) {
  return quantity_of(text).has_value();
}

std::optional<std::string> kubernetes_quantity(std::string_view java_size) {
  const std::optional<Size> size = split_size(java_size);
  if (!size && is_quantity(java_size)) return std::string(java_size);
  if (!size || !parse_size(java_size, SizeUnit::Byte)) return std::nullopt;
  return std::to_string(size->number) +
         std::string(size->unit == nullptr ? "" : size->unit->kubernetes);
}

}  // namespace runner::submission
