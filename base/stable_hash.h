#pragma once

// stable_hash: FNV-1a, 64 bits. The same number for the same text on every machine and in every
// version, because names and labels that are stored are made from it. It keeps honest names apart;
// it is no guard against somebody who looks for a collision.
//
// Threads: pure.

#include <cstdint>
#include <string>
#include <string_view>

namespace base {

inline uint64_t stable_hash(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3;
  }
  return hash;
}

// Both halves of it folded into 8 hex digits, for the end of a name that was shortened.
inline std::string short_hash(std::string_view text) {
  const uint64_t hash = stable_hash(text);
  auto folded = static_cast<uint32_t>(hash ^ (hash >> 32));
  std::string digits(8, '0');
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, folded >>= 4)
    *digit = "0123456789abcdef"[folded & 15];
  return digits;
}

}  // namespace base
