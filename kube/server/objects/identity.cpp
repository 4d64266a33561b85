#include "kube/server/objects/identity.h"

#include <array>
#include <cstdint>
#include <random>
#include <string_view>

namespace kube::server::objects {
namespace {

std::mt19937_64& generator() {
  thread_local std::mt19937_64 engine = [] {
    std::random_device device;
    std::seed_seq seed{device(), device(), device(), device(),
                       device(), device(), device(), device()};
    return std::mt19937_64(seed);
  }();
  return engine;
}

}  // namespace

std::string new_uid() {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::array<uint64_t, 2> halves = {generator()(), generator()()};
  halves[0] = (halves[0] & ~uint64_t{0xF000}) | 0x4000;                  // version 4
  halves[1] = (halves[1] & ~(uint64_t{3} << 62)) | (uint64_t{2} << 62);  // variant 10
  std::string text;
  for (size_t digit = 0; digit < 32; ++digit) {
    if (digit == 8 || digit == 12 || digit == 16 || digit == 20) text += '-';
    text += kHex[(halves[digit / 16] >> (60 - 4 * (digit % 16))) & 15U];
  }
  return text;
}

std::string new_name_suffix() {
  constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::uniform_int_distribution<size_t> pick(0, kAlphabet.size() - 1);
  std::string suffix;
  for (int i = 0; i < 5; ++i)
    suffix += kAlphabet[pick(generator())];
  return suffix;
}

}  // namespace kube::server::objects
