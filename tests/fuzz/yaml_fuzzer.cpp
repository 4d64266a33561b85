// YAML in: whatever is accepted is written and read back the same, within the limits.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/check.h"
#include "base/yaml/yaml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto documents = base::yaml::parse_all(text, {.bytes = 1 << 16, .nodes = 10'000});
  if (!documents) return 0;
  for (const nlohmann::json& document : *documents) {
    const auto again = base::yaml::parse(base::yaml::dump(document));
    CHECK(again.has_value());
    // Once more: the first round may have replaced what was not UTF-8.
    const auto settled = base::yaml::parse(base::yaml::dump(*again));
    CHECK(settled.has_value());
    CHECK(*settled == *again);
  }
  return 0;
}
