#pragma once

// Texts that come from elsewhere, made fit to be shown.
//
// Threads: pure functions.

#include <cstddef>
#include <string>
#include <string_view>

namespace base {

// At most `most` bytes, never through the middle of a UTF-8 character.
std::string cut_text(std::string_view text, size_t most);

// As RFC 3629 has it: no overlong forms, no surrogates, nothing beyond U+10FFFF.
bool is_utf8(std::string_view text);

}  // namespace base
