#pragma once

// Quantity: an amount as Kubernetes writes them ("500m", "1.5", "1433Mi", "2e3"), read, compared
// and written in its canonical form: the shortest number with the largest suffix that loses
// nothing, in the family of suffixes that it came with ("0.5" → "500m", "1024Mi" → "1Gi", "1.5Gi" →
// "1536Mi").
//
// What is finer than 1e-9 is rounded up, what is more than 2^63-1 is that much, as there.
// Source: "Quantity" of the API reference. Threads: plain values.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace base {

inline constexpr const char* kQuantityText =
    "quantities must match the regular expression "
    "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

struct Quantity {
  enum class Family { Decimal, Binary, Exponent };
  bool negative = false;
  uint64_t whole = 0;
  uint32_t nanos = 0;  // of one, below a billion
  Family family = Family::Decimal;

  static std::optional<Quantity> parse(std::string_view text);
  // A string, or a number as people write them in YAML.
  static std::optional<Quantity> of(const nlohmann::json& value);

  [[nodiscard]] std::string to_string() const;
  // Rounded up, away from zero, to thousandths: what the API keeps of an amount of a resource.
  [[nodiscard]] Quantity in_thousandths() const;
  [[nodiscard]] bool is_zero() const { return whole == 0 && nanos == 0; }
  [[nodiscard]] bool is_integer() const { return nanos == 0; }
  // Below, equal, above: negative, zero, positive.
  [[nodiscard]] int compare(const Quantity& other) const;
};

}  // namespace base
