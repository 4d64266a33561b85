#pragma once

// Base64, the standard alphabet (RFC 4648 section 4), as Kubernetes writes bytes into JSON.
//
// Threads: pure functions.

#include <optional>
#include <string>
#include <string_view>

namespace base {

// With padding.
std::string encode_base64(std::string_view bytes);
// Padding is optional; blanks and line breaks are passed over. nullopt for anything else.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace base
