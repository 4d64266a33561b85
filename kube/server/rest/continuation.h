#pragma once

// Continuation: the token between the pages of a list: the revision that the first page saw, so
// that all pages show one moment, and the last object of the page before.
//
// The token is opaque to clients and not secret; a forged one only pages differently.
// Threads: pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kube::server::rest {

struct Continuation {
  // The present state, whatever it is by then: for a list whose own moment was compacted.
  static constexpr int64_t kPresent = -1;
  int64_t revision = 0;
  std::string ns;
  std::string name;
};

std::string encode(const Continuation& continuation);
// nullopt when it is not one of ours.
std::optional<Continuation> decode_continuation(std::string_view token);

}  // namespace kube::server::rest
