#include "base/base64.h"

#include <cstdint>

namespace base {
namespace {

int value_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

}  // namespace

std::optional<std::string> decode_base64(std::string_view text) {
  std::string bytes;
  uint32_t buffer = 0;
  size_t digits = 0;
  size_t padding = 0;
  for (const char c : text) {
    if (is_blank(c)) continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    const int value = value_of(c);
    if (value < 0 || padding > 0) return std::nullopt;
    buffer = buffer << 6U | static_cast<uint32_t>(value);
    // The second, third and fourth digit of each group complete a byte.
    if (++digits % 4 != 1) {
      bytes.push_back(static_cast<char>(buffer >> (6U - 2U * ((digits + 3) % 4)) & 0xFFU));
    }
  }
  const bool whole = digits % 4 != 1;
  const bool padded = padding == 0 || (padding <= 2 && (digits + padding) % 4 == 0);
  if (!whole || !padded) return std::nullopt;
  return bytes;
}

}  // namespace base
