#include "scheduler/quoted.h"

#include <cstdint>

namespace scheduler {

std::string quoted(std::string_view text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string result = "\"";
  for (const char c : text) {
    if (c >= ' ' && c <= '~') {
      result += c;
      continue;
    }
    const auto byte = static_cast<uint8_t>(c);
    result += {'\\', 'x', kDigits[byte / 16], kDigits[byte % 16]};
  }
  return result + "\"";
}

}  // namespace scheduler
