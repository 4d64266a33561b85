#include "runner/node/addresses.h"

namespace runner::node {
namespace {

constexpr uint32_t kRange = 4096;

std::string text_of(uint32_t address) {
  return std::to_string(address >> 24) + "." + std::to_string((address >> 16) & 0xFF) + "." +
         std::to_string((address >> 8) & 0xFF) + "." + std::to_string(address & 0xFF);
}

}  // namespace

Addresses::Addresses(std::string_view seed) {
  uint32_t hash = 2166136261;  // FNV-1a
  for (const char c : seed)
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619;
  // 127.16.0.0 and above: the first ones are what people use by hand.
  constexpr uint32_t kLowest = (127u << 24) | (16u << 16);
  constexpr uint32_t kRanges = ((240u << 16) / kRange) - 1;
  first_ = kLowest + (hash % kRanges) * kRange;
}

std::optional<std::string> Addresses::allocate() {
  for (uint32_t tried = 0; tried < kRange; ++tried) {
    const uint32_t address = first_ + next_;
    next_ = (next_ + 1) % kRange;
    // .0 and .255 are addresses like others on loopback, but people take them for something else.
    if ((address & 0xFF) == 0 || (address & 0xFF) == 0xFF) continue;
    std::string text = text_of(address);
    if (taken_.insert(text).second) return text;
  }
  return std::nullopt;
}

}  // namespace runner::node
