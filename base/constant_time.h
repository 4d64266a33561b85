#pragma once

// Comparing secrets: tokens, signatures, codes.
//
// Threads: pure.

#include <string_view>

namespace base {

// Takes the same time wherever the first difference is, so that nobody guesses a secret byte by
// byte. Only that the lengths differ shows.
[[nodiscard]] bool equal_in_constant_time(std::string_view a, std::string_view b);

}  // namespace base
